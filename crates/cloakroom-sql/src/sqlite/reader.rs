//! The readers: a small pool that cannot write, each read a transaction of its own.
//!
//! Every read is one statement outside any transaction, so it sees all that was committed when it started, and holds no
//! snapshot afterwards.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Pool, Sqlite};

use super::location::FileIdentity;
use crate::counts::PoolCounts;
use crate::error::unavailable;

/// How long a read waits for a free reader before it is refused as busy.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Readers of one file, whichever file is there.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    options: SqliteConnectOptions,
    connections_max: u32,
    current: Mutex<Current>,
    taken: AtomicU64,
}

#[derive(Debug)]
struct Current {
    identity: FileIdentity,
    pool: Pool<Sqlite>,
    is_closed: bool,
}

impl Readers {
    pub(crate) fn new(
        path: PathBuf,
        identity: FileIdentity,
        options: SqliteConnectOptions,
        connections_max: u32,
    ) -> Self {
        let options = options.create_if_missing(false).pragma("query_only", "ON");
        let pool = pool_of(&options, connections_max);
        let current = Mutex::new(Current { identity, pool, is_closed: false });
        Self { path, options, connections_max, current, taken: AtomicU64::new(0) }
    }

    /// The pool on the file that is at the path now.
    pub(crate) fn pool(&self) -> Result<Pool<Sqlite>, StoreError> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let Some(identity) = FileIdentity::of(&self.path) else {
            return Err(unavailable("the database file is gone or cannot be seen"));
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_closed {
            return Err(StoreError::caused(StoreErrorKind::Unavailable, "the database is closed"));
        }
        if current.identity != identity {
            // Readers of the old file would serve sessions that were ended in the new one.
            *current = Current { identity, pool: pool_of(&self.options, self.connections_max), is_closed: false };
        }
        Ok(current.pool.clone())
    }

    pub(crate) fn counts(&self) -> PoolCounts {
        let pool = self.current.lock().unwrap_or_else(PoisonError::into_inner).pool.clone();
        let (open, idle) = (u64::from(pool.size()), pool.num_idle() as u64);
        let taken = self.taken.load(Ordering::Relaxed);
        PoolCounts { name: "readers", in_use: open.saturating_sub(idle), idle, waiting: None, taken }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).is_closed
    }

    pub(crate) async fn close(&self) {
        let pool = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.is_closed = true;
            current.pool.clone()
        };
        pool.close().await;
    }
}

fn pool_of(options: &SqliteConnectOptions, connections_max: u32) -> Pool<Sqlite> {
    SqlitePoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(WAIT_MAX)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false) // it would double the work of a read, and a file does not hang up
        .connect_lazy_with(options.clone())
}
