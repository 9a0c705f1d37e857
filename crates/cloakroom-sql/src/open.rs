//! Opening a database: the only place that asks which one it is. Everything after goes through [`Backend`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::store::{AccountStore, MeasurementStore, SessionStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;
use futures_util::future::BoxFuture;

use crate::copy::End;
use crate::counts::{LookupCounts, PoolCounts, WriterCounts};
use crate::due::{Cutoffs, Due};
use crate::error::{OpenError, OpenErrorKind};
use crate::inspect::{Rights, Searched};
use crate::migrate::{Applied, MigrationStatus, Scope, UnfinishedCopy};

/// How to open a database.
///
/// ```
/// use cloakroom_sql::OpenOptions;
///
/// let existing_only = OpenOptions { create: false, ..OpenOptions::default() };
/// assert_eq!(existing_only.readers_max, 4);
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// SQLite: whether to create the file if it is not there (`mode=` in the URL decides before this). Default: yes.
    pub create: bool,
    /// Whether to open a database that a copy into it has not finished: to finish the copy, or to drop the tables. Default:
    /// no, because what it holds may be taken back.
    pub unfinished_copy: bool,
    /// SQLite: how many reads run at once, 1 to 64 (what lies outside is moved to the nearest). Default 4.
    pub readers_max: u32,
    /// SQLite: whether lookups read on the calling thread. That is fastest as long as the file is in memory, where the
    /// system keeps what is read often; on a disk so slow that a read from it would hold up everything else on that thread,
    /// set it to false. Default: yes.
    pub lookups_in_place: bool,
    /// SQLite: how many writes may wait, 1 to 65,536 (what lies outside is moved to the nearest). Default 1,024.
    pub queue_max: usize,
    /// PostgreSQL: connections for everything but lookups, 1 to 256 (what lies outside is moved to the nearest).
    /// Default 8.
    pub connections_max: u32,
    /// PostgreSQL: connections that do nothing but lookups, 1 to 32 (what lies outside is moved to the nearest), each
    /// opened when it is first needed. Default 8.
    pub lookup_connections: u32,
    /// PostgreSQL: how many lookups may wait to be sent, 1 to 65,536 (what lies outside is moved to the nearest).
    /// Default 4,096.
    pub lookups_max: usize,
    /// PostgreSQL: how long the server may take for a lookup, 100 ms to 1 min (what lies outside is moved to the nearest).
    /// Who waits longer, for a lock say, is refused as busy. Default 1 s.
    pub lookup_max: Duration,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            create: true,
            unfinished_copy: false,
            readers_max: 4,
            lookups_in_place: true,
            queue_max: 1024,
            connections_max: 8,
            lookup_connections: 8,
            lookups_max: 4096,
            lookup_max: Duration::from_secs(1),
        }
    }
}

/// What an open database can do, whichever it is.
pub(crate) trait Backend: fmt::Debug + Send + Sync + 'static {
    fn sessions(&self) -> Arc<dyn SessionStore>;
    fn accounts(&self) -> Arc<dyn AccountStore>;
    fn measurements(&self) -> Arc<dyn MeasurementStore>;
    fn ping(&self) -> StoreFuture<'_, Option<Timestamp>>;
    fn holds_unfinished_copy(&self) -> StoreFuture<'_, bool>;
    fn estimate_sessions(&self) -> StoreFuture<'_, u64>;
    fn close(&self) -> BoxFuture<'_, ()>;
    fn writer_counts(&self) -> WriterCounts;
    fn lookup_counts(&self) -> LookupCounts;
    fn pool_counts(&self) -> Vec<PoolCounts>;
    fn is_file(&self) -> bool;
    fn count_due(&self, cutoffs: Cutoffs) -> StoreFuture<'_, Due>;
    fn migrate(&self, scope: Scope) -> BoxFuture<'_, Result<Vec<Applied>, OpenError>>;
    fn migration_status(&self) -> BoxFuture<'_, Result<Vec<MigrationStatus>, OpenError>>;
    fn unfinished_copy(&self) -> BoxFuture<'_, Result<Option<UnfinishedCopy>, OpenError>>;
    fn require_migrated(&self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>>;
    fn would_drop(&self, scope: Scope) -> BoxFuture<'_, Result<Vec<(String, u64)>, OpenError>>;
    fn roll_back(&self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>>;
    fn rights(&self) -> StoreFuture<'_, Rights>;
    fn search(&self, spellings: Vec<Vec<u8>>) -> StoreFuture<'_, Searched>;
    fn end_of_copy(&self) -> BoxFuture<'_, Result<Box<dyn End>, OpenError>>;
}

/// An open database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    backend: Arc<dyn Backend>,
}

