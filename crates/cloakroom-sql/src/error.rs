//! What went wrong with the database, for two audiences: the store's callers, and whoever starts the program.

use std::fmt;

use cloakroom_core::store::{StoreError, StoreErrorKind};

/// SQLite's primary result codes that are worth telling apart (sqlite.org/rescode.html).
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const NOTADB: i32 = 26;
}

/// The primary result code of an error of SQLite.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// Whether another connection holds the file.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
}

/// A failed statement as the store's callers see it.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    let kind = match (&error, primary_code(&error)) {
        (_, Some(code::BUSY | code::LOCKED)) | (sqlx::Error::PoolTimedOut, _) => StoreErrorKind::Busy,
        (_, Some(code::CONSTRAINT)) => StoreErrorKind::Conflict,
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::caused(kind, error)
}

/// A stored value that cannot be what it is meant to be.
pub(crate) const fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt { table, column })
}

/// Why a database could not be opened or migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The directory of the file does not exist.
    DirectoryMissing,
    /// The file, or its directory, cannot be read or written.
    NotWritable,
    /// Another program holds the database.
    Locked,
    /// The file was migrated by a newer version of this program.
    NewerVersion,
    /// The file is something else.
    NotADatabase,
    /// The URL names no database that is known here.
    UnsupportedUrl,
    /// Anything else.
    Other,
}

/// A database could not be opened or migrated. Its text is one line: what was found, and what to do.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    line: String,
    source: Option<sqlx::Error>,
}

impl OpenError {
    pub(crate) fn new(kind: OpenErrorKind, line: impl Into<String>) -> Self {
        Self { kind, line: line.into(), source: None }
    }

    /// A failure of SQLite on the file `shown`.
    pub(crate) fn of_sqlite(shown: &str, error: sqlx::Error) -> Self {
        let (kind, line) = match primary_code(&error) {
            Some(code::BUSY | code::LOCKED) => (
                OpenErrorKind::Locked,
                format!("another program holds {shown}: stop it or let it finish, then try again"),
            ),
            Some(code::READONLY) => (
                OpenErrorKind::NotWritable,
                format!("cannot write {shown}: allow this user to write the file and its directory"),
            ),
            Some(code::CANTOPEN) => (
                OpenErrorKind::NotWritable,
                format!("cannot open {shown}: allow this user to read and write the file and its directory"),
            ),
            Some(code::NOTADB) => (
                OpenErrorKind::NotADatabase,
                format!("{shown} is not a SQLite database: move the file away or set database.url to another path"),
            ),
            _ => (OpenErrorKind::Other, format!("cannot use {shown}: {error}")),
        };
        Self { kind, line, source: Some(error) }
    }

    /// What kind of failure it was.
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
