//! An open PostgreSQL database: how it is opened, and what it is made of.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::Ending;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{AccountStore, MeasurementStore, SessionStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;
use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection, PgPool, Row as _};
use uuid::Uuid;

use super::connection::{self, STATEMENT_MAX, connect, share_a_backend};
use super::error::{open_error, store_error};
use super::gate::Gate;
use super::hint::Hints;
use super::lookup::{Limits, Lookups, Question};
use super::row;
use super::statements::{ENDINGS_OF, ESTIMATE_SESSIONS, FIND_SESSIONS, HAS_TABLE, TIME, VERSION};
use super::value::Time;
use crate::copy::End;
use crate::counts::{LookupCounts, PoolCounts, Takers, WriterCounts};
use crate::due::{Cutoffs, Due};
use crate::error::{OpenError, OpenErrorKind, unavailable};
use crate::inspect::{Rights, Searched};
use crate::migrate::{self, Applied, COPY_TABLE, MigrationStatus, Scope, UnfinishedCopy};
use crate::open::{Backend, OpenOptions};
use crate::statements::IS_READY;
use crate::walk::Walk;

/// How long the server may take to be reached at the start.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// What a lookup may be given.
const LOOKUP_MAX: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));
/// The oldest server: `pg_visible_in_snapshot` on `xid8` is of 13, TID range scans are of 14.
const VERSION_MIN: i32 = 140_000;

/// An open database: a pool for everything but lookups, which have connections of their own. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct PostgresDatabase {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    /// Opens one more connection, for migrations and for following the feed.
    options: PgConnectOptions,
    pool: PgPool,
    takers: Takers,
    gate: Gate,
    sessions: Lookups<SessionRecord>,
    endings: Lookups<Ending>,
    walk: Walk<Uuid>,
    hints: Arc<Hints>,
}

/// What every request asks.
static SESSIONS: Question<SessionRecord> = Question { statement: FIND_SESSIONS, read: row::session };
/// What a request asks whose session is gone.
static ENDINGS: Question<Ending> = Question { statement: ENDINGS_OF, read: row::ending };

impl PostgresDatabase {
    /// Opens the database at `url`. Does not migrate.
    pub(crate) async fn open(url: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|error| open_error("the PostgreSQL database", error))?
            .application_name("cloakroom")
            .extra_float_digits(None) // poolers refuse it, and no value of ours is a floating one
            .disable_statement_logging();
        let name = name_of(&connect);
        let failed = |error| open_error(&name, error);
        let mut first = reach(&connect).await.map_err(failed)?;
        check_server(&mut first, &name).await?;
        let mut second = reach(&connect).await.map_err(failed)?;
        if share_a_backend(&mut first, &mut second).await.map_err(failed)? {
            let found = "a pooler stands in between that hands each transaction to another connection (pool_mode = transaction)";
            let way_out =
                "point database.url at the server itself, or at a database of the pooler with pool_mode = session";
            return Err(OpenError::new(OpenErrorKind::Other, &name, found, way_out));
        }
        migrate::refuse_newer(&mut first, &name).await?;
        if !options.unfinished_copy {
            migrate::refuse_unfinished_copy(&mut first, &name).await?;
        }
        drop((first, second)); // the pool opens its own

        let pool = connection::pool(connect.clone(), options.connections_max.clamp(1, 256));
        Ok(Self::over(pool, name, connect, options))
    }

    /// Over a pool of the application's own, which it has set up as it likes.
    pub(crate) fn of_pool(pool: PgPool, options: &OpenOptions) -> Self {
        let connect = (*pool.connect_options()).clone();
        let name = name_of(&connect);
        Self::over(pool, name, connect, options)
    }

    fn over(pool: PgPool, name: String, connect: PgConnectOptions, options: &OpenOptions) -> Self {
        let waiting_max = options.lookups_max.clamp(1, 65_536);
        let limits = Limits { waiting: waiting_max, answer: options.lookup_max.clamp(LOOKUP_MAX.0, LOOKUP_MAX.1) };
        let sessions = Lookups::start(&SESSIONS, &connect, options.lookup_connections.clamp(1, 32), limits);
        let endings = Lookups::start(&ENDINGS, &connect, 1, limits);
        let (takers, gate, walk, hints) = (Takers::default(), Gate::new(), Walk::new(), Arc::default());
        let shared = Shared { name, options: connect, pool, takers, gate, sessions, endings, walk, hints };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.shared.pool
    }

    /// Who waits for a connection of the pool.
    pub(crate) fn takers(&self) -> &Takers {
        &self.shared.takers
    }

    /// Whether the pool may try to reach the server.
    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    pub(crate) fn session_lookups(&self) -> &Lookups<SessionRecord> {
        &self.shared.sessions
    }

    pub(crate) fn ending_lookups(&self) -> &Lookups<Ending> {
        &self.shared.endings
    }

    /// Where the purge of this process is.
    pub(crate) fn walk(&self) -> &Walk<Uuid> {
        &self.shared.walk
    }

    /// What this process hints to others.
    pub(crate) fn hints(&self) -> &Arc<Hints> {
        &self.shared.hints
    }

    /// What one more connection is made with.
    pub(crate) fn connect_options(&self) -> &PgConnectOptions {
        &self.shared.options
    }

    /// The URL as it may be shown.
    pub(crate) fn name(&self) -> &str {
        &self.shared.name
    }

    /// One more connection, for a migration.
    pub(crate) async fn connect(&self) -> Result<PgConnection, OpenError> {
        let failed = |error| open_error(self.name(), error);
        connect(&self.shared.options, "", STATEMENT_MAX).await.map_err(failed)
    }

    /// The server's time, in a statement after the one that may have had to wait for a connection.
    async fn is_ready(&self) -> Result<Timestamp, StoreError> {
        if !self.fetch_one(sqlx::query(IS_READY)).await?.try_get::<bool, _>(0).map_err(store_error)? {
            return Err(unavailable("the session tables are incomplete; run cloakroom migrate"));
        }
        let time: Time = self.fetch_one(sqlx::query(TIME)).await?.try_get(0).map_err(store_error)?;
        Ok(time.0)
    }
}

