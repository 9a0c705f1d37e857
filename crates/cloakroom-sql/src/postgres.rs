//! The stores on a PostgreSQL server, shared by any number of instances.
//!
//! Every operation is one statement or one transaction at READ COMMITTED; locks are taken in one order everywhere: everyone
//! (an advisory lock), accounts' rows by subject, the subject's row, then rows of `sessions` by token digest.

mod account;
mod connection;
mod copy;
mod database;
mod dump;
mod error;
mod event;
mod feed;
mod filter;
mod follow;
mod gate;
mod hint;
mod inspect;
mod login;
mod lookup;
mod measurement;
mod migrate;
mod row;
mod service_token;
mod session;
mod statements;
mod sweep;
mod throttle;
mod value;

pub(crate) use database::PostgresDatabase;
pub use dump::DumpCommands;
pub(crate) use login::issue;
