//! SQLite's result codes in the words of [`OpenError`] and [`StoreError`].

use cloakroom_core::store::{StoreError, StoreErrorKind};

use crate::error::{OpenError, OpenErrorKind};

/// What the driver said about the database called `name`.
pub(crate) fn open_error(name: &str, error: sqlx::Error) -> OpenError {
    let (kind, found, way_out) = match primary_code(&error) {
        Some(SQLITE_BUSY | SQLITE_LOCKED) => {
            (OpenErrorKind::Locked, "another program holds it locked", "stop that program or try again")
        }
        Some(SQLITE_READONLY) => (
            OpenErrorKind::ReadOnly,
            "it may not be written",
            "give this user write access to the file and its directory",
        ),
        Some(SQLITE_NOTADB) => {
            (OpenErrorKind::NotADatabase, "the file is not an SQLite database", "set database.url to another path")
        }
        Some(SQLITE_CANTOPEN) => (
            OpenErrorKind::Other,
            "the file cannot be opened",
            "check that it exists and that this user may read and write it",
        ),
        Some(SQLITE_CORRUPT) => (OpenErrorKind::Other, "the file is damaged", "restore it from a backup"),
        Some(SQLITE_FULL) => (OpenErrorKind::Other, "the disk is full", "make room and try again"),
        // Also what a full disk is called where the file of the log is concerned.
        Some(SQLITE_IOERR) => (
            OpenErrorKind::Other,
            "the disk refused to be read or written",
            "make room on it, and look into the system's log for its errors",
        ),
        _ => (OpenErrorKind::Other, "the database refused", "the log has the cause"),
    };
    OpenError::new(kind, name, found, way_out).caused(error)
}

// Primary result codes, https://www.sqlite.org/rescode.html.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;
const SQLITE_CONSTRAINT: i32 = 19;
const SQLITE_NOTADB: i32 = 26;

/// SQLite's primary result code, if SQLite answered at all.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff) // the extended codes keep the primary one in the low byte
}

/// Whether another program holds the database.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(SQLITE_BUSY | SQLITE_LOCKED))
}

/// The store's word for what the driver said.
pub(crate) fn kind_of(error: &sqlx::Error) -> StoreErrorKind {
    match primary_code(error) {
        Some(SQLITE_BUSY | SQLITE_LOCKED) => StoreErrorKind::Busy,
        Some(SQLITE_CONSTRAINT) => StoreErrorKind::Conflict,
        None if matches!(error, sqlx::Error::PoolTimedOut) => StoreErrorKind::Busy,
        _ => StoreErrorKind::Unavailable,
    }
}

/// Turns a driver's error into the store's. SQLite names tables and columns in its texts, never values.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    StoreError::caused(kind_of(&error), error)
}
