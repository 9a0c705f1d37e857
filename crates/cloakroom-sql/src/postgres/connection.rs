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
use super::statements::{BACKEND, BEGIN, settings};
use crate::error::unavailable;

/// How long an operation waits for a free connection before it is refused as busy.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// The same for a single request that tries whether the server can be reached again. When it can, the next one finds out.
const TRIAL_MAX: Duration = Duration::from_secs(1);
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

/// How long the server lets a statement take; for lookups it is [`OpenOptions::lookup_max`](crate::OpenOptions).
pub(crate) const STATEMENT_MAX: Duration = Duration::from_secs(10);

pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// The server cannot be written, and what it shows may be old: nothing is served from it (G5).
#[derive(Debug, thiserror::Error)]
#[error("the server is a standby")]
pub(crate) struct Standby;

/// One more connection to a server that is no standby. The server gives a statement up after `statement_max`;
/// `more` is set on top.
pub(crate) async fn connect(
    options: &PgConnectOptions,
    more: &'static str,
    statement_max: Duration,
) -> Result<PgConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    set(&mut connection, more, statement_max).await?;
    Ok(connection)
}

async fn set(connection: &mut PgConnection, more: &'static str, statement_max: Duration) -> Result<(), sqlx::Error> {
    // Whoever is led to another server after a failover is led here anew.
    let is_standby: bool = connection.fetch_one(sqlx::raw_sql(settings(more, statement_max))).await?.try_get(0)?;
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
        .after_connect(|connection, _| Box::pin(set(connection, "", STATEMENT_MAX)))
        .before_acquire(|connection, _| Box::pin(ping(connection)))
        .after_release(|connection, _| Box::pin(ping(connection)))
        .connect_lazy_with(options)
}

/// A pool of one connection, for the driver's listener. Makes it anew only when it is asked to; it has no time limit of its own.
pub(crate) fn pool_of_one(options: PgConnectOptions, more: &'static str, statement_max: Duration) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .max_lifetime(None)
        .idle_timeout(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(set(connection, more, statement_max)))
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
    /// A living connection, which may have to be made. Where that failed a moment ago, one request tries and the others
    /// are refused at once.
    async fn acquire(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let leave = self.gate().enter()?;
        let _waiting = self.takers().wait();
        let limit = if leave.is_trial() { TRIAL_MAX } else { 2 * WAIT_MAX };
        let connection = match timeout(limit, self.pool().acquire()).await {
            Ok(connection) => connection,
            Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
        };
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
    match work(&mut transaction).await {
        Ok(done) => transaction.commit().await.map_err(store_error).map(|()| done),
        Err(error) => {
            // Waited for, so that no lock outlives the error; a connection that cannot do even that is closed by its pool.
            drop(transaction.rollback().await);
            Err(error)
        }
    }
}
