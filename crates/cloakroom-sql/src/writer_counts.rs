//! What SQLite's single writer has done, as numbers.

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
