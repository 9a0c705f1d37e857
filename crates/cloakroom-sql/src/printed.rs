//! The sessions' migration as text, for an application that keeps its schema with a tool of its own. What is applied from
//! here is known to [`Database::migrate`](crate::Database::migrate): the text says in the same book-keeping that it was done.

use std::fmt::Write as _;

use sqlx::migrate::MigrationType;

use crate::migrate::{Dialect, Set};

/// For what a migration is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Printed {
    /// SQL for PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres,
    /// SQL for SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite,
}

impl Printed {
    /// The SQL that makes the session tables, and notes that they are there.
    ///
    /// Without a transaction of its own, because tools have theirs. Applied by hand it belongs into one: `psql -1`, or
    /// `BEGIN` and `COMMIT` around it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// assert!(cloakroom_sql::Printed::Sqlite.up().contains("CREATE TABLE sessions ("));
    /// ```
    pub fn up(self) -> String {
        let (set, table) = self.set();
        let mut text = String::new();
        for migration in set.migrator().iter().filter(|migration| migration.migration_type.is_up_migration()) {
            push(&mut text, migration.sql.as_str());
            let checksum = migration.checksum.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}"); // a String takes every write
                hex
            });
            let noted = format!(
                "-- Cloakroom's book-keeping: what it says was applied is not applied again.\n{table}\n\
                 INSERT INTO {} (version, description, success, checksum, execution_time)\nVALUES ({}, '{}', TRUE, {}, 0);\n",
                set.table,
                migration.version,
                migration.description.replace('\'', "''"),
                self.bytes(&checksum),
            );
            push(&mut text, &noted);
        }
        text
    }

    /// The SQL that takes it back: every session and the history of endings are dropped.
    pub fn down(self) -> String {
        let (set, _) = self.set();
        let mut text = String::new();
        let migrator = set.migrator();
        let downs = migrator.iter().rev().filter(|migration| migration.migration_type == MigrationType::ReversibleDown);
        for migration in downs {
            push(&mut text, migration.sql.as_str());
        }
        push(&mut text, &format!("DROP TABLE {};\n", set.table));
        text
    }

    /// The migrations, and the table in which they are noted, as `sqlx` makes it.
    fn set(self) -> (Set, String) {
        let (set, time, bytes) = match self {
            #[cfg(feature = "postgres")]
            Self::Postgres => {
                (<sqlx::PgConnection as Dialect>::SESSIONS, "TIMESTAMPTZ NOT NULL DEFAULT now()", "BYTEA")
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite => {
                (<sqlx::SqliteConnection as Dialect>::SESSIONS, "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "BLOB")
            }
        };
        let table = format!(
            "CREATE TABLE IF NOT EXISTS {} (\n    version BIGINT PRIMARY KEY,\n    description TEXT NOT NULL,\n    \
             installed_on {time},\n    success BOOLEAN NOT NULL,\n    checksum {bytes} NOT NULL,\n    \
             execution_time BIGINT NOT NULL\n);\n",
            set.table
        );
        (set, table)
    }

    fn bytes(self, hex: &str) -> String {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("'\\x{hex}'"),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => format!("x'{hex}'"),
        }
    }
}

/// The session tables as models of a `schema.prisma` on PostgreSQL, with a note where the SQL goes.
#[cfg(feature = "postgres")]
pub const PRISMA: &str = include_str!("migrations/prisma/0001_sessions.prisma");

/// Another part of the text, after an empty line.
fn push(text: &mut String, part: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(part);
}
