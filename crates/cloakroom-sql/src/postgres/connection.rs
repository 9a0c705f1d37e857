//! Connections to the server: how each one is set, how long anything may take on it, and how one that was cut off without a
//! word is found out.

use std::future::Future;
use std::time::Duration;

use cloakroom_core::store::StoreError;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres, Row as _};
use tokio::time::timeout;

use super::database::PostgresDatabase;
use super::error::{is_lost_race, store_error};
use super::statements::{BACKEND, BEGIN, IS_STANDBY};
use crate::error::unavailable;

/// How long an operation waits for a free connection before it is refused as busy.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a connection may take to show that it is alive, before and after it is used. One that was cut off silently
/// never answers, and nobody but us notices.
const PING_MAX: Duration = Duration::from_secs(1);
/// How long an operation may take on its connection: longer than the server lets a statement take.
pub(crate) const OPERATION_MAX: Duration = Duration::from_secs(12);
/// The same where it goes over all the rows there are.
pub(crate) const WIDE_OPERATION_MAX: Duration = Duration::from_mins(10);
/// How often a transaction that lost a race (deadlock, serialization) is run at most.
const TRIES: u32 = 4;
/// How often two connections are compared.
const COMPARISONS: u32 = 3;

/// What a connection is set to, whatever the role's defaults: no statement and no forgotten transaction holds a lock
/// for long.
macro_rules! settings {
    ($statement_timeout:literal) => {
        concat!(
            "SET statement_timeout = '",
            $statement_timeout,
            "'; SET idle_in_transaction_session_timeout = '30s'; SET default_transaction_isolation = 'read committed'; \
             SET DateStyle = 'ISO'; "
        )
    };
}

/// For everything but lookups.
pub(crate) const SETTINGS: &str = settings!("10s");
/// For lookups. The server gives one up before it is given up here, so that none is left behind there waiting for a lock.
pub(crate) const LOOKUP_SETTINGS: &str = settings!("1s");

pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// The server cannot be written, and what it shows may be old: nothing is served from it (G5).
#[derive(Debug, thiserror::Error)]
#[error("the server is a standby")]
pub(crate) struct Standby;

/// One more connection, set by `settings`, to a server that is no standby.
pub(crate) async fn connect(options: &PgConnectOptions, settings: &'static str) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    set(&mut connection, settings).await?;
    Ok(connection)
}

async fn set(connection: &mut PgConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(settings).await?;
    // Whoever is led to another server after a failover is led here anew.
    let is_standby: bool = connection.fetch_one(IS_STANDBY).await?.try_get(0)?;
    if is_standby { Err(sqlx::Error::Configuration(Box::new(Standby))) } else { Ok(()) }
}

/// Whether two connections that are open together are served by one process of the server: a pooler between them hands
/// each transaction to any.
pub(crate) async fn share_a_backend(one: &mut PgConnection, other: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // Somebody else's transaction in between may hide it once, not every time.
    for _ in 0..COMPARISONS {
        if backend(one).await? == backend(other).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// By the simple protocol: a prepared statement could be looked for on another backend.
async fn backend(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    connection.fetch_one(sqlx::raw_sql(BACKEND)).await?.try_get(0)
}

/// A pool that connects when it is first needed, and hands out and takes back nothing but living connections.
pub(crate) fn pool(options: PgConnectOptions, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(WAIT_MAX)
        .test_before_acquire(false) // its own test has no time limit
        .after_connect(|connection, _| Box::pin(set(connection, SETTINGS)))
        .before_acquire(|connection, _| Box::pin(ping(connection)))
        .after_release(|connection, _| Box::pin(ping(connection)))
        .connect_lazy_with(options)
}

async fn ping(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    match timeout(PING_MAX, connection.ping()).await {
        Ok(answer) => answer.map(|()| true),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// What came back from the work on a connection, which is given up where nothing did: somebody else would be handed the
/// rest of an old answer.
fn settle<T>(
    mut connection: PoolConnection<Postgres>,
    answer: Result<Result<T, StoreError>, tokio::time::error::Elapsed>,
) -> Result<T, StoreError> {
    answer.unwrap_or_else(|_| {
        connection.close_on_drop();
        Err(unavailable("the database did not answer in time"))
    })
}

async fn answer<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, StoreError> {
    answer.await.map_err(store_error)
}

impl PostgresDatabase {
    async fn acquire(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let leave = self.gate().enter()?;
        let connection = self.pool().acquire().await;
        match &connection {
            Ok(_) => self.gate().open(),
            // Waiting for a connection others use says nothing about the server.
            Err(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {}
            Err(_) => self.gate().shut(leave),
        }
        connection.map_err(store_error)
    }

    /// Runs one statement; returns how many rows it touched.
    pub(crate) async fn execute(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let mut connection = self.acquire().await?;
        let done = timeout(OPERATION_MAX, answer(statement.execute(&mut *connection))).await;
        settle(connection, done).map(|done| done.rows_affected())
    }

    pub(crate) async fn fetch_one(&self, statement: Statement<'_>) -> Result<PgRow, StoreError> {
        let mut connection = self.acquire().await?;
        let row = timeout(OPERATION_MAX, answer(statement.fetch_one(&mut *connection))).await;
        settle(connection, row)
    }

    pub(crate) async fn fetch_optional(&self, statement: Statement<'_>) -> Result<Option<PgRow>, StoreError> {
        let mut connection = self.acquire().await?;
        let row = timeout(OPERATION_MAX, answer(statement.fetch_optional(&mut *connection))).await;
        settle(connection, row)
    }

    pub(crate) async fn fetch_all(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, StoreError> {
        let mut connection = self.acquire().await?;
        let rows = timeout(OPERATION_MAX, answer(statement.fetch_all(&mut *connection))).await;
        settle(connection, rows)
    }

    /// Runs `work` in a transaction, and again if it lost to another one. It is taken back when `work` fails.
    pub(crate) async fn transaction<T: Send>(
        &self,
        work: impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + Sync,
    ) -> Result<T, StoreError> {
        self.transaction_within(OPERATION_MAX, work).await
    }

    /// The same, with a time limit of its own.
    pub(crate) async fn transaction_within<T: Send>(
        &self,
        limit: Duration,
        work: impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + Sync,
    ) -> Result<T, StoreError> {
        let mut tries = 1;
        loop {
            let mut connection = self.acquire().await?;
            let done = timeout(limit, in_transaction(&mut connection, &work)).await;
            match settle(connection, done) {
                Err(error) if tries < TRIES && is_lost_race(&error) => tries += 1,
                done => return done,
            }
        }
    }
}

async fn in_transaction<T: Send>(
    connection: &mut PgConnection,
    work: &(impl for<'c> Fn(&'c mut PgConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + Sync),
) -> Result<T, StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(store_error)?;
    let done = work(&mut transaction).await?; // dropped on an error, which takes it back
    transaction.commit().await.map_err(store_error)?;
    Ok(done)
}
