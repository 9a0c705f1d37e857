//! What is said of a store that does not keep a clause.

use std::fmt;

use crate::store::StoreError;

/// A clause a store did not keep.
///
/// Shows no token digest and no password hash: their own `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Broken {
    pub(super) clause: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Broken {
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { clause: "", expected: expected.into(), found: found.into() }
    }

    /// The name of the clause.
    pub fn clause(&self) -> &str {
        self.clause
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clause, expected, found } = self;
        write!(f, "the store breaks the contract\n    clause: {clause}\n  expected: {expected}\n     found: {found}")
    }
}

/// The same text as `Display`: what a test that returns an error prints.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Broken {}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::new("an answer", format!("the error {error:?}"))
    }
}
