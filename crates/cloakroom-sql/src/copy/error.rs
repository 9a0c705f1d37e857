//! What can stop a copy, each in one line that says what was found and what to do.

use std::error::Error;
use std::fmt;

use cloakroom_core::store::{StoreError, StoreErrorKind};

use super::pairs::Where;
use crate::error::OpenError;

/// A copy was refused, or stopped. Nothing at the source has changed; the target is unfinished until a copy finishes it.
///
/// Its text is one line. It names databases, tables and columns, never a stored value or a secret.
#[derive(Debug)]
pub struct CopyError {
    kind: Kind,
    text: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Refused,
    Differs,
    Corrupt,
    Stopped,
}

impl CopyError {
    const fn new(kind: Kind, text: String) -> Self {
        Self { kind, text, cause: None }
    }

    fn caused(self, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }

    pub(super) fn same(name: &str) -> Self {
        let text = format!("cannot copy {name} to itself; name another database as the target");
        Self::new(Kind::Refused, text)
    }

    pub(super) fn in_use(target: &str) -> Self {
        let text = format!(
            "cannot copy into {target}: it already holds sessions, accounts, service tokens or history, and what was copied \
             once is not copied again, because that could bring ended sessions back; name an empty database, or drop what is in this \
             one with cloakroom migrate down --yes"
        );
        Self::new(Kind::Refused, text)
    }

    pub(super) fn of_another(target: &str, other: &str) -> Self {
        let text = format!(
            "cannot copy into {target}: it holds an unfinished copy of {other}; finish that one, or drop it with \
             cloakroom migrate down --yes"
        );
        Self::new(Kind::Refused, text)
    }

    /// The source cannot be kept from changing.
    pub(super) fn not_frozen(source: &str, error: OpenError) -> Self {
        if !error.is_locked() {
            return error.into();
        }
        let text = format!(
            "cannot copy from {source}: another program is writing to it; stop every instance that uses it, then run the \
             copy again"
        );
        Self::new(Kind::Stopped, text).caused(error)
    }

    pub(super) fn differs(source: &str, target: &str, table: &str) -> Self {
        let text = format!(
            "the copy is not finished: {table} in {target} is not what {source} holds; stop every program that uses \
             {target}, then run the copy again"
        );
        Self::new(Kind::Differs, text)
    }

    pub(super) fn at(end: Where, name: &str, error: StoreError) -> Self {
        let (kind, text) = match (error.kind(), end) {
            (StoreErrorKind::Corrupt { table, column }, Where::Source) => (
                Kind::Corrupt,
                format!(
                    "the copy is not finished: a value in {table}.{column} of {name} is corrupt, or none the target can \
                     hold; correct it there or delete its row, then run the copy again"
                ),
            ),
            (StoreErrorKind::Corrupt { table, column }, Where::Target) => (
                Kind::Corrupt,
                format!(
                    "the copy is not finished: a value in {table}.{column} of {name} is corrupt; drop what is in there \
                     with cloakroom migrate down --yes, then run the copy again"
                ),
            ),
            (StoreErrorKind::Busy, _) => (
                Kind::Stopped,
                format!(
                    "the copy is not finished: another program holds {name}; stop every program that uses it, then run \
                     the copy again"
                ),
            ),
            (StoreErrorKind::Conflict, Where::Target) => (
                Kind::Stopped,
                format!(
                    "the copy is not finished: {name} refused a row, because another program or another copy has written \
                     into it or the row breaks a rule there; stop other programs, then run the copy again"
                ),
            ),
            _ => (
                Kind::Stopped,
                format!(
                    "the copy is not finished: {name} can no longer be used; see that it can, then run the copy again, \
                     which goes on where this one stopped"
                ),
            ),
        };
        Self::new(kind, text).caused(error)
    }

    /// Whether nothing was begun, and running it again changes nothing about that: the same database twice, or a target
    /// that holds something already.
    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Whether the target held something else than the source when everything was compared at the end.
    pub fn is_mismatch(&self) -> bool {
        self.kind == Kind::Differs
    }

    /// Whether a stored value was unreadable.
    pub fn is_corrupt(&self) -> bool {
        self.kind == Kind::Corrupt
    }
}

impl From<OpenError> for CopyError {
    fn from(error: OpenError) -> Self {
        Self::new(Kind::Stopped, error.to_string()).caused(error)
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for CopyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}
