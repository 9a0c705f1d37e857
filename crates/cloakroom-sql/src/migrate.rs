//! Migrations: one for the session tables, a second for the server's accounts, each with its own way down and its own
//! table of what was applied, so that an application can have the first without the second.

use std::fmt;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::error::{OpenError, OpenErrorKind};
use crate::open::Database;

/// Which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The session tables.
    Sessions,
    /// Those and the server's accounts.
    Everything,
}

/// A set of migrations with its own table of what was applied.
struct Set {
    table: &'static str,
    description: &'static str,
    up: &'static str,
    down: &'static str,
    /// What it creates, as a person would name it.
    tables: &'static [&'static str],
}

const SESSIONS: Set = Set {
    table: "cloakroom_migrations",
    description: "sessions",
    up: include_str!("../migrations/sqlite/0001_sessions.up.sql"),
    down: include_str!("../migrations/sqlite/0001_sessions.down.sql"),
    tables: &["sessions", "session_subjects", "session_feed"],
};
const ACCOUNTS: Set = Set {
    table: "cloakroom_account_migrations",
    description: "accounts",
    up: include_str!("../migrations/sqlite/0001_accounts.up.sql"),
    down: include_str!("../migrations/sqlite/0001_accounts.down.sql"),
    tables: &["accounts"],
};

impl Scope {
    const fn sets(self) -> &'static [Set] {
        match self {
            Self::Sessions => &[SESSIONS],
            Self::Everything => &[SESSIONS, ACCOUNTS],
        }
    }
}

impl Set {
    fn migrator(&self) -> Migrator {
        let migration = |kind, sql: &'static str| {
            let sql = sqlx::SqlStr::from_static(sql);
            Migration::new(1, self.description.into(), kind, sql, false)
        };
        let both =
            vec![migration(MigrationType::ReversibleUp, self.up), migration(MigrationType::ReversibleDown, self.down)];
        let mut migrator = Migrator::with_migrations(both);
        migrator.dangerous_set_table_name(self.table); // ours alone: an application's own sqlx migrations keep theirs
        migrator
    }

    /// The versions that are applied; none where the table is not there.
    async fn applied(&self, connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
        let exists = sqlx::query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1").bind(self.table);
        if exists.fetch_optional(&mut *connection).await?.is_none() {
            return Ok(Vec::new());
        }
        let statement = AssertSqlSafe(format!("SELECT version FROM {} ORDER BY version", self.table));
        sqlx::query(statement).fetch_all(connection).await?.iter().map(|row| row.try_get(0)).collect()
    }
}

/// A migration that has just been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied(&'static str);

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0001_{}", self.0)
    }
}

/// A migration this program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name, such as `0001_sessions`.
    pub name: String,
    /// What it is about.
    pub description: &'static str,
    /// Whether it is applied.
    pub applied: bool,
}

impl Database {
    /// Applies what is missing; returns what was missing when it began. Safe when several processes start together.
    ///
    /// # Errors
    /// When the database cannot be written, or comes from a newer version.
    pub async fn migrate(&self, scope: Scope) -> Result<Vec<Applied>, OpenError> {
        let mut connection = self.connection().await?;
        let mut applied = Vec::new();
        for set in scope.sets() {
            if self.missing(set, &mut connection).await? && self.apply(set, &mut connection).await? {
                applied.push(Applied(set.description));
            }
        }
        connection.close().await.map_err(|error| self.of_sqlite(error))?;
        Ok(applied)
    }

    /// Which migrations there are and which are applied.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, OpenError> {
        let mut connection = self.connection().await?;
        let mut all = Vec::new();
        for set in Scope::Everything.sets() {
            let applied = !self.missing(set, &mut connection).await?;
            let name = Applied(set.description).to_string();
            all.push(MigrationStatus { name, description: set.description, applied });
        }
        Ok(all)
    }

    /// The tables that [`roll_back`](Self::roll_back) would drop, with their rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn would_drop(&self, scope: Scope) -> Result<Vec<(String, u64)>, OpenError> {
        let mut connection = self.connection().await?;
        let mut tables = Vec::new();
        for set in scope.sets() {
            if self.missing(set, &mut connection).await? {
                continue;
            }
            for table in set.tables {
                let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
                let counted = sqlx::query(statement).fetch_one(&mut connection).await;
                let rows: i64 = counted.and_then(|row| row.try_get(0)).map_err(|error| self.of_sqlite(error))?;
                tables.push(((*table).to_owned(), u64::try_from(rows).unwrap_or(0)));
            }
        }
        Ok(tables)
    }

    /// Drops the tables and everything in them, accounts before sessions.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn roll_back(&self, scope: Scope) -> Result<(), OpenError> {
        let mut connection = self.connection().await?;
        for set in scope.sets().iter().rev() {
            if !self.missing(set, &mut connection).await? {
                set.migrator().undo(&mut connection, 0).await.map_err(|error| self.of_migration(error))?;
            }
        }
        Ok(())
    }

    /// Refuses a file that a newer version has migrated, before anything is written to it.
    pub(crate) async fn refuse_newer(&self) -> Result<(), OpenError> {
        let mut connection = self.connection().await?;
        for set in Scope::Everything.sets() {
            self.missing(set, &mut connection).await?;
        }
        Ok(())
    }

    async fn connection(&self) -> Result<SqliteConnection, OpenError> {
        self.inner().options.connect().await.map_err(|error| self.of_sqlite(error))
    }

    async fn missing(&self, set: &Set, connection: &mut SqliteConnection) -> Result<bool, OpenError> {
        let applied = set.applied(connection).await.map_err(|error| self.of_sqlite(error))?;
        if applied.iter().any(|version| *version > 1) {
            return Err(self.newer());
        }
        Ok(applied.is_empty())
    }

    /// `false` if another process was faster.
    async fn apply(&self, set: &Set, connection: &mut SqliteConnection) -> Result<bool, OpenError> {
        match set.migrator().run(&mut *connection).await {
            Ok(()) => Ok(true),
            // Two processes that start together both see nothing applied; the second one's tables are there already.
            Err(_) if !self.missing(set, connection).await? => Ok(false),
            Err(error) => Err(self.of_migration(error)),
        }
    }

    fn of_migration(&self, error: MigrateError) -> OpenError {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => self.of_sqlite(error),
            MigrateError::VersionMissing(_) => self.newer(),
            MigrateError::VersionMismatch(_) => OpenError::new(
                OpenErrorKind::Other,
                format!("{} was migrated by a changed migration: restore it from a backup", self.inner().shown),
            ),
            other => OpenError::new(OpenErrorKind::Other, format!("cannot migrate {}: {other}", self.inner().shown)),
        }
    }

    fn newer(&self) -> OpenError {
        let shown = &self.inner().shown;
        let line = format!(
            "{shown} is from a newer version of Cloakroom: run that version, or restore a backup from before it"
        );
        OpenError::new(OpenErrorKind::NewerVersion, line)
    }

    fn of_sqlite(&self, error: sqlx::Error) -> OpenError {
        OpenError::of_sqlite(&self.inner().shown, error)
    }
}