impl Database {
    /// Opens the database at `url`: `sqlite:PATH` or `postgres://USER@HOST/NAME`. Does not migrate.
    ///
    /// Must be called in a Tokio runtime, in which the tasks behind it live.
    ///
    /// # Errors
    /// When it cannot be opened, is no database of that kind, or was migrated by a newer version. The text is one line
    /// that says what to do, without the URL's password.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, OpenError> {
        match url.split_once(':') {
            // Without the slashes the rest would be taken for a database's name, and shown with the password in it.
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::of(crate::postgres::PostgresDatabase::open(url, &options).await?))
            }
            #[cfg(feature = "sqlite")]
            Some(("sqlite", _)) => Ok(Self::of(crate::sqlite::SqliteDatabase::open(url, &options).await?)),
            _ => Err(OpenError::saying(
                OpenErrorKind::UnsupportedUrl,
                "cannot open the database: its URL starts with neither sqlite: nor postgres: (or this build has no such \
                 store); set it to one such as sqlite:cloakroom.db or postgres://cloakroom@localhost/cloakroom"
                    .to_owned(),
            )),
        }
    }

    /// The database of a pool the application has. Lookups get connections of their own beside it, made like the pool's.
    ///
    /// Must be called in a Tokio runtime. Nothing is asked yet: a server that is too old or not migrated shows at the
    /// first use.
    #[cfg(feature = "postgres")]
    pub fn of_pool(pool: sqlx::PgPool, options: &OpenOptions) -> Self {
        Self::of(crate::postgres::PostgresDatabase::of_pool(pool, options))
    }

    /// The file of a pool the application has. Reads and the single writer get connections of their own beside it.
    ///
    /// # Errors
    /// As [`open`](Self::open); also when the pool is on a database in memory, which no other connection can see.
    #[cfg(feature = "sqlite")]
    pub async fn of_sqlite_pool(pool: &sqlx::SqlitePool, options: &OpenOptions) -> Result<Self, OpenError> {
        let url = format!("sqlite:{}", pool.connect_options().get_filename().display());
        let existing = OpenOptions { create: false, ..options.clone() };
        Ok(Self::of(crate::sqlite::SqliteDatabase::open(&url, &existing).await?))
    }

    pub(crate) fn of(backend: impl Backend) -> Self {
        Self { backend: Arc::new(backend) }
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// The sessions in this database.
    pub fn sessions(&self) -> Arc<dyn SessionStore> {
        self.backend.sessions()
    }

    /// The accounts in this database. They need [`Scope::Everything`](crate::Scope::Everything) migrated.
    pub fn accounts(&self) -> Arc<dyn AccountStore> {
        self.backend.accounts()
    }

    /// What is measured in this database. It needs [`Scope::Everything`](crate::Scope::Everything) migrated.
    pub fn measurements(&self) -> Arc<dyn MeasurementStore> {
        self.backend.measurements()
    }

    /// Whether the database answers and has the session tables: for readiness. Returns its time, where its clock may be
    /// another than this machine's, to [measure the skew](cloakroom_core::skew::Skew::proven).
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    pub async fn ping(&self) -> Result<Option<Timestamp>, StoreError> {
        self.backend.ping().await
    }

    /// Whether a copy into it is not finished: for readiness, where the copy began while it was open.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn holds_unfinished_copy(&self) -> Result<bool, StoreError> {
        self.backend.holds_unfinished_copy().await
    }

    /// How many sessions the table has, about, and cheaply: for metrics. Those that expired and are not purged are among them. PostgreSQL
    /// says what it last noted; SQLite reads an index.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn estimate_sessions(&self) -> Result<u64, StoreError> {
        self.backend.estimate_sessions().await
    }

    /// Finishes the writes under way and closes everything. Later calls are `Unavailable`.
    pub async fn close(&self) {
        self.backend.close().await;
    }

    /// What SQLite's single writer has done, for metrics and tests. All zero on PostgreSQL, which needs none.
    pub fn writer_counts(&self) -> WriterCounts {
        self.backend.writer_counts()
    }

    /// How lookups were answered, for metrics and tests. On SQLite a statement looks up one digest; the rest were remembered.
    pub fn lookup_counts(&self) -> LookupCounts {
        self.backend.lookup_counts()
    }

    /// What the connections are doing now, by what they are for: `operations` and `lookups` on PostgreSQL, `readers` and `writer` on
    /// SQLite, where lookups need none.
    pub fn pool_counts(&self) -> Vec<PoolCounts> {
        self.backend.pool_counts()
    }

    /// How many rows a sweep would purge now. Reads whole tables; needs [`Scope::Everything`](crate::Scope::Everything) migrated.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn count_due(&self, cutoffs: Cutoffs) -> Result<Due, StoreError> {
        self.backend.count_due(cutoffs).await
    }

    /// Whether it is a file of this machine alone: whoever opens it may migrate it without asking anybody.
    pub fn is_file(&self) -> bool {
        self.backend.is_file()
    }

    /// Brings the tables of `scope` up to this version; returns what was applied, in order.
    ///
    /// One transaction under a lock: of several processes that start together one migrates, and the others wait for it
    /// and find nothing to do. A migration that fails leaves everything as it was.
    ///
    /// # Errors
    /// When the database is locked, from a newer version, or refuses.
    pub async fn migrate(&self, scope: Scope) -> Result<Vec<Applied>, OpenError> {
        self.backend.migrate(scope).await
    }

    /// Every migration this version knows, in order, and whether the database has it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, OpenError> {
        self.backend.migration_status().await
    }

    /// The copy into it that is not finished, if there is one: see [`unfinished_copy`](OpenOptions::unfinished_copy).
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn unfinished_copy(&self) -> Result<Option<UnfinishedCopy>, OpenError> {
        self.backend.unfinished_copy().await
    }

    /// Checks that the tables of `scope` are there and of this version.
    ///
    /// # Errors
    /// `NotMigrated` when they are not.
    pub async fn require_migrated(&self, scope: Scope) -> Result<(), OpenError> {
        self.backend.require_migrated(scope).await
    }

    /// The tables that [`roll_back`](Self::roll_back) would drop, with how many rows each has now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn would_drop(&self, scope: Scope) -> Result<Vec<(String, u64)>, OpenError> {
        self.backend.would_drop(scope).await
    }

    /// Drops the tables of `scope` with all that is in them, accounts before sessions, in one transaction.
    ///
    /// # Errors
    /// When the database is locked, from a newer version, or refuses.
    pub async fn roll_back(&self, scope: Scope) -> Result<(), OpenError> {
        self.backend.roll_back(scope).await
    }
}
