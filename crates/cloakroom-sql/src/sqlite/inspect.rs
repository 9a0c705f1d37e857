//! Looking for a secret in every column of a file.

use cloakroom_core::store::StoreError;
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::statements::{COLUMNS, HAS_TABLE};
use crate::error::unavailable;
use crate::inspect::{Searched, hex, identifier};
use crate::migrate::{counting, every_table};

impl SqliteDatabase {
    pub(crate) async fn search_columns(&self, spellings: Vec<Vec<u8>>) -> Result<Searched, StoreError> {
        let mut connection = self.connect().await.map_err(|_| unavailable("the file cannot be opened once more"))?;
        // SQLite's own `hex` writes capitals; a text in capitals is looked for as well.
        let capitals = spellings.iter().map(|bytes| bytes.to_ascii_uppercase());
        let needles: Vec<_> =
            spellings.iter().cloned().chain(capitals).map(|bytes| hex(&bytes).to_uppercase()).collect();
        let mut searched = Searched::default();
        for table in every_table::<SqliteConnection>() {
            let has_table: bool =
                sqlx::query_scalar(HAS_TABLE).bind(table).fetch_one(&mut connection).await.map_err(store_error)?;
            if !has_table {
                continue;
            }
            let rows: i64 =
                sqlx::query_scalar(counting(table)).fetch_one(&mut connection).await.map_err(store_error)?;
            searched.rows += u64::try_from(rows).unwrap_or(0);
            let columns: Vec<String> =
                sqlx::query_scalar(COLUMNS).bind(table).fetch_all(&mut connection).await.map_err(store_error)?;
            for column in columns {
                let tests = vec![format!("instr(hex({}), ?)", identifier(&column)); needles.len()].join(" OR ");
                let statement = AssertSqlSafe(format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {tests})"));
                let query = needles.iter().fold(sqlx::query_scalar(statement), sqlx::query::QueryScalar::bind);
                let is_found: bool = query.fetch_one(&mut connection).await.map_err(store_error)?;
                searched.add(table, &column, is_found);
            }
        }
        Ok(searched)
    }
}
