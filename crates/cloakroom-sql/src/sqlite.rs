//! The stores on one SQLite file: a pool of readers, a single writer.

mod account;
mod copy;
mod database;
mod error;
mod feed;
mod follow;
mod location;
mod login;
mod lookup;
mod migrate;
mod reader;
mod row;
mod session;
mod statements;
mod sweep;
mod writer;

pub(crate) use database::SqliteDatabase;
pub(crate) use login::issue;
