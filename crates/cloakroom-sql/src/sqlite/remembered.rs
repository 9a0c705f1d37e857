//! Sessions that were looked up, for as long as nothing is committed: then SQLite need not be asked for them again.
//!
//! An answer is kept under the mark that was read before it, and given only where the mark read by whoever asks is the
//! same (G5). Nothing here decides how old an answer may be: it is as new as the last commit, or it is not given.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use cloakroom_core::coherence::Held;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::token::TokenDigest;

use super::commit_mark::{CommitMark, LogIndex};
use super::location::FileIdentity;

/// Most sessions that are remembered: about 8 MiB. More than are used in the second between two commits under load.
const SESSIONS_MAX: usize = 16_384;
/// So many that threads seldom meet; by the digest's first byte.
const SHARDS: usize = 16;

/// What is remembered of one file.
#[derive(Debug)]
pub(crate) struct Remembered {
    index: LogIndex,
    shards: [RwLock<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    /// What everything in it was read under.
    mark: Option<CommitMark>,
    sessions: HashMap<TokenDigest, Session, BuildHasherDefault<OfDigest>>,
}

/// Takes eight bytes of a digest for its hash: it is one. Nobody can choose digests of sessions that are found, whose tokens are random.
#[derive(Debug, Default)]
struct OfDigest(u64);

impl Hasher for OfDigest {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk() {
            self.0 = u64::from_ne_bytes(*last);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A session, as it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) record: Arc<SessionRecord>,
    pub(super) held: Arc<Held>,
}

impl Session {
    fn of(digest: &TokenDigest, record: SessionRecord) -> Self {
        Self { held: Arc::new(Held::of(*digest, &record)), record: Arc::new(record) }
    }
}

impl Remembered {
    /// Nothing yet, of the database at `path`, which is the file `identity`. `None` where its commits cannot be watched.
    pub(crate) fn open(path: &Path, identity: FileIdentity) -> Option<Self> {
        LogIndex::open(path, identity).map(|index| Self { index, shards: Default::default() })
    }

    /// Answers out of memory, or by `read`. The mark is read first: whatever was committed before this is in it, and
    /// whatever is committed later changes it.
    pub(crate) fn find<T, E>(
        &self,
        digest: &TokenDigest,
        read: impl FnOnce() -> Result<Option<SessionRecord>, E>,
        take: impl Fn(&Session) -> T,
    ) -> Result<Option<T>, E> {
        let mark = self.index.mark();
        if let Some(taken) = mark.and_then(|mark| self.recall(mark, digest, &take)) {
            return Ok(Some(taken));
        }
        let Some(record) = read()? else { return Ok(None) };
        let session = Session::of(digest, record);
        let taken = take(&session);
        if let Some(mark) = mark {
            self.keep(mark, digest, session);
        }
        Ok(Some(taken))
    }

    fn recall<T>(&self, mark: CommitMark, digest: &TokenDigest, take: impl Fn(&Session) -> T) -> Option<T> {
        let shard = self.shard(digest).read().unwrap_or_else(PoisonError::into_inner);
        if shard.mark == Some(mark) { shard.sessions.get(digest).map(take) } else { None }
    }

    fn keep(&self, mark: CommitMark, digest: &TokenDigest, session: Session) {
        let mut shard = self.shard(digest).write().unwrap_or_else(PoisonError::into_inner);
        if shard.mark != Some(mark) {
            shard.sessions.clear();
            shard.mark = Some(mark);
        }
        if shard.sessions.len() < SESSIONS_MAX / SHARDS {
            shard.sessions.insert(*digest, session);
        }
    }

    fn shard(&self, digest: &TokenDigest) -> &RwLock<Shard> {
        &self.shards[usize::from(digest.as_bytes()[0]) % SHARDS]
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::Duration;

    use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, Subject};
    use cloakroom_core::time::Timestamp;
    use cloakroom_core::world::PredictableRandom;
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    /// A database with something in it, a connection that commits to it, and what is remembered.
    struct World {
        dir: TempDir,
        other: Connection,
        remembered: Remembered,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("some.db");
            let other = Connection::open(&path).unwrap();
            other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)").unwrap();
            let remembered = Remembered::open(&path, FileIdentity::of(&path).unwrap()).unwrap();
            Self { dir, other, remembered }
        }

