//! Cloakroom's stores on SQL databases: SQLite now, PostgreSQL beside it later.
//!
//! [`Database::open`] is the only place that asks which database it is. What a statement means is decided in
//! `cloakroom_core`; nothing here judges whether a session is usable, reads a clock or makes a token.
//!
//! Invariants, as absences: no statement inserts into `sessions` but the one of `issue`; no statement there is an upsert;
//! nothing writes but the single writer; no error contains a stored value.

mod account;
mod error;
mod feed;
mod location;
mod login;
mod migrate;
mod open;
mod reader;
mod row;
mod session;
mod statements;
mod sweep;
mod writer;

pub use error::{OpenError, OpenErrorKind};
pub use migrate::{Applied, MigrationStatus, Scope};
pub use open::{Database, OpenOptions};
pub use writer::WriterCounts;
