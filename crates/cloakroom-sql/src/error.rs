//! What can go wrong when opening a database. What a driver says is put in these words beside that driver.

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
    /// The credentials in the URL, or what they may do, are not enough.
    Denied,
    /// The server cannot be reached.
    Unreachable,
    /// The server is older than what is needed.
    TooOld,
    /// Cloakroom's tables are not there.
    NotMigrated,
    /// A copy into it is not finished.
    CopyUnfinished,
    /// The URL is none this version understands.
    UnsupportedUrl,
    /// Anything else: see the source.
    Other,
}

/// A database could not be opened, migrated, backed up or restored.
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

/// Nothing can be asked, for a reason that is ours to put in words.
pub(crate) fn unavailable(why: &'static str) -> StoreError {
    StoreError::caused(StoreErrorKind::Unavailable, why)
}

/// One cause of several errors: why a group did not commit, why a batch was not answered.
#[derive(Clone, Debug)]
pub(crate) struct SharedCause {
    kind: StoreErrorKind,
    cause: Arc<dyn Error + Send + Sync>,
}

impl SharedCause {
    pub(crate) fn of(error: StoreError) -> Self {
        Self { kind: error.kind().clone(), cause: Arc::new(error) }
    }

    /// The error for one of those it concerns.
    pub(crate) fn error(&self) -> StoreError {
        StoreError::caused(self.kind.clone(), Box::new(self.clone()) as Box<_>)
    }
}

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause.source() {
            Some(source) => fmt::Display::fmt(source, f),
            None => fmt::Display::fmt(&self.cause, f),
        }
    }
}

impl Error for SharedCause {}
