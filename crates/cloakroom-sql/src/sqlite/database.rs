//! An open SQLite file: the readers, the single writer, and how it is opened.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::store::{AccountStore, MeasurementStore, SessionStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use super::error::{is_busy, open_error, store_error};
use super::follow::Reader;
use super::location::{FileIdentity, Location};
use super::lookup::Lookups;
use super::reader::Readers;
use super::statements::{COUNT_SESSIONS, HAS_TABLE};
use super::writer::Writer;
use crate::copy::End;
use crate::counts::{LookupCounts, PoolCounts, WriterCounts};
use crate::due::{Cutoffs, Due};
use crate::error::{OpenError, unavailable};
use crate::inspect::{Rights, Searched};
use crate::migrate::{self, Applied, COPY_TABLE, MigrationStatus, Scope, UnfinishedCopy};
use crate::open::{Backend, OpenOptions};
use crate::statements::IS_READY;
use crate::walk::Walk;

/// How long SQLite waits for another program's lock before the operation is refused as busy.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a locked file is left alone before it is tried again at the start.
const LOCKED_PAUSE: Duration = Duration::from_millis(20);
/// What the log beside the file may shrink back to after a burst, in bytes.
const LOG_BYTES_MAX: &str = "67108864";

/// An open database: the readers and the single writer. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct SqliteDatabase {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    /// Opens one more connection that may write, for migrations and copies.
    options: SqliteConnectOptions,
    lookups: Lookups,
    readers: Readers,
    writer: Writer,
    walk: Walk<String>,
}

impl SqliteDatabase {
    /// Opens the database at `url` (`sqlite:PATH`). Does not migrate.
    ///
    /// Sets the file to write-ahead logging. Must be called in a Tokio runtime, which the writer lives in.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or was migrated by a newer version.
    pub(crate) async fn open(url: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let location = Location::parse(url)?;
        let name = location.name();
        let create = location.create.unwrap_or(options.create);
        location.check(create)?;
        let connect = SqliteConnectOptions::new()
            .filename(&location.path)
            .create_if_missing(create)
            .foreign_keys(true)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        let first = connect.clone().journal_mode(SqliteJournalMode::Wal).pragma("journal_size_limit", LOG_BYTES_MAX);
        let failed = |error| open_error(&name, error);
        let mut connection = connect_patiently(&first).await.map_err(failed)?;
        check_writable(&mut connection).await.map_err(failed)?;
        migrate::refuse_newer(&mut connection, &name).await?;
        if !options.unfinished_copy {
            migrate::refuse_unfinished_copy(&mut connection, &name).await?;
        }

        let connect = connect.create_if_missing(false);
        let identity = FileIdentity::of(&location.path)
            .ok_or_else(|| failed(sqlx::Error::Io(std::io::ErrorKind::NotFound.into())))?;
        let readers = Readers::new(location.path.clone(), identity, connect.clone(), options.readers_max.clamp(1, 64));
        let lookups = Lookups::new(location.path.clone(), options.lookups_in_place);
        let again = connect.clone().pragma("journal_size_limit", LOG_BYTES_MAX);
        let queue_max = options.queue_max.clamp(1, 65_536);
        let writer = Writer::start(connection, identity, location.path, again, queue_max);
        Ok(Self { shared: Arc::new(Shared { name, options: connect, lookups, readers, writer, walk: Walk::new() }) })
    }

    async fn is_ready(&self) -> Result<(), StoreError> {
        let ready: bool = sqlx::query_scalar(IS_READY).fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
        if ready { Ok(()) } else { Err(unavailable("the session tables are incomplete; run cloakroom migrate")) }
    }

    /// Finishes the writes under way, moves the log into the file and closes everything.
    async fn close_all(&self) {
        self.shared.lookups.close();
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    /// One more connection that cannot write, whose file is looked at before each use.
    pub(crate) fn reader(&self, answer_max: Duration) -> Reader {
        let options = self.shared.options.clone().busy_timeout(answer_max).pragma("query_only", "ON");
        Reader::new(self.clone(), options, answer_max)
    }

    pub(crate) fn lookups(&self) -> &Lookups {
        &self.shared.lookups
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.shared.readers
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.shared.writer
    }

    /// Where the purge of this process is.
    pub(crate) fn walk(&self) -> &Walk<String> {
        &self.shared.walk
    }

    /// The URL as it may be shown.
    pub(crate) fn name(&self) -> &str {
        &self.shared.name
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.shared.options.get_filename()
    }

    /// One more connection that may write, for a migration or a copy: not the writer's, whose statements need the tables.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection, OpenError> {
        self.shared.options.connect().await.map_err(|error| open_error(&self.shared.name, error))
    }
}

impl Backend for SqliteDatabase {
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
        Box::pin(async move { self.is_ready().await.map(|()| None) })
    }

    fn holds_unfinished_copy(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let statement = sqlx::query_scalar(HAS_TABLE).bind(COPY_TABLE);
            statement.fetch_one(&self.readers().pool()?).await.map_err(store_error)
        })
    }

    fn estimate_sessions(&self) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let counting = sqlx::query_scalar(COUNT_SESSIONS);
            let rows: i64 = counting.fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
            Ok(u64::try_from(rows).unwrap_or(0))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close_all())
    }

    fn writer_counts(&self) -> WriterCounts {
        self.shared.writer.counts()
    }

    fn lookup_counts(&self) -> LookupCounts {
        self.shared.lookups.counts()
    }

    fn pool_counts(&self) -> Vec<PoolCounts> {
        vec![self.readers().counts(), self.writer().pool_counts()]
    }

    fn count_due(&self, cutoffs: Cutoffs) -> StoreFuture<'_, Due> {
        Box::pin(self.due(cutoffs))
    }

    fn is_file(&self) -> bool {
        true
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
        Box::pin(async { Ok(Rights::default()) })
    }

    fn search(&self, spellings: Vec<Vec<u8>>) -> StoreFuture<'_, Searched> {
        Box::pin(self.search_columns(spellings))
    }

    fn end_of_copy(&self) -> BoxFuture<'_, Result<Box<dyn End>, OpenError>> {
        Box::pin(self.new_end())
    }
}

/// Connects, and again for a while where the file is locked: whoever switches a new file to write-ahead logging locks it
/// for a moment, and SQLite's own busy timeout does not cover that. So several may start together on no file at all.
async fn connect_patiently(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut locked = None;
    let trying = async {
        loop {
            match options.connect().await {
                Err(error) if is_busy(&error) => locked = Some(error),
                done => return done,
            }
            tokio::time::sleep(LOCKED_PAUSE).await;
        }
    };
    match tokio::time::timeout(BUSY_TIMEOUT, trying).await {
        Ok(done) => done,
        // Where the first try waited all that time itself, one more says why.
        Err(_) => match locked {
            Some(error) => Err(error),
            None => options.connect().await,
        },
    }
}

/// Finds a file this user may not write: SQLite opens it for reading and says so only at the first write.
async fn check_writable(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query("PRAGMA busy_timeout = 0").execute(&mut *connection).await?;
    match sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
        Ok(_) => {
            sqlx::query("ROLLBACK").execute(&mut *connection).await?;
        }
        Err(error) if is_busy(&error) => {} // somebody else writes, so it can be written
        Err(error) => return Err(error),
    }
    sqlx::query("PRAGMA busy_timeout = 5000").execute(&mut *connection).await.map(drop)
}
