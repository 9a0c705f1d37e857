//! Uses of sessions on their way to the store: collected in memory, bounded, written in batches by the sweep.
//!
//! What is pending here counts in this process's verdicts at once. It must never be able to revive anything: the write is
//! the store's conditional touch, and what that refuses is forgotten.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::session::Times;
use cloakroom_core::store::{SessionStore, StoreError, Touch};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use tracing::Instrument as _;

use crate::spans;

/// How often the sweep writes what is pending.
pub(crate) const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// A session that would end for lack of use within this time is touched at once instead: were the write only
/// pending, the store might see the session as expired before it arrives.
pub(crate) const PENDING_MARGIN: Duration = Duration::from_secs(10);
/// Most uses pending at once, about 5 MB; past it every use is written at once.
pub(crate) const PENDING_MAX: usize = 50_000;
/// Most touches in one statement.
const BATCH_MAX: usize = 500;

/// The uses that are not written yet.
#[derive(Default)]
pub(crate) struct Touches(Mutex<HashMap<TokenDigest, Timestamp>>);

/// What became of the uses that were pending.
#[derive(Debug)]
pub(crate) struct Flushed {
    pub(crate) written: u64,
    /// Their session was gone.
    pub(crate) refused: Vec<TokenDigest>,
    /// Whether all of them were written or refused.
    pub(crate) done: Result<(), StoreError>,
}

impl Touches {
    fn pending(&self) -> MutexGuard<'_, HashMap<TokenDigest, Timestamp>> {
        // Single inserts and removals cannot leave the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pending use of a session. Ask before the record is read: then a use is seen here or there.
    pub(crate) fn of(&self, digest: &TokenDigest) -> Option<Timestamp> {
        self.pending().get(digest).copied()
    }

    /// Notes a use to be written later; `false` if it has to be written now.
    ///
    /// `times` are the session's before this use.
    pub(crate) fn note(&self, touch: Touch, times: Times) -> bool {
        let margin = times.idle_timeout.map(|idle| times.last_seen_at.plus(idle).since(touch.used_at));
        if margin.is_some_and(|margin| margin < PENDING_MARGIN) {
            return false;
        }
        let mut pending = self.pending();
        if pending.len() >= PENDING_MAX && !pending.contains_key(&touch.digest) {
            return false;
        }
        let used_at = pending.entry(touch.digest).or_insert(touch.used_at);
        *used_at = touch.used_at.max(*used_at);
        true
    }

    /// Forgets a session that is known to be gone.
    pub(crate) fn forget(&self, digest: &TokenDigest) {
        self.pending().remove(digest);
    }

    /// Writes everything that is pending now, in sorted batches. What the store refuses is forgotten; what it fails to write
    /// stays pending.
    pub(crate) async fn flush(&self, store: &dyn SessionStore, now: Timestamp) -> Flushed {
        let mut flushed = Flushed { written: 0, refused: Vec::new(), done: Ok(()) };
        let mut all: Vec<_> = self.pending().iter().map(|(&digest, &used_at)| Touch { digest, used_at }).collect();
        all.sort_unstable_by_key(|touch| touch.digest);
        for batch in all.chunks(BATCH_MAX) {
            let refused = match store.touch(batch.to_vec(), now).instrument(spans::store("touch")).await {
                Ok(refused) => refused,
                Err(error) => {
                    flushed.done = Err(error);
                    break;
                }
            };
            flushed.written += batch.len().saturating_sub(refused.len()) as u64;
            flushed.refused.extend(refused);
            let mut pending = self.pending();
            for touch in batch {
                // A later use noted meanwhile stays for the next flush.
                if pending.get(&touch.digest) == Some(&touch.used_at) {
                    pending.remove(&touch.digest);
                }
            }
        }
        flushed
    }

    /// How many are pending.
    pub(crate) fn len(&self) -> usize {
        self.pending().len()
    }
}

impl fmt::Debug for Touches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Touches").field("pending", &self.pending().len()).finish()
    }
}
