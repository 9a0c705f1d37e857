//! What the role may do on the server, and looking for a secret in every column.

use cloakroom_core::store::StoreError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::database::PostgresDatabase;
use super::error::store_error;
use super::statements::{BEGIN, COLUMNS, HAS_RIGHT, HAS_TABLE, NO_TIME_LIMIT, ROLE};
use crate::error::unavailable;
use crate::inspect::{Rights, Searched, hex, identifier};
use crate::migrate::{Dialect as _, counting, every_table};

/// What every statement of a server together needs on the tables that hold data.
const NEEDED: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
/// What the triggers need, which act as whoever deletes.
const FLOOR: (&str, [&str; 3]) = ("session_feed_floor", ["SELECT", "INSERT", "UPDATE"]);

impl PostgresDatabase {
    pub(crate) async fn role_rights(&self) -> Result<Rights, StoreError> {
        let mut connection = self.once_more().await?;
        let (role, is_superuser): (String, bool) =
            sqlx::query_as(ROLE).fetch_one(&mut connection).await.map_err(store_error)?;
        let counted = PgConnection::SESSIONS.counted.iter().chain(PgConnection::ACCOUNTS.counted).copied();
        let data = counted.flat_map(|table| NEEDED.map(|right| (table, right)));
        let books = [PgConnection::SESSIONS.table, PgConnection::ACCOUNTS.table].map(|table| (table, "SELECT"));
        let mut missing = Vec::new();
        for (table, right) in data.chain(FLOOR.1.map(|right| (FLOOR.0, right))).chain(books) {
            // Of a table that is not there nothing is said here.
            let has: Option<bool> = sqlx::query_scalar(HAS_RIGHT)
                .bind(table)
                .bind(right)
                .fetch_one(&mut connection)
                .await
                .map_err(store_error)?;
            if has == Some(false) {
                missing.push(format!("{right} on {table}"));
            }
        }
        Ok(Rights { role: Some(role), is_superuser, missing })
    }

    pub(crate) async fn search_columns(&self, spellings: Vec<Vec<u8>>) -> Result<Searched, StoreError> {
        let mut connection = self.once_more().await?;
        let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
        sqlx::query(NO_TIME_LIMIT).execute(&mut *transaction).await.map_err(store_error)?;
        // Bytes are shown in hexadecimal. In small letters all, so that no spelling in capitals is overlooked.
        let as_text = spellings.iter().filter_map(|bytes| String::from_utf8(bytes.clone()).ok());
        let as_text = as_text.filter(|text| !text.contains('\0')).map(|text| text.to_lowercase());
        let needles: Vec<_> = as_text.chain(spellings.iter().map(|bytes| hex(bytes))).collect();
        let mut searched = Searched::default();
        for table in every_table::<PgConnection>() {
            let has_table: bool =
                sqlx::query_scalar(HAS_TABLE).bind(table).fetch_one(&mut *transaction).await.map_err(store_error)?;
            if !has_table {
                continue;
            }
            let rows: i64 =
                sqlx::query_scalar(counting(table)).fetch_one(&mut *transaction).await.map_err(store_error)?;
            searched.rows += u64::try_from(rows).unwrap_or(0);
            let columns: Vec<String> =
                sqlx::query_scalar(COLUMNS).bind(table).fetch_all(&mut *transaction).await.map_err(store_error)?;
            for column in columns {
                let statement = AssertSqlSafe(format!(
                    "SELECT EXISTS (SELECT 1 FROM {table} WHERE EXISTS (SELECT 1 FROM unnest($1::text[]) AS needle \
                     WHERE strpos(lower({}::text), needle) > 0))",
                    identifier(&column)
                ));
                let query = sqlx::query_scalar(statement).bind(&needles);
                let is_found: bool = query.fetch_one(&mut *transaction).await.map_err(store_error)?;
                searched.add(table, &column, is_found);
            }
        }
        Ok(searched)
    }

    /// A connection of its own: with time limits for what takes long.
    async fn once_more(&self) -> Result<PgConnection, StoreError> {
        self.connect().await.map_err(|_| unavailable("the server cannot be reached once more"))
    }
}
