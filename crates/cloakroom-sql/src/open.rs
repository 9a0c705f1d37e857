//! Opening a database: the one place that asks which one it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::store::{AccountStore, SessionStore, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::error::{OpenError, OpenErrorKind, is_locked, store_error};
use crate::writer::Writer;

/// How long a statement waits for another program to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a locked file is tried, and how long apart: two seconds in all.
const OPEN_ATTEMPTS: u32 = 40;
const OPEN_PAUSE: Duration = Duration::from_millis(50);
/// How long a read waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Create the file if there is none. Default: yes.
    pub create: bool,
    /// Connections that read, 1 to 16. Default 4: reads of a cached file are short.
    pub readers: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self { create: true, readers: 4 }
    }
}

/// An open database. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) readers: SqlitePool,
    pub(crate) writer: Writer,
    pub(crate) options: SqliteConnectOptions,
    /// How messages name it.
    pub(crate) shown: String,
}

impl Database {
    /// Opens the database of a URL such as `sqlite:app.db`. Does not migrate it.
    ///
    /// # Errors
    /// When it cannot be opened, is no database, or comes from a newer version. The text says what to do.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, OpenError> {
        let path = sqlite_path(url)?;
        let shown = format!("sqlite:{}", path.display());
        check_path(&path, &shown, options.create)?;
        let connect = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(options.create)
            .journal_mode(SqliteJournalMode::Wal)
            // An acknowledged login or logout outlives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging();
        // Opened once in the foreground, so that what is wrong with the file is said here. Reading the header of a file
        // that is no database fails only with the first statement.
        let first = first_connection(&connect).await.map_err(|error| OpenError::of_sqlite(&shown, error))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.readers.clamp(1, 16))
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_lazy_with(connect.clone().pragma("query_only", "on").optimize_on_close(false, None));
        let writer = Writer::start(first, connect.clone());
        let database = Self(Arc::new(Inner { readers, writer, options: connect, shown }));
        database.refuse_newer().await?;
        Ok(database)
    }

    /// The sessions in it.
    pub fn sessions(&self) -> Arc<dyn SessionStore> {
        Arc::new(self.clone())
    }

    /// The accounts in it.
    pub fn accounts(&self) -> Arc<dyn AccountStore> {
        Arc::new(self.clone())
    }

    /// Asks whether it answers and has its tables: for readiness.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let probe = "SELECT (SELECT count(*) FROM sessions LIMIT 0), (SELECT count(*) FROM session_feed LIMIT 0)";
        sqlx::query(probe).execute(&self.0.readers).await.map_err(store_error)?;
        Ok(())
    }

    /// Finishes what is being written and closes every connection; the write-ahead log goes back into the file.
    pub async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }

    /// How many transactions have been committed: fewer than operations where commits were grouped.
    pub fn commits(&self) -> u64 {
        self.0.writer.commits()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    pub(crate) fn writer(&self) -> &Writer {
        &self.0.writer
    }
}

/// Opens the file, and again for a while where it is locked: whoever switches a new file to WAL locks it for a moment, and
/// SQLite's own busy timeout does not cover that.
async fn first_connection(options: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut attempts = 1;
    loop {
        let opened = async {
            let mut connection = options.connect().await?;
            sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&mut connection).await?;
            Ok(connection)
        };
        match opened.await {
            Err(error) if is_locked(&error) && attempts < OPEN_ATTEMPTS => attempts += 1,
            done => return done,
        }
        tokio::time::sleep(OPEN_PAUSE).await;
    }
}

/// The file a URL names.
fn sqlite_path(url: &str) -> Result<PathBuf, OpenError> {
    let unsupported = |line: &str| Err(OpenError::new(OpenErrorKind::UnsupportedUrl, line));
    let Some(path) = url.strip_prefix("sqlite:") else {
        return unsupported("database.url names no database known here: use sqlite:PATH, such as sqlite:cloakroom.db");
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains(['?', '\0']) {
        return unsupported("database.url has no usable path: use sqlite:PATH, such as sqlite:cloakroom.db");
    }
    if path == ":memory:" {
        return unsupported(
            "database.url names a database in memory, which every connection has for itself: use a file",
        );
    }
    Ok(path.into())
}

/// Says what is wrong with the path before SQLite says "unable to open database file" about all of it.
fn check_path(path: &Path, shown: &str, create: bool) -> Result<(), OpenError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        let line = format!(
            "cannot open {shown}: the directory {} does not exist; create it or set database.url to another path",
            directory.display()
        );
        return Err(OpenError::new(OpenErrorKind::DirectoryMissing, line));
    }
    if path.is_dir() {
        let line = format!("{shown} is not a database but a directory: set database.url to a file in it");
        return Err(OpenError::new(OpenErrorKind::NotADatabase, line));
    }
    if !create && !path.exists() {
        let line = format!("{shown} does not exist: run `cloakroom migrate up` to create it, or correct database.url");
        return Err(OpenError::new(OpenErrorKind::Other, line));
    }
    Ok(())
}
