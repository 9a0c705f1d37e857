//! The stores on one SQLite file: a pool of readers, a single writer.

mod account;
mod backup;
#[cfg_attr(not(target_os = "linux"), path = "sqlite/no_commit_mark.rs")]
mod commit_mark;
mod copy;
mod database;
mod error;
mod event;
mod feed;
mod filter;
mod follow;
mod inspect;
mod location;
mod login;
mod lookup;
mod measurement;
mod migrate;
mod part;
mod place;
mod reader;
mod remembered;
mod restore;
mod row;
mod service_token;
mod session;
mod statements;
mod sweep;
mod throttle;
mod writer;

pub use backup::{back_up, check_backup};
pub(crate) use database::SqliteDatabase;
pub(crate) use login::issue;
pub use restore::Restore;
