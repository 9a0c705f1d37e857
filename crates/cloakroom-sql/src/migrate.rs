//! Bringing the tables up and down. The SQL itself lies in `migrations/`, as files that can be copied or printed.
//!
//! Sessions and accounts are two sets with a book-keeping table each: a library user has the first without the second.

use std::borrow::Cow;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection as _, SqlStr, SqliteConnection};

use crate::error::{OpenError, OpenErrorKind};
use crate::open::Database;

/// Which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The session tables: all a library user needs.
    Sessions,
    /// The session tables and the server's accounts.
    Everything,
}

/// A migration that was applied just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its name, such as `0001_sessions`.
    pub name: String,
    /// What it is for.
    pub description: String,
}

/// A migration this version knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name, such as `0001_sessions`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// One way there and back.
struct Step {
    version: i64,
    name: &'static str,
    description: &'static str,
    up: &'static str,
    down: &'static str,
}

/// A set of migrations with its own book-keeping.
struct Set {
    table: &'static str,
    is_applied: &'static str,
    versions: &'static str,
    drop_table: &'static str,
    steps: &'static [Step],
    /// The tables that hold data, and how to count their rows.
    counts: &'static [(&'static str, &'static str)],
}

macro_rules! set {
    ($table:literal, $steps:expr, [$($counted:literal),*]) => {
        Set {
            table: $table,
            is_applied: concat!("SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '", $table, "')"),
            versions: concat!("SELECT version FROM ", $table, " ORDER BY version"),
            drop_table: concat!("DROP TABLE ", $table),
            steps: $steps,
            counts: &[$(($counted, concat!("SELECT count(*) FROM ", $counted)),)*],
        }
    };
}

const SESSIONS: Set = set!(
    "cloakroom_migrations",
    &[Step {
        version: 1,
        name: "0001_sessions",
        description: "sessions, their subjects and the feed of endings",
        up: include_str!("migrations/sqlite/0001_sessions.up.sql"),
        down: include_str!("migrations/sqlite/0001_sessions.down.sql"),
    }],
    ["sessions", "session_subjects", "session_feed"]
);

const ACCOUNTS: Set = set!(
    "cloakroom_account_migrations",
    &[Step {
        version: 1,
        name: "0001_accounts",
        description: "the server's accounts",
        up: include_str!("migrations/sqlite/accounts/0001_accounts.up.sql"),
        down: include_str!("migrations/sqlite/accounts/0001_accounts.down.sql"),
    }],
    ["accounts"]
);

impl Scope {
    /// In the order they go up.
    const fn sets(self) -> &'static [Set] {
        match self {
            Self::Sessions => &[SESSIONS],
            Self::Everything => &[SESSIONS, ACCOUNTS],
        }
    }
}

impl Set {
    fn migrator(&self) -> Migrator {
        let both = |step: &Step| {
            let of = |kind, sql| {
                Migration::new(step.version, Cow::Borrowed(step.description), kind, SqlStr::from_static(sql), false)
            };
            [of(MigrationType::ReversibleUp, step.up), of(MigrationType::ReversibleDown, step.down)]
        };
        let mut migrator = Migrator::with_migrations(self.steps.iter().flat_map(both).collect());
        migrator.dangerous_set_table_name(self.table);
        migrator
    }

    /// The versions the database has; none if it was never migrated.
    async fn applied(&self, connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
        let exists: bool = sqlx::query_scalar(self.is_applied).fetch_one(&mut *connection).await?;
        if exists { sqlx::query_scalar(self.versions).fetch_all(&mut *connection).await } else { Ok(Vec::new()) }
    }
}

/// Refuses a database that a newer version has migrated: its tables may mean something else.
pub(crate) async fn refuse_newer(connection: &mut SqliteConnection, name: &str) -> Result<(), OpenError> {
    for set in Scope::Everything.sets() {
        let applied = set.applied(connection).await.map_err(|error| OpenError::from_driver(name, error))?;
        if applied.iter().any(|version| set.steps.iter().all(|step| step.version != *version)) {
            return Err(newer(name));
        }
    }
    Ok(())
}

fn newer(name: &str) -> OpenError {
    let way_out = "install that version, or restore a backup from before it";
    OpenError::new(OpenErrorKind::NewerVersion, name, "it is from a newer version of Cloakroom", way_out)
}

fn failed(name: &str, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(_) => newer(name),
        MigrateError::VersionMismatch(version) => OpenError::saying(
            OpenErrorKind::Other,
            format!(
                "cannot migrate {name}: migration {version} was applied with another text; restore a backup, or use the version that applied it"
            ),
        ),
        MigrateError::Execute(error) => OpenError::from_driver(name, error),
        MigrateError::ExecuteMigration(error, version) => {
            let locked = OpenError::from_driver(name, error);
            if locked.is_locked() {
                return locked;
            }
            OpenError::saying(
                locked.kind(),
                format!("cannot migrate {name}: migration {version} was refused and nothing was changed; a table of the same name may be another program's, the log has the cause"),
            )
            .caused_by(locked)
        }
        other => {
            OpenError::saying(OpenErrorKind::Other, format!("cannot migrate {name}: {other}; nothing was changed"))
        }
    }
}

