//! Cloakroom's stores on SQL databases: SQLite and PostgreSQL.
//!
//! [`Database::open`] is the only place that asks which database it is. What a statement means is decided in
//! `cloakroom_core`; nothing here judges whether a session is usable, reads a clock or makes a token.
//!
//! Invariants, as absences: no statement inserts into `sessions` but the one of `issue` and, into a target that nobody serves
//! yet, the one of a copy; no statement there is an upsert; nothing writes to SQLite but the single writer and, each on a
//! connection of its own, a migration and a copy; no error contains a stored value.

mod copy;
mod counts;
mod error;
mod migrate;
mod open;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod printed;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
mod transaction;
mod walk;
mod words;

pub use copy::{Copied, CopiedTable, CopyError, Progress, Stage};
pub use counts::{LookupCounts, WriterCounts};
pub use error::{OpenError, OpenErrorKind};
pub use migrate::{Applied, MigrationStatus, Scope};
pub use open::{Database, OpenOptions};
#[cfg(feature = "postgres")]
pub use printed::PRISMA;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use printed::Printed;
#[cfg(feature = "postgres")]
pub use sqlx::PgPool;
#[cfg(feature = "sqlite")]
pub use sqlx::SqlitePool;
pub use transaction::IssueIn;
