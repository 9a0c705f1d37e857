//! The migrations in SQLite's words, each run in one transaction that locks the file first.

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::open_error;
use super::statements::HAS_TABLE;
use crate::error::OpenError;
use crate::migrate::{self, Applied, Dialect, MigrationStatus, Scope, Set, Step, UnfinishedCopy, counting, dropping};
use crate::statements::COPY_SOURCE;

impl Dialect for SqliteConnection {
    const SESSIONS: Set = Set {
        table: "cloakroom_migrations",
        steps: &[Step {
            version: 1,
            name: "0001_sessions",
            description: "sessions, their subjects and the feed of endings",
            up: include_str!("../migrations/sqlite/0001_sessions.up.sql"),
            down: include_str!("../migrations/sqlite/0001_sessions.down.sql"),
        }],
        counted: &["sessions", "session_subjects", "session_feed"],
    };
    const ACCOUNTS: Set = Set {
        table: "cloakroom_account_migrations",
        steps: &[Step {
            version: 1,
            name: "0001_accounts",
            description: "the server's accounts",
            up: include_str!("../migrations/sqlite/accounts/0001_accounts.up.sql"),
            down: include_str!("../migrations/sqlite/accounts/0001_accounts.down.sql"),
        }],
        counted: &["accounts", "attempt_counters", "security_events", "service_tokens", "measurements"],
    };

    fn has_table<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<bool, sqlx::Error>> {
        Box::pin(sqlx::query_scalar(HAS_TABLE).bind(table).fetch_one(self))
    }

    fn count_rows<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<i64, sqlx::Error>> {
        Box::pin(sqlx::query_scalar(counting(table)).fetch_one(self))
    }

    fn copy_source(&mut self) -> BoxFuture<'_, Result<String, sqlx::Error>> {
        Box::pin(sqlx::query_scalar(COPY_SOURCE).fetch_one(self))
    }

    fn drop_table<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<(), sqlx::Error>> {
        Box::pin(async move { sqlx::query(dropping(table)).execute(self).await.map(drop) })
    }

    fn failed(name: &str, error: sqlx::Error) -> OpenError {
        open_error(name, error)
    }
}

impl SqliteDatabase {
    /// Of two processes that start together one migrates; the other waits for it (5 s) and finds nothing to do.
    pub(crate) async fn migrate_up(&self, scope: Scope) -> Result<Vec<Applied>, OpenError> {
        let failed = |error| open_error(self.name(), error);
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let applied = migrate::up(&mut *transaction, scope, self.name()).await?;
        transaction.commit().await.map_err(failed)?;
        connection.close().await.map_err(failed)?;
        Ok(applied)
    }

    pub(crate) async fn status(&self) -> Result<Vec<MigrationStatus>, OpenError> {
        migrate::status(&mut self.connect().await?, self.name()).await
    }

    pub(crate) async fn copy_under_way(&self) -> Result<Option<UnfinishedCopy>, OpenError> {
        migrate::unfinished_copy(&mut self.connect().await?, self.name()).await
    }

    pub(crate) async fn require(&self, scope: Scope) -> Result<(), OpenError> {
        migrate::require(&mut self.connect().await?, scope, self.name()).await
    }

    pub(crate) async fn tables_to_drop(&self, scope: Scope) -> Result<Vec<(String, u64)>, OpenError> {
        migrate::would_drop(&mut self.connect().await?, scope, self.name()).await
    }

    pub(crate) async fn migrate_down(&self, scope: Scope) -> Result<(), OpenError> {
        let failed = |error| open_error(self.name(), error);
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        migrate::down(&mut *transaction, scope, self.name()).await?;
        transaction.commit().await.map_err(failed)?;
        connection.close().await.map_err(failed)
    }
}
