//! The mark that every commit leaves, whoever commits: where it is unchanged, what was read is still what is there.
//!
//! With write-ahead logging SQLite publishes a commit by rewriting the header of the log's index, the first bytes of
//! `PATH-shm` (<https://www.sqlite.org/walformat.html> section 2.1). Its own readers keep their pages by the same test. Here it is
//! only compared, never understood: nothing in this file reads or writes a database.
//!
//! On Linux only: elsewhere what SQLite writes into memory need not be what is read from the file, and nothing tells whether
//! it is the same file.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};

use super::location::FileIdentity;

/// The header, of which there are two copies, one after the other.
const HEADER_BYTES: usize = 48;
/// The only version there is, in the byte order of the machine; another one may mean something else.
const VERSION: [u8; 4] = 3_007_000_u32.to_ne_bytes();
/// Most indexes that are watched in the life of a process, because a file once opened is never closed again.
const HELD_MAX: usize = 64;
/// As lookups are: sees what others have committed, and never waits.
const SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA busy_timeout = 0;";
/// Makes SQLite open the log and its index.
const TOUCH_THE_LOG: &str = "SELECT count(*) FROM sqlite_schema";

/// What stands for everything committed so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommitMark([u8; HEADER_BYTES]);

impl CommitMark {
    /// Takes both copies. `None` where they are being written, or where the mark could stand for something else one day.
    fn read(both: &[u8; 2 * HEADER_BYTES]) -> Option<Self> {
        let (first, second) = both.split_at(HEADER_BYTES);
        let is_initialized = both[12] == 1;
        // A log that was never written has no salt yet: every such log has the same header. With a salt, which is random and
        // changes when the log begins anew, the number of pages in it only grows.
        let is_salted = both[32..40] != [0; 8];
        let is_usable = first == second && both[..4] == VERSION && is_initialized && is_salted;
        first.try_into().ok().filter(|_| is_usable).map(Self)
    }
}

/// The index of a database's log, from which the mark is read.
#[derive(Debug)]
pub(crate) struct LogIndex {
    file: Arc<File>,
    /// As long as it is open, SQLite works on this index in this process, nobody removes it, and the file stays in
    /// write-ahead logging.
    _connection: Mutex<Connection>,
}

impl LogIndex {
    /// The index of the database at `path`, which is the file `identity`. `None` where commits cannot be watched.
    pub(crate) fn open(path: &Path, identity: FileIdentity) -> Option<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).ok()?;
        connection.execute_batch(SETTINGS).ok()?;
        connection.query_row(TOUCH_THE_LOG, [], |_| Ok(())).ok()?;
        let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).ok()?;
        if mode != "wal" || FileIdentity::of(path) != Some(identity) {
            return None;
        }
        // Beside the file itself, where `path` may be a link to it.
        let file = HELD.open(format!("{}-shm", connection.path()?).as_ref())?;
        is_in_use(&file).then(|| Self { file, _connection: Mutex::new(connection) })
    }

    /// The mark as it is now. `None` where nothing can be said.
    pub(crate) fn mark(&self) -> Option<CommitMark> {
        let mut both = [0; 2 * HEADER_BYTES];
        self.file.read_exact_at(&mut both, 0).ok()?;
        CommitMark::read(&both)
    }
}

/// The indexes this process has opened. The only global there is, because what it guards against is the process's:
/// closing any descriptor of a file drops every lock that SQLite holds on that file
/// (<https://www.sqlite.org/howtocorrupt.html> section 2.2). So none is ever closed, and none is opened twice.
static HELD: Held = Held(Mutex::new(Vec::new()));

/// A file that is held keeps its inode, so no other file can have its identity.
struct Held(Mutex<Vec<(FileIdentity, Arc<File>)>>);

impl Held {
    fn open(&self, path: &Path) -> Option<Arc<File>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = FileIdentity::of(path)?;
        if let Some((_, file)) = held.iter().find(|(identity, _)| *identity == seen) {
            return Some(Arc::clone(file));
        }
        if held.len() >= HELD_MAX {
            return None;
        }
        let file = Arc::new(File::open(path).ok()?);
        // Another one may have come in between, even one that is held already: this descriptor is kept all the same.
        let identity = file.metadata().map_or(seen, |about| FileIdentity::of_metadata(&about));
        held.push((identity, Arc::clone(&file)));
        Some(file)
    }
}

/// Whether SQLite in this process works on just this index. It would not if somebody removed the file while the database
/// was open: then there may be another one at its place, and the commits of this process would not show in it.
///
/// Compares inodes only: what the device is called here differs on some file systems.
fn is_in_use(file: &File) -> bool {
    let (Ok(about), Ok(maps)) = (file.metadata(), fs::read_to_string("/proc/self/maps")) else { return false };
    let inode = about.ino().to_string();
    let is_it = |line: &str| line.ends_with("-shm") && line.split_ascii_whitespace().nth(4) == Some(&inode);
    maps.lines().any(is_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(change: u8) -> [u8; 2 * HEADER_BYTES] {
        let mut one = [0; HEADER_BYTES];
        one[..4].copy_from_slice(&VERSION);
        (one[8], one[12], one[32]) = (change, 1, 7);
        let mut both = [0; 2 * HEADER_BYTES];
        both[..HEADER_BYTES].copy_from_slice(&one);
        both[HEADER_BYTES..].copy_from_slice(&one);
        both
    }

    #[test]
    fn a_mark_is_only_what_can_stand_for_one_state() {
        assert!(CommitMark::read(&header(1)).is_some());
        assert_ne!(CommitMark::read(&header(1)), CommitMark::read(&header(2)));
        assert_eq!(CommitMark::read(&[0; 2 * HEADER_BYTES]), None);
        // The version, initialized or not, the salt: of both copies.
        for (place, byte) in [(0, 9), (12, 0), (32, 0)] {
            let mut both = header(1);
            (both[place], both[HEADER_BYTES + place]) = (byte, byte);
            assert_eq!(CommitMark::read(&both), None, "{place}");
        }
        // In the middle of being written.
        for place in 0..2 * HEADER_BYTES {
            let mut both = header(1);
            both[place] ^= 0x40;
            assert_eq!(CommitMark::read(&both), None, "{place}");
        }
    }

    #[test]
    fn a_file_is_opened_once_and_held_and_there_is_an_end_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let held = Held(Mutex::new(Vec::new()));
        let path = |n: usize| dir.path().join(n.to_string());
        for n in 0..=HELD_MAX {
            fs::write(path(n), []).unwrap();
        }
        let first = held.open(&path(0)).unwrap();
        assert!(Arc::ptr_eq(&first, &held.open(&path(0)).unwrap()));
        fs::remove_file(path(0)).unwrap();
        fs::write(path(0), []).unwrap();
        assert!(!Arc::ptr_eq(&first, &held.open(&path(0)).unwrap()), "another file, whose inode is another");
        let opened = (1..=HELD_MAX).filter(|n| held.open(&path(*n)).is_some()).count();
        assert_eq!(opened, HELD_MAX - 2);
        assert!(held.open(&path(1)).is_some(), "what is held already stays to be had");
    }
}
