//! Lookups by token digest on the calling thread: a prepared read takes microseconds, the way to another thread and back
//! takes longer.
//!
//! Whatever is not plain sailing (all connections in use, a locked file, a value that cannot be read) is left to the readers,
//! who wait where nobody is held up, and who say what is wrong. So this can only answer, never refuse.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread::available_parallelism;

use cloakroom_core::session::SessionRecord;
use cloakroom_core::token::TokenDigest;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::location::FileIdentity;
use super::row;
use super::statements::FIND_SESSION;

/// Most connections: more threads than that do not look up at once.
const CONNECTIONS_MAX: usize = 64;
/// Reads only, sees what others have committed, and never waits: who would have to is served by the readers.
const SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 0;";

/// A few connections that are used in turns, each opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Lookups {
    path: PathBuf,
    connections: Box<[Mutex<Option<Open>>]>,
    is_off: AtomicBool,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    identity: FileIdentity,
}

/// It has to be asked the other way.
pub(crate) struct NotHere;

impl Lookups {
    /// On the file at `path`; off where lookups are not wanted on the calling thread.
    pub(crate) fn new(path: PathBuf, is_on: bool) -> Self {
        // Twice as many as run at once, so that who is interrupted in the middle of a lookup keeps nobody from another.
        let connections = 2 * available_parallelism().map_or(1, NonZero::get);
        let connections = (0..connections.min(CONNECTIONS_MAX)).map(|_| Mutex::new(None)).collect();
        Self { path, connections, is_off: AtomicBool::new(!is_on) }
    }

    /// The session of a token digest.
    pub(crate) fn find(&self, digest: &TokenDigest) -> Result<Option<SessionRecord>, NotHere> {
        // One that was opened on a file that is not there any more would show sessions that were ended since.
        let identity = FileIdentity::of(&self.path).ok_or(NotHere)?;
        for slot in &self.connections {
            let mut slot = match slot.try_lock() {
                Ok(slot) => slot,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            if self.is_off.load(Ordering::Relaxed) {
                return Err(NotHere); // asked under the lock, which whoever closes takes too
            }
            let open = match slot.take().filter(|open| open.identity == identity) {
                Some(open) => open,
                None => self.open(identity)?,
            };
            let found = ask(&open.connection, digest)?; // on an error the connection is closed
            *slot = Some(open);
            return Ok(found);
        }
        Err(NotHere)
    }

    fn open(&self, identity: FileIdentity) -> Result<Open, NotHere> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|_| NotHere)?;
        connection.execute_batch(SETTINGS).map_err(|_| NotHere)?;
        Ok(Open { connection, identity })
    }

    /// Closes every connection; nothing is looked up here afterwards.
    pub(crate) fn close(&self) {
        self.is_off.store(true, Ordering::Relaxed);
        for slot in &self.connections {
            drop(slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

fn ask(connection: &Connection, digest: &TokenDigest) -> Result<Option<SessionRecord>, NotHere> {
    let mut statement = connection.prepare_cached(FIND_SESSION).map_err(|_| NotHere)?;
    match statement.query_row([&digest.as_bytes()[..]], row::session_here).optional() {
        Ok(None) => Ok(None),
        Ok(Some(Some(record))) => Ok(Some(record)),
        Ok(Some(None)) | Err(_) => Err(NotHere),
    }
}