async fn reach(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    match tokio::time::timeout(CONNECT_MAX, connect(options, "", STATEMENT_MAX)).await {
        Ok(connected) => connected,
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// The URL without a password.
fn name_of(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    format!("postgres://{}@{host}:{}/{database}", options.get_username(), options.get_port())
}

async fn check_server(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    let failed = |error| open_error(name, error);
    let version: i32 = sqlx::query_scalar(VERSION).fetch_one(&mut *connection).await.map_err(failed)?;
    if version < VERSION_MIN {
        let found = format!("the server is PostgreSQL {}", version / 10_000);
        let way_out = format!("upgrade it to {} or newer", VERSION_MIN / 10_000);
        return Err(OpenError::new(OpenErrorKind::TooOld, name, &found, &way_out));
    }
    Ok(())
}

impl Backend for PostgresDatabase {
    fn sessions(&self) -> Arc<dyn SessionStore> {
        Arc::new(self.clone())
    }

    fn accounts(&self) -> Arc<dyn AccountStore> {
        Arc::new(self.clone())
    }

    fn measurements(&self) -> Arc<dyn MeasurementStore> {
        Arc::new(self.clone())
    }

    fn ping(&self) -> StoreFuture<'_, Option<Timestamp>> {
        Box::pin(async move { self.is_ready().await.map(Some) })
    }

    fn holds_unfinished_copy(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let row = self.fetch_one(sqlx::query(HAS_TABLE).bind(COPY_TABLE)).await?;
            row.try_get(0).map_err(store_error)
        })
    }

    fn estimate_sessions(&self) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let row = self.fetch_optional(sqlx::query(ESTIMATE_SESSIONS)).await?;
            let rows: i64 = row.map_or(Ok(0), |row| row.try_get(0)).map_err(store_error)?;
            Ok(u64::try_from(rows).unwrap_or(0))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.hints().settle().await;
            self.shared.sessions.close();
            self.shared.endings.close();
            self.shared.pool.close().await;
        })
    }

    fn writer_counts(&self) -> WriterCounts {
        WriterCounts::default()
    }

    fn lookup_counts(&self) -> LookupCounts {
        self.shared.sessions.counts()
    }

    fn pool_counts(&self) -> Vec<PoolCounts> {
        let pool = self.pool();
        vec![self.takers().of_pool("operations", pool.size(), pool.num_idle()), self.shared.sessions.pool_counts()]
    }

    fn count_due(&self, cutoffs: Cutoffs) -> StoreFuture<'_, Due> {
        Box::pin(self.due(cutoffs))
    }

    fn is_file(&self) -> bool {
        false
    }

    fn migrate(&self, scope: Scope) -> BoxFuture<'_, Result<Vec<Applied>, OpenError>> {
        Box::pin(self.migrate_up(scope))
    }

    fn migration_status(&self) -> BoxFuture<'_, Result<Vec<MigrationStatus>, OpenError>> {
        Box::pin(self.status())
    }

    fn unfinished_copy(&self) -> BoxFuture<'_, Result<Option<UnfinishedCopy>, OpenError>> {
        Box::pin(self.copy_under_way())
    }

    fn require_migrated(&self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(self.require(scope))
    }

    fn would_drop(&self, scope: Scope) -> BoxFuture<'_, Result<Vec<(String, u64)>, OpenError>> {
        Box::pin(self.tables_to_drop(scope))
    }

    fn roll_back(&self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(self.migrate_down(scope))
    }

    fn rights(&self) -> StoreFuture<'_, Rights> {
        Box::pin(self.role_rights())
    }

    fn search(&self, spellings: Vec<Vec<u8>>) -> StoreFuture<'_, Searched> {
        Box::pin(self.search_columns(spellings))
    }

    fn end_of_copy(&self) -> BoxFuture<'_, Result<Box<dyn End>, OpenError>> {
        Box::pin(self.new_end())
    }
}
