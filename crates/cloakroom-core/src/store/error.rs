//! What a store could not do. Opaque, so that a cause may change without breaking anybody.

use std::error::Error;
use std::fmt;

/// What kind of failure it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Too much at once, or another program holds the database: worth trying again soon.
    Busy,
    /// The database cannot be asked or cannot write. Never means "logged out" (G6).
    Unavailable,
    /// The operation would break a constraint.
    Conflict,
    /// A stored value cannot be what it is meant to be. Fails this one request only.
    Corrupt {
        /// Where it is stored.
        table: &'static str,
        /// Which value.
        column: &'static str,
    },
}

/// A store could not do what it was asked for.
///
/// Its text names the kind and never a stored value; the cause, for the log, is its `source`.
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind without a cause.
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of this kind with its cause.
    pub fn caused(kind: StoreErrorKind, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(cause.into()) }
    }

    /// What kind of failure it was.
    pub const fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }

    /// Whether trying again soon is worth it.
    pub const fn is_busy(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Busy)
    }

    /// Whether a stored value was unreadable.
    pub const fn is_corrupt(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Corrupt { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StoreErrorKind::Busy => f.write_str("the database is busy"),
            StoreErrorKind::Unavailable => f.write_str("the database cannot be used"),
            StoreErrorKind::Conflict => f.write_str("the change conflicts with what is stored"),
            StoreErrorKind::Corrupt { table, column } => write!(f, "a value in {table}.{column} is corrupt"),
        }
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError").field("kind", &self.kind).field("source", &self.source).finish()
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
