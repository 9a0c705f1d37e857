//! rusqlite: a prepared read on the thread that asks. Whether the file at the path is still the one that was opened is
//! looked up before each read, as Cloakroom's readers do.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{StoreError, StoreErrorKind, StoreFuture};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_sql::LookupCounts;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row};

use crate::Failed;
use crate::beside::{Lookup, failed};
use crate::record::COLUMNS;

/// More connections than threads that ask: a free one is found at once.
const CONNECTIONS: usize = 8;

/// Connections, of which each thread takes one that is free.
#[derive(Debug)]
pub struct CallingThread {
    path: PathBuf,
    identity: (u64, u64),
    statement: String,
    connections: Vec<Mutex<Connection>>,
    statements: AtomicU64,
}

impl CallingThread {
    /// Opens the file of a URL such as `sqlite:PATH`.
    pub fn open(url: &str) -> Result<Self, Failed> {
        let path = PathBuf::from(url.strip_prefix("sqlite:").unwrap_or(url));
        let statement = format!("SELECT {COLUMNS} FROM sessions WHERE token_digest = ?1");
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connections.push(Mutex::new(connection));
        }
        let identity = identity(&path)?;
        Ok(Self { path, identity, statement, connections, statements: AtomicU64::new(0) })
    }

    fn free(&self) -> Option<MutexGuard<'_, Connection>> {
        self.connections.iter().find_map(|connection| connection.try_lock().ok())
    }

    fn read(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, StoreError> {
        if !identity(&self.path).is_ok_and(|identity| identity == self.identity) {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        let connection = self.free().ok_or(StoreError::new(StoreErrorKind::Busy))?;
        let mut statement = connection.prepare_cached(&self.statement).map_err(failed)?;
        let found = statement.query_row([&digest.as_bytes()[..]], |row| Ok(record(row))).optional().map_err(failed)?;
        found.transpose()
    }
}

fn identity(path: &PathBuf) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

impl Lookup for CallingThread {
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        Box::pin(std::future::ready(self.read(digest)))
    }

    fn counts(&self) -> LookupCounts {
        let statements = self.statements.load(Ordering::Relaxed);
        LookupCounts { statements, lookups: statements, ..LookupCounts::default() }
    }
}

fn record(row: &Row<'_>) -> Result<SessionRecord, StoreError> {
    let text = |index: usize| row.get_ref(index).map_err(failed)?.as_str().map_err(failed);
    let time = |index: usize| row.get(index).map(Timestamp::from_millis).map_err(failed);
    let maybe = |index: usize| row.get_ref(index).map_err(failed)?.as_str_or_null().map_err(failed);
    let idle: Option<u64> = row.get::<_, Option<i64>>(5).map_err(failed)?.and_then(|idle| idle.try_into().ok());
    Ok(SessionRecord {
        id: text(0)?.parse::<SessionId>().map_err(failed)?,
        subject: Subject::new(text(1)?).map_err(failed)?,
        created_at: time(2)?,
        authenticated_at: time(3)?,
        last_seen_at: time(4)?,
        idle_timeout: idle.map(Duration::from_millis),
        absolute_expires_at: time(6)?,
        auth_method: AuthMethod::new(text(7)?).map_err(failed)?,
        client: ClientFacts::new(maybe(8)?, maybe(9)?.map(str::parse).transpose().map_err(failed)?),
    })
}