        fn commit(&self) {
            self.other.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        }

        /// Whether the database had to be asked.
        fn is_asked(&self, digest: TokenDigest) -> bool {
            let mut is_asked = false;
            let read = || {
                is_asked = true;
                Ok::<_, ()>(Some(session()))
            };
            let take = |found: &Session| assert_eq!((&*found.record, found.held.digest()), (&session(), &digest));
            self.remembered.find(&digest, read, take).unwrap().unwrap();
            is_asked
        }
    }

    fn session() -> SessionRecord {
        let at = Timestamp::from_millis(1_790_000_000_000);
        SessionRecord {
            id: SessionId::new(at, &PredictableRandom::from_seed(1)).unwrap(),
            subject: Subject::new("ada").unwrap(),
            created_at: at,
            authenticated_at: at,
            last_seen_at: at,
            idle_timeout: None,
            absolute_expires_at: at.plus(Duration::from_hours(1)),
            auth_method: AuthMethod::password(),
            client: ClientFacts::default(),
        }
    }

    /// All in one shard.
    fn digest(number: u16) -> TokenDigest {
        let mut bytes = [0; 32];
        bytes[30..].copy_from_slice(&number.to_be_bytes());
        TokenDigest::from_bytes(bytes)
    }

    #[test]
    fn nothing_is_asked_twice_until_something_is_committed() {
        let world = World::new();
        assert!(world.is_asked(digest(1)));
        assert!(!world.is_asked(digest(1)));
        world.other.execute_batch("BEGIN; INSERT INTO t VALUES (1); ROLLBACK").unwrap();
        assert!(!world.is_asked(digest(1)), "nothing was committed");
        world.commit();
        assert!(world.is_asked(digest(1)));
        assert!(!world.is_asked(digest(1)));
    }

    #[test]
    fn what_was_read_before_a_commit_does_not_come_back_with_what_is_read_after_it() {
        let world = World::new();
        assert!(world.is_asked(digest(1)));
        world.commit();
        assert!(world.is_asked(digest(2)));
        assert!(world.is_asked(digest(1)));
    }

    #[test]
    fn a_commit_in_the_middle_of_a_read_makes_its_answer_old() {
        let world = World::new();
        let read = || {
            let found = session();
            world.commit(); // which may have ended it
            Ok::<_, ()>(Some(found))
        };
        assert!(world.remembered.find(&digest(1), read, |_| ()).unwrap().is_some());
        assert!(world.is_asked(digest(1)));
    }

    #[test]
    fn the_index_stays_the_same_while_everybody_else_comes_and_goes() {
        let mut world = World::new();
        assert!(world.is_asked(digest(1)));
        world.other = Connection::open_in_memory().unwrap(); // whoever closes a database last takes the index along
        world.other = Connection::open(world.dir.path().join("some.db")).unwrap();
        world.commit();
        assert!(world.is_asked(digest(1)));
    }

    #[test]
    fn what_is_not_there_and_what_cannot_be_read_is_asked_for_again() {
        let world = World::new();
        assert!(world.remembered.find(&digest(1), || Ok::<_, ()>(None), |_| ()).unwrap().is_none());
        assert!(world.remembered.find(&digest(1), || Err(()), |_| ()).is_err());
        assert!(world.is_asked(digest(1)));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let world = World::new();
        let places = u16::try_from(SESSIONS_MAX / SHARDS).unwrap();
        for number in 0..places + 10 {
            assert!(world.is_asked(digest(number)));
        }
        let asked = (0..places + 10).filter(|number| world.is_asked(digest(*number))).count();
        assert_eq!(asked, 10);
    }

    #[test]
    fn a_file_without_a_log_is_not_watched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        assert!(Remembered::open(&path, FileIdentity::of(&path).unwrap()).is_none());
    }
}