impl Database {
    /// Brings the tables of `scope` up to this version; returns what was applied, in order.
    ///
    /// One transaction that locks the database first: of two processes that start together one migrates, and the other
    /// waits for it (5 s) and finds nothing to do. A migration that fails leaves everything as it was.
    ///
    /// # Errors
    /// When the database is locked, from a newer version, or refuses.
    pub async fn migrate(&self, scope: Scope) -> Result<Vec<Applied>, OpenError> {
        let name = self.name();
        let driver = |error| OpenError::from_driver(name, error);
        let mut connection = self.connect().await?;
        let mut applied = Vec::new();
        {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(driver)?;
            for set in scope.sets() {
                let before = set.applied(&mut transaction).await.map_err(driver)?;
                set.migrator().run_direct(None, &mut *transaction, false).await.map_err(|error| failed(name, error))?;
                let new = set.steps.iter().filter(|step| !before.contains(&step.version));
                applied
                    .extend(new.map(|step| Applied { name: step.name.into(), description: step.description.into() }));
            }
            transaction.commit().await.map_err(driver)?;
        }
        connection.close().await.map_err(driver)?;
        Ok(applied)
    }

    /// Every migration this version knows, in order, and whether the database has it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, OpenError> {
        let mut connection = self.connect().await?;
        let mut status = Vec::new();
        for set in Scope::Everything.sets() {
            let applied =
                set.applied(&mut connection).await.map_err(|error| OpenError::from_driver(self.name(), error))?;
            status.extend(set.steps.iter().map(|step| MigrationStatus {
                name: step.name.into(),
                description: step.description.into(),
                applied: applied.contains(&step.version),
            }));
        }
        Ok(status)
    }

    /// Checks that the tables of `scope` are there and of this version.
    ///
    /// # Errors
    /// `NotMigrated` when they are not.
    pub async fn require_migrated(&self, scope: Scope) -> Result<(), OpenError> {
        let mut connection = self.connect().await?;
        for set in scope.sets() {
            let applied =
                set.applied(&mut connection).await.map_err(|error| OpenError::from_driver(self.name(), error))?;
            if let Some(missing) = set.steps.iter().find(|step| !applied.contains(&step.version)) {
                let found = format!("it lacks the migration {}", missing.name);
                let way_out = "run cloakroom migrate up";
                return Err(OpenError::new(OpenErrorKind::NotMigrated, self.name(), &found, way_out));
            }
        }
        Ok(())
    }

    /// The tables that [`roll_back`](Self::roll_back) would drop, with how many rows each has now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn would_drop(&self, scope: Scope) -> Result<Vec<(String, u64)>, OpenError> {
        let driver = |error| OpenError::from_driver(self.name(), error);
        let mut connection = self.connect().await?;
        let mut tables = Vec::new();
        for set in scope.sets().iter().rev() {
            if set.applied(&mut connection).await.map_err(driver)?.is_empty() {
                continue;
            }
            for (table, count) in set.counts {
                let rows: i64 = sqlx::query_scalar(*count).fetch_one(&mut connection).await.map_err(driver)?;
                tables.push(((*table).to_owned(), u64::try_from(rows).unwrap_or(0)));
            }
        }
        Ok(tables)
    }

    /// Drops the tables of `scope` with all that is in them, accounts before sessions, in one transaction.
    ///
    /// # Errors
    /// When the database is locked, from a newer version, or refuses.
    pub async fn roll_back(&self, scope: Scope) -> Result<(), OpenError> {
        let name = self.name();
        let driver = |error| OpenError::from_driver(name, error);
        let mut connection = self.connect().await?;
        {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(driver)?;
            refuse_newer(&mut transaction, name).await?;
            for set in scope.sets().iter().rev() {
                let applied = set.applied(&mut transaction).await.map_err(driver)?;
                let migrator = set.migrator();
                let downs = migrator.iter().rev().filter(|migration| migration.migration_type.is_down_migration());
                for migration in downs.filter(|migration| applied.contains(&migration.version)) {
                    transaction.revert(set.table, migration).await.map_err(|error| failed(name, error))?;
                }
                let exists: bool =
                    sqlx::query_scalar(set.is_applied).fetch_one(&mut *transaction).await.map_err(driver)?;
                if exists {
                    sqlx::query(set.drop_table).execute(&mut *transaction).await.map_err(driver)?;
                }
            }
            transaction.commit().await.map_err(driver)?;
        }
        connection.close().await.map_err(driver)
    }
}
