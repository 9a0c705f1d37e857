//! The feed in memory: what ended or changed, by position.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use super::{State, ready};
use crate::coherence::{Change, Continuity, Delta, FeedReply, Horizon, Loss};
use crate::ending::Ending;
use crate::session::SessionId;
use crate::store::{CHANGES_MAX, FeedReader, StoreFuture};
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// One entry of the feed.
pub(super) struct Entry {
    /// Given by [`State::append`].
    pub(super) position: i64,
    pub(super) digest: TokenDigest,
    pub(super) session: SessionId,
    pub(super) at: Timestamp,
    /// `None` where the session goes on under another token.
    pub(super) ending: Option<Ending>,
}

impl Entry {
    fn change(&self) -> Change {
        let Self { digest, session, at, .. } = *self;
        match &self.ending {
            Some(ending) => Change::Ended { digest, session, reason: ending.reason, at },
            None => Change::Changed { digest, session },
        }
    }
}

impl State {
    pub(super) fn append(&mut self, entry: Entry) {
        let position = self.next_position();
        self.feed.push_back(Entry { position, ..entry });
    }

    /// Forgets entries from before a time, at most `chunk` endings and as many changes; returns how many endings, and whether
    /// there is more.
    pub(super) fn purge_feed(&mut self, before: Timestamp, chunk: usize) -> (usize, bool) {
        let (mut endings, mut changes, mut more, mut purged_to) = (0, 0, false, self.purged_to);
        self.feed.retain(|entry| {
            let forgotten = if entry.ending.is_some() { &mut endings } else { &mut changes };
            if entry.at >= before || *forgotten == chunk {
                more |= entry.at < before;
                return true;
            }
            *forgotten += 1;
            purged_to = purged_to.max(entry.position);
            false
        });
        self.purged_to = purged_to;
        (endings, more)
    }

    fn reply(&self, since: Option<&Horizon>) -> FeedReply {
        let delta = match since {
            None => Delta::Changes(Vec::new()),
            Some(Horizon::Position(seen)) if self.purged_to <= *seen => {
                let unseen = self.feed.iter().filter(|entry| entry.position > *seen);
                let changes: Vec<_> = unseen.take(CHANGES_MAX + 1).map(Entry::change).collect();
                if changes.len() > CHANGES_MAX { Delta::Lost(Loss::TooMany) } else { Delta::Changes(changes) }
            }
            Some(_) => Delta::Lost(Loss::Purged),
        };
        FeedReply { continuity: Continuity::new("memory"), horizon: Horizon::Position(self.position), delta }
    }
}

/// Reads the feed; needs no connection.
pub(super) struct Reader(Arc<Mutex<State>>);

impl Reader {
    pub(super) fn of(state: &Arc<Mutex<State>>) -> Self {
        Self(Arc::clone(state))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory::feed::Reader")
    }
}

impl FeedReader for Reader {
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply> {
        ready(Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).reply(since)))
    }

    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}
