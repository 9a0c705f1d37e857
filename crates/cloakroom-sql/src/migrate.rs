//! Bringing the tables up and down, the same way on both databases. The SQL itself lies in `migrations/`, as files that
//! can be copied or printed.
//!
//! Migrations are numbered in hundreds, so that two versions can run side by side while instances are replaced one by one:
//! within a hundred they only add (a table, an index, a column that may be missing), and a version that does not know the
//! later ones of its hundred works beside them. The first of a new hundred means something else, and earlier versions refuse it.
//!
//! Sessions and accounts are two sets with a book-keeping table each: a library user has the first without the second.

use std::borrow::Cow;

use futures_util::future::BoxFuture;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use crate::error::{OpenError, OpenErrorKind};

/// Where a target remembers its copy until that is finished.
pub(crate) const COPY_TABLE: &str = "cloakroom_copy";

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

/// A migration this version knows, or one of a newer version that the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its name, such as `0001_sessions`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// What a database remembers of a copy into it that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedCopy {
    /// What is copied: its URL as it may be shown. `None`: a copy is at its end just now, and nobody else can look.
    pub source: Option<String>,
}

/// One way there and back.
pub(crate) struct Step {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
}

/// A set of migrations with its own book-keeping.
pub(crate) struct Set {
    pub(crate) table: &'static str,
    pub(crate) steps: &'static [Step],
    /// The tables that hold data.
    pub(crate) counted: &'static [&'static str],
}

/// A connection that can be migrated, with the migrations in its dialect.
pub(crate) trait Dialect: Migrate + Send {
    const SESSIONS: Set;
    const ACCOUNTS: Set;

    /// Whether there is a table of this name where Cloakroom's are looked for.
    fn has_table<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<bool, sqlx::Error>>;
    /// How many rows one of the set's tables has.
    fn count_rows<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<i64, sqlx::Error>>;
    /// What the copy into these tables is of, where there is one.
    fn copy_source(&mut self) -> BoxFuture<'_, Result<String, sqlx::Error>>;
    /// Drops a book-keeping table.
    fn drop_table<'c>(&'c mut self, table: &'static str) -> BoxFuture<'c, Result<(), sqlx::Error>>;
    /// What kept it from migrating the database called `name`.
    fn failed(name: &str, error: sqlx::Error) -> OpenError;
}

/// Every table of Cloakroom's: those that hold data, and the book-keeping.
pub(crate) fn every_table<C: Dialect>() -> Vec<&'static str> {
    let sets = sets::<C>(Scope::Everything);
    sets.iter().flat_map(|set| set.counted.iter().copied().chain([set.table])).collect()
}

/// The statement that counts the rows of a table: a name out of [`Set::counted`], never of anybody's choice.
pub(crate) fn counting(table: &'static str) -> SqlStr {
    AssertSqlSafe(format!("SELECT count(*) FROM {table}")).into_sql_str()
}

/// The statement that drops a book-keeping table.
pub(crate) fn dropping(table: &'static str) -> SqlStr {
    AssertSqlSafe(format!("DROP TABLE {table}")).into_sql_str()
}

/// The sets of a scope, in the order they go up.
fn sets<C: Dialect>(scope: Scope) -> Vec<Set> {
    match scope {
        Scope::Sessions => vec![C::SESSIONS],
        Scope::Everything => vec![C::SESSIONS, C::ACCOUNTS],
    }
}

impl Set {
    pub(crate) fn migrator(&self) -> Migrator {
        let both = |step: &Step| {
            let of = |kind, sql| {
                Migration::new(step.version, Cow::Borrowed(step.description), kind, SqlStr::from_static(sql), false)
            };
            [of(MigrationType::ReversibleUp, step.up), of(MigrationType::ReversibleDown, step.down)]
        };
        let mut migrator = Migrator::with_migrations(self.steps.iter().flat_map(both).collect());
        migrator.dangerous_set_table_name(self.table);
        migrator.set_locking(false); // who calls holds a lock that covers every set
        migrator.set_ignore_missing(true); // who calls has judged them: see `refuse_newer`
        migrator
    }

