//! Lookups by token digest on the calling thread: a prepared read takes microseconds, the way to another thread and back
//! takes longer. Where nothing was committed since a session was read, not even that is needed.
//!
//! Whatever is not plain sailing (all connections in use, a locked file, a value that cannot be read) is left to the readers,
//! who wait where nobody is held up, and who say what is wrong. So this can only answer, never refuse.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::thread::available_parallelism;

use cloakroom_core::coherence::Held;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::token::TokenDigest;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::location::FileIdentity;
use super::place::Place;
use super::remembered::{Remembered, Session};
use super::row;
use super::statements::FIND_SESSION;
use crate::counts::LookupCounts;

/// Most connections: more threads than that do not look up at once.
const CONNECTIONS_MAX: usize = 64;
/// Reads only, sees what others have committed, and never waits: who would have to is served by the readers.
const SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 0;";

/// After so many lookups it is tried again to watch a file whose commits could not be watched.
const PATIENCE: u64 = 1_024;

/// A few connections that are used in turns, each opened when it is first needed.
#[derive(Debug)]
pub(crate) struct Lookups {
    path: PathBuf,
    place: Place,
    connections: Box<[Mutex<Option<Open>>]>,
    watched: RwLock<Option<Watched>>,
    is_off: AtomicBool,
    asked: AtomicU64,
    statements: AtomicU64,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    identity: FileIdentity,
}

/// What is remembered of the file that was at the path when this was made; `None` where its commits cannot be watched.
#[derive(Debug)]
struct Watched {
    identity: FileIdentity,
    remembered: Option<Remembered>,
}

/// It has to be asked the other way.
pub(crate) struct NotHere;

impl Lookups {
    /// On the file at `path`; off where lookups are not wanted on the calling thread.
    pub(crate) fn new(path: PathBuf, is_on: bool) -> Self {
        // Twice as many as run at once, so that who is interrupted in the middle of a lookup keeps nobody from another.
        let connections = 2 * available_parallelism().map_or(1, NonZero::get);
        let connections = (0..connections.min(CONNECTIONS_MAX)).map(|_| Mutex::new(None)).collect();
        Self {
            place: Place::new(path.clone()),
            path,
            connections,
            watched: RwLock::new(None),
            is_off: AtomicBool::new(!is_on),
            asked: AtomicU64::new(0),
            statements: AtomicU64::new(0),
        }
    }

    /// The session of a token digest.
    pub(crate) fn find(&self, digest: &TokenDigest) -> Result<Option<SessionRecord>, NotHere> {
        self.answer(digest, |session| SessionRecord::clone(&session.record), |record| record)
    }

    /// The same, where there is one.
    pub(crate) fn find_held(&self, digest: &TokenDigest) -> Option<Arc<Held>> {
        let hold = |record| Arc::new(Held::of(*digest, &record));
        self.answer(digest, |session| Arc::clone(&session.held), hold).ok().flatten()
    }

    /// Out of what is remembered, or read, in the form that is asked for.
    fn answer<T>(
        &self,
        digest: &TokenDigest,
        recalled: impl Fn(&Session) -> T,
        just_read: impl FnOnce(SessionRecord) -> T,
    ) -> Result<Option<T>, NotHere> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        // One that was opened on a file that is not there any more would show sessions that were ended since.
        let identity = self.place.file(number).ok_or(NotHere)?;
        let read = || self.read(identity, digest);
        match self.watched(identity, number).as_deref() {
            Some(Some(Watched { identity: of, remembered: Some(remembered) })) if *of == identity => {
                remembered.find(digest, read, recalled)
            }
            _ => Ok(read()?.map(just_read)),
        }
    }

    /// What is remembered, of the file that is there now if that is possible. `None` while somebody else sees to it.
    fn watched(&self, identity: FileIdentity, number: u64) -> Option<RwLockReadGuard<'_, Option<Watched>>> {
        let watched = self.watched.try_read().ok()?;
        let is_tried = |of: &Watched| of.remembered.is_some() || !number.is_multiple_of(PATIENCE);
        if watched.as_ref().is_some_and(|of| of.identity == identity && is_tried(of)) {
            return Some(watched);
        }
        drop(watched);
        self.watch(identity);
        self.watched.try_read().ok()
    }

    /// Begins to remember what is read of the file that is there now.
    #[cold]
    fn watch(&self, identity: FileIdentity) {
        let Ok(mut watched) = self.watched.try_write() else { return }; // somebody else sees to it
        if !self.is_off.load(Ordering::Relaxed) {
            // The old one goes first, so that its connection is not in the way.
            *watched = None;
            *watched = Some(Watched { identity, remembered: Remembered::open(&self.path, identity) });
        }
    }

    /// Asks SQLite.
    fn read(&self, identity: FileIdentity, digest: &TokenDigest) -> Result<Option<SessionRecord>, NotHere> {
        self.statements.fetch_add(1, Ordering::Relaxed); // here, or at the readers'
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

    #[cold]
    fn open(&self, identity: FileIdentity) -> Result<Open, NotHere> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).map_err(|_| NotHere)?;
        connection.execute_batch(SETTINGS).map_err(|_| NotHere)?;
        Ok(Open { connection, identity })
    }

    /// How many lookups there were, and for how many of them SQLite was asked.
    pub(crate) fn counts(&self) -> LookupCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LookupCounts { statements: read(&self.statements), lookups: read(&self.asked), ..LookupCounts::default() }
    }

    /// Closes every connection; nothing is looked up here afterwards.
    pub(crate) fn close(&self) {
        self.is_off.store(true, Ordering::Relaxed);
        drop(self.watched.write().unwrap_or_else(PoisonError::into_inner).take());
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
