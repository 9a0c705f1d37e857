//! What an examination of a deployment asks of its database: what the role may do, and whether a secret is stored anywhere.

use std::fmt::Write as _;

use cloakroom_core::store::StoreError;

use crate::open::Database;

/// What the configured role may do with Cloakroom's tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The role; `None` where there are none.
    pub role: Option<String>,
    /// Whether it may do everything, on every table of every database: more than it needs.
    pub is_superuser: bool,
    /// What it needs and may not do, such as `DELETE on sessions`.
    pub missing: Vec<String>,
}

/// What a search through the tables found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Columns that were searched, such as `sessions.ip`.
    pub columns: Vec<String>,
    /// Rows that were searched.
    pub rows: u64,
    /// Those of the columns in which it was found.
    pub found_in: Vec<String>,
}

impl Searched {
    pub(crate) fn add(&mut self, table: &str, column: &str, is_found: bool) {
        let name = format!("{table}.{column}");
        if is_found {
            self.found_in.push(name.clone());
        }
        self.columns.push(name);
    }
}

impl Database {
    /// What the configured role may do.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn rights(&self) -> Result<Rights, StoreError> {
        self.backend().rights().await
    }

    /// Looks for each of these byte strings in every column of every table of Cloakroom's: as they are, and in hexadecimal.
    ///
    /// Reads all rows: it takes seconds where there are a million.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn search(&self, secrets: &[&[u8]]) -> Result<Searched, StoreError> {
        let mut spellings: Vec<_> = secrets.iter().map(|secret| secret.to_vec()).collect();
        spellings.extend(secrets.iter().map(|secret| hex(secret).into_bytes()));
        self.backend().search(spellings).await
    }
}

/// In lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // a String takes every write
        text
    })
}

/// A name in a statement, whatever somebody called it.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