    /// The versions the database has; none if it was never migrated.
    async fn applied<C: Dialect>(&self, connection: &mut C, name: &str) -> Result<Vec<i64>, OpenError> {
        if !connection.has_table(self.table).await.map_err(|error| C::failed(name, error))? {
            return Ok(Vec::new());
        }
        let applied = connection.list_applied_migrations(self.table).await;
        Ok(applied.map_err(|error| failed::<C>(name, error))?.iter().map(|migration| migration.version).collect())
    }

    /// Those that this version does not know, although it could work beside them.
    fn later(&self, applied: &[i64]) -> Vec<i64> {
        applied.iter().copied().filter(|version| self.steps.iter().all(|step| step.version != *version)).collect()
    }

    /// Whether the tables may mean something else after the migration `version`, which is none of the steps.
    fn is_changed_by(&self, version: i64) -> bool {
        let newest = self.steps.iter().map(|step| step.version).max().unwrap_or(0);
        version / 100 != newest / 100
    }
}

/// Refuses a database that a newer version has migrated to tables that may mean something else.
pub(crate) async fn refuse_newer<C: Dialect>(connection: &mut C, name: &str) -> Result<(), OpenError> {
    for set in sets::<C>(Scope::Everything) {
        let applied = set.applied(connection, name).await?;
        if set.later(&applied).into_iter().any(|version| set.is_changed_by(version)) {
            return Err(newer(name));
        }
    }
    Ok(())
}

/// Refuses a database that a newer version has migrated at all: only that one knows the way back.
async fn refuse_any_newer<C: Dialect>(connection: &mut C, name: &str) -> Result<(), OpenError> {
    for set in sets::<C>(Scope::Everything) {
        if !set.later(&set.applied(connection, name).await?).is_empty() {
            return Err(newer(name));
        }
    }
    Ok(())
}

/// Refuses the target of a copy that is not finished: what it holds may be taken back.
pub(crate) async fn refuse_unfinished_copy<C: Dialect>(connection: &mut C, name: &str) -> Result<(), OpenError> {
    if !connection.has_table(COPY_TABLE).await.map_err(|error| C::failed(name, error))? {
        return Ok(());
    }
    let way_out = "run cloakroom migrate copy again, or drop it with cloakroom migrate down --yes";
    Err(OpenError::new(OpenErrorKind::CopyUnfinished, name, "a copy into it is not finished", way_out))
}

/// The copy that is not finished, if there is one.
pub(crate) async fn unfinished_copy<C: Dialect>(
    connection: &mut C,
    name: &str,
) -> Result<Option<UnfinishedCopy>, OpenError> {
    if !connection.has_table(COPY_TABLE).await.map_err(|error| C::failed(name, error))? {
        return Ok(None);
    }
    let source = connection.copy_source().await.map(Some).or_else(|error| {
        let error = C::failed(name, error);
        if error.is_locked() { Ok(None) } else { Err(error) }
    });
    match source {
        Ok(source) => Ok(Some(UnfinishedCopy { source })),
        // Finished or dropped between the two questions.
        Err(_) if !connection.has_table(COPY_TABLE).await.map_err(|error| C::failed(name, error))? => Ok(None),
        Err(error) => Err(error),
    }
}

/// Which of the sets the database has.
pub(crate) async fn scope<C: Dialect>(connection: &mut C, name: &str) -> Result<Scope, OpenError> {
    let has_accounts = !C::ACCOUNTS.applied(connection, name).await?.is_empty();
    Ok(if has_accounts { Scope::Everything } else { Scope::Sessions })
}

fn newer(name: &str) -> OpenError {
    let way_out = "install that version, or restore a backup from before it";
    OpenError::new(OpenErrorKind::NewerVersion, name, "it is from a newer version of Cloakroom", way_out)
}

