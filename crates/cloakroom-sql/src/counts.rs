//! What was done, as numbers: for metrics and tests.

/// What the single writer has done since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterCounts {
    /// Transactions committed.
    pub commits: u64,
    /// Jobs answered after a commit.
    pub jobs: u64,
    /// Times the connection was opened again after a failure.
    pub reopened: u64,
}

/// What lookups were answered with since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupCounts {
    /// Statements sent.
    pub statements: u64,
    /// Token digests looked up: on PostgreSQL different ones of a statement, on SQLite each time one is asked for.
    pub lookups: u64,
}
