//! What is in a backup, whichever way it was made.

/// A backup that was read back: it is whole, and these tables are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The tables that hold data, with how many rows each has.
    pub tables: Vec<(String, u64)>,
    /// Size of the file.
    pub bytes: u64,
}

impl Backup {
    /// How many rows of a table are in it.
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|(name, _)| name == table).map_or(0, |(_, rows)| *rows)
    }
}
