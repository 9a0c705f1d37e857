//! Cloakroom's stores on SQL databases: the only crate with SQL text. SQLite for now.
//!
//! Statements decide no more than a record's own two timeouts, so that a conditional update can refuse what has
//! ended; whether a session is usable for a request is the core's verdict. What must not live here: HTTP, cookies, policies.

mod account;
mod error;
mod feed;
mod login;
mod migrate;
mod open;
mod row;
mod session;
mod sweep;
mod writer;

pub use error::{OpenError, OpenErrorKind};
pub use migrate::{Applied, MigrationStatus, Scope};
pub use open::{Database, OpenOptions};