fn failed<C: Dialect>(name: &str, error: MigrateError) -> OpenError {
    match error {
        MigrateError::VersionMissing(_) => newer(name),
        MigrateError::VersionMismatch(version) => OpenError::saying(
            OpenErrorKind::Other,
            format!(
                "cannot migrate {name}: migration {version} was applied with another text; restore a backup, or use the version that applied it"
            ),
        ),
        MigrateError::Execute(error) => C::failed(name, error),
        MigrateError::ExecuteMigration(error, version) => {
            let locked = C::failed(name, error);
            if locked.is_locked() || locked.kind() == OpenErrorKind::Denied {
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

/// Applies what is missing of `scope`, in the transaction of `connection`; returns what was applied.
pub(crate) async fn up<C: Dialect>(connection: &mut C, scope: Scope, name: &str) -> Result<Vec<Applied>, OpenError> {
    refuse_newer(connection, name).await?;
    let mut applied = Vec::new();
    for set in sets::<C>(scope) {
        let before = set.applied(connection, name).await?;
        set.migrator().run_direct(None, connection, false).await.map_err(|error| failed::<C>(name, error))?;
        let new = set.steps.iter().filter(|step| !before.contains(&step.version));
        applied.extend(new.map(|step| Applied { name: step.name.into(), description: step.description.into() }));
    }
    Ok(applied)
}

/// Every migration there is, and whether the database has it.
pub(crate) async fn status<C: Dialect>(connection: &mut C, name: &str) -> Result<Vec<MigrationStatus>, OpenError> {
    let mut status = Vec::new();
    for set in sets::<C>(Scope::Everything) {
        let applied = set.applied(connection, name).await?;
        status.extend(set.steps.iter().map(|step| MigrationStatus {
            name: step.name.into(),
            description: step.description.into(),
            applied: applied.contains(&step.version),
        }));
        status.extend(set.later(&applied).into_iter().map(|version| MigrationStatus {
            name: format!("{version:04}"),
            description: "of a newer version of Cloakroom".to_owned(),
            applied: true,
        }));
    }
    Ok(status)
}

/// Refuses a database that lacks a migration of `scope`, or is an unfinished copy.
pub(crate) async fn require<C: Dialect>(connection: &mut C, scope: Scope, name: &str) -> Result<(), OpenError> {
    for set in sets::<C>(scope) {
        let applied = set.applied(connection, name).await?;
        if let Some(missing) = set.steps.iter().find(|step| !applied.contains(&step.version)) {
            let found = format!("it lacks the migration {}", missing.name);
            return Err(OpenError::new(OpenErrorKind::NotMigrated, name, &found, "run cloakroom migrate up"));
        }
    }
    refuse_unfinished_copy(connection, name).await
}

/// The tables that [`down`] would drop, with how many rows each has now.
pub(crate) async fn would_drop<C: Dialect>(
    connection: &mut C,
    scope: Scope,
    name: &str,
) -> Result<Vec<(String, u64)>, OpenError> {
    let mut tables = Vec::new();
    for set in sets::<C>(scope).iter().rev() {
        if set.applied(connection, name).await?.is_empty() {
            continue;
        }
        for table in set.counted {
            let rows = connection.count_rows(table).await.map_err(|error| C::failed(name, error))?;
            tables.push(((*table).to_owned(), u64::try_from(rows).unwrap_or(0)));
        }
    }
    Ok(tables)
}

/// Drops the tables of `scope`, accounts before sessions, in the transaction of `connection`.
pub(crate) async fn down<C: Dialect>(connection: &mut C, scope: Scope, name: &str) -> Result<(), OpenError> {
    refuse_any_newer(connection, name).await?;
    for set in sets::<C>(scope).iter().rev() {
        let applied = set.applied(connection, name).await?;
        let migrator = set.migrator();
        let downs = migrator.iter().rev().filter(|migration| migration.migration_type.is_down_migration());
        for migration in downs.filter(|migration| applied.contains(&migration.version)) {
            connection.revert(set.table, migration).await.map_err(|error| failed::<C>(name, error))?;
        }
        if connection.has_table(set.table).await.map_err(|error| C::failed(name, error))? {
            connection.drop_table(set.table).await.map_err(|error| C::failed(name, error))?;
        }
    }
    if connection.has_table(COPY_TABLE).await.map_err(|error| C::failed(name, error))? {
        connection.drop_table(COPY_TABLE).await.map_err(|error| C::failed(name, error))?;
    }
    Ok(())
}
