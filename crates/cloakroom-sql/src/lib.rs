//! Cloakroom's stores on SQL databases: SQLite and PostgreSQL.
//!
//! [`Database::open`] is the only place that asks which database it is. What a statement means is decided in
//! `cloakroom_core`; nothing here judges whether a session is usable, reads a clock or makes a token.
//!
//! Invariants, as absences: no statement inserts into `sessions` but the one of `issue` and, into a target that nobody serves
//! yet, the one of a copy; no statement there is an upsert; nothing writes to SQLite but the single writer and, each on a
//! connection of its own, a migration, a copy and a restore; no error contains a stored value.

mod backup;
mod copy;
mod counts;
mod due;
mod error;
mod filter;
mod inspect;
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

pub use backup::Backup;
pub use copy::{Copied, CopiedTable, CopyError, Progress, Stage};
pub use counts::{BatchCounts, LookupCounts, PoolCounts, WriterCounts};
pub use due::{Cutoffs, Due};
pub use error::{OpenError, OpenErrorKind};
pub use inspect::{Rights, Searched};
pub use migrate::{Applied, MigrationStatus, Scope, UnfinishedCopy};
pub use open::{Database, OpenOptions};
#[cfg(feature = "postgres")]
pub use postgres::DumpCommands;
#[cfg(feature = "postgres")]
pub use printed::PRISMA;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use printed::Printed;
#[cfg(feature = "sqlite")]
pub use sqlite::{Restore, back_up, check_backup};
#[cfg(feature = "postgres")]
pub use sqlx::PgPool;
#[cfg(feature = "sqlite")]
pub use sqlx::SqlitePool;
pub use transaction::IssueIn;
