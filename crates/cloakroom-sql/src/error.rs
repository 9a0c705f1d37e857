//! What can go wrong when opening, and how the driver's errors become the store's kinds.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use cloakroom_core::store::{StoreError, StoreErrorKind};

/// What kept a database from being opened or migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The directory of the file does not exist.
    DirectoryMissing,
    /// The file or its directory may not be written.
    ReadOnly,
    /// Another program holds the file.
    Locked,
    /// A newer version of Cloakroom has migrated it.
    NewerVersion,
    /// The file is something else.
    NotADatabase,
    /// Cloakroom's tables are not there.
    NotMigrated,
    /// The URL is none this version understands.
    UnsupportedUrl,
    /// Anything else: see the source.
    Other,
}

/// A database could not be opened or migrated.
///
/// Its text is one line: what was found, and what to do. It names the file, never a stored value or a secret.
pub struct OpenError {
    kind: OpenErrorKind,
    text: String,
    source: Option<Arc<sqlx::Error>>,
}

impl OpenError {
    /// An error about the database called `name` (an URL that may be shown).
    pub(crate) fn new(kind: OpenErrorKind, name: &str, found: &str, way_out: &str) -> Self {
        Self { kind, text: format!("cannot open {name}: {found}; {way_out}"), source: None }
    }

    /// An error with a text of its own.
    pub(crate) fn saying(kind: OpenErrorKind, text: String) -> Self {
        Self { kind, text, source: None }
    }

    pub(crate) fn caused(mut self, source: sqlx::Error) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same cause under another text.
    pub(crate) fn caused_by(mut self, other: Self) -> Self {
        self.source = other.source;
        self
    }

    /// What the driver said about the database called `name`.
    pub(crate) fn from_driver(name: &str, error: sqlx::Error) -> Self {
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
            _ => (OpenErrorKind::Other, "the database refused", "the log has the cause"),
        };
        Self::new(kind, name, found, way_out).caused(error)
    }

    /// What kind of failure it was.
    pub const fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// Whether another program holds the file: worth trying again.
    pub fn is_locked(&self) -> bool {
        self.kind == OpenErrorKind::Locked
    }

    /// Whether a newer version of Cloakroom has migrated the database.
    pub fn is_newer_version(&self) -> bool {
        self.kind == OpenErrorKind::NewerVersion
    }

    /// Whether Cloakroom's tables are missing.
    pub fn is_not_migrated(&self) -> bool {
        self.kind == OpenErrorKind::NotMigrated
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenError")
            .field("kind", &self.kind)
            .field("text", &self.text)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

// Primary result codes, https://www.sqlite.org/rescode.html.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
const SQLITE_READONLY: i32 = 8;
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

/// Nothing can be asked, for a reason that is ours to put in words.
pub(crate) fn unavailable(why: &'static str) -> StoreError {
    StoreError::caused(StoreErrorKind::Unavailable, why)
}
