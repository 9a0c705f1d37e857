//! One instance's copy of what is usable: the protocol of [`coherence`](super) as a state machine.
//!
//! Whoever drives it hands in times and replies. Hits take no lock; loads and polls exclude each other for as long as they
//! change what is held.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::cache::Cache;
use super::feed::{Change, Continuity, Delta, FeedReply, Horizon, Loss};
use super::held::Held;
use super::terms::LeaseTerms;
use crate::time::Steady;
use crate::token::TokenDigest;
use crate::world::Clock;

/// Counts hits apart by digest, so that processors do not fight for one counter.
const STRIPES: usize = 16;

/// What an instance holds, how far it has seen the feed, and until when it may answer.
pub struct Replica {
    lease: Duration,
    /// The point at which the lease ends, in nanoseconds; 0 before the first poll.
    lease_until: AtomicU64,
    /// Counts everything that took something away. Changed under the lock only.
    generation: AtomicU64,
    cache: Cache,
    follow: Mutex<Follow>,
    hits: Box<[Stripe]>,
    polls: AtomicU64,
    emptied: AtomicU64,
}

#[derive(Default)]
struct Follow {
    seen: Option<(Continuity, Horizon)>,
    /// Of the poll that may be answered; earlier ones were given up.
    latest: u64,
}

#[repr(align(128))]
#[derive(Default)]
struct Stripe(AtomicU64);

/// A poll under way.
#[derive(Clone, Debug)]
pub struct Poll {
    number: u64,
    began: Steady,
    since: Option<Horizon>,
}

impl Poll {
    /// What it asks from: `None` asks for nothing but how far there is to see.
    pub const fn since(&self) -> Option<&Horizon> {
        self.since.as_ref()
    }

    /// When it began: its lease counts from here.
    pub const fn began(&self) -> Steady {
        self.began
    }
}

/// A load under way.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    began: Steady,
    generation: u64,
}

/// Why everything was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Emptied {
    /// Nothing was seen before.
    FirstPoll,
    /// Another server, timeline, database or table answered.
    Discontinuity,
    /// The reply saw less than the one before.
    WentBack,
    /// The reply could not name what it saw.
    Lost(Loss),
}

/// What applying a reply did.
#[derive(Debug, PartialEq, Eq)]
pub enum Applied {
    /// The poll had been given up: nothing was done.
    TooLate,
    /// The lease counts from the poll's beginning.
    Renewed {
        /// Whether everything was dropped, and why.
        emptied: Option<Emptied>,
        /// What the reply named; what it held of that is dropped.
        changes: Vec<Change>,
    },
}

/// What a replica has done, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaCounts {
    /// Requests answered from memory.
    pub hits: u64,
    /// Replies applied.
    pub polls: u64,
    /// Times everything was dropped.
    pub emptied: u64,
    /// Sessions held now.
    pub held: u64,
}

impl Replica {
    /// An empty one, without a lease.
    pub fn new(terms: &LeaseTerms) -> Self {
        Self {
            lease: terms.lease,
            lease_until: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            cache: Cache::new(terms.capacity),
            follow: Mutex::default(),
            hits: (0..STRIPES).map(|_| Stripe::default()).collect(),
            polls: AtomicU64::new(0),
            emptied: AtomicU64::new(0),
        }
    }

    /// The session of a digest, if it is held and may be answered from memory now. What it says is for the
    /// [verdict](crate::verdict) to judge.
    pub fn find(&self, digest: &TokenDigest, clock: &(impl Clock + ?Sized)) -> Option<Arc<Held>> {
        // In this order: a stop between any two steps is seen by the last, and a drop after the first by the second.
        let lease_until = self.lease_until();
        let held = self.entry(digest)?;
        if clock.steady() >= lease_until {
            return None;
        }
        self.count_hit(digest);
        Some(held)
    }

    /// What is held, whether or not it may be answered: a step of [`find`](Self::find), for who stops between the steps.
    pub(super) fn entry(&self, digest: &TokenDigest) -> Option<Arc<Held>> {
        self.cache.get(digest)
    }

    fn count_hit(&self, digest: &TokenDigest) {
        let stripe = usize::from(digest.as_bytes()[31]) % STRIPES;
        if let Some(Stripe(hits)) = self.hits.get(stripe) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Begins a poll, and gives up the one before if it is still under way.
    pub fn begin_poll(&self, now: Steady) -> Poll {
        let mut follow = self.follow();
        follow.latest += 1;
        let since = follow.seen.as_ref().map(|(_, horizon)| horizon.clone());
        Poll { number: follow.latest, began: now, since }
    }

    /// Applies the reply to a poll: drops what it names, then renews the lease.
    pub fn finish_poll(&self, poll: &Poll, reply: FeedReply) -> Applied {
        self.finish_poll_with(poll, reply, || ())
    }

    /// The same, with something that happens after the dropping and before the renewal, where hits may come in between.
    pub(super) fn finish_poll_with(&self, poll: &Poll, reply: FeedReply, between: impl FnOnce()) -> Applied {
        let mut follow = self.follow();
        if poll.number != follow.latest {
            return Applied::TooLate;
        }
        follow.latest += 1; // a second reply to the same poll would be one too many
        let FeedReply { continuity, horizon, delta } = reply;
        let (emptied, changes) = match delta {
            Delta::Lost(loss) => (Some(Emptied::Lost(loss)), Vec::new()),
            Delta::Changes(changes) => (break_in(follow.seen.as_ref(), &continuity, &horizon), changes),
        };
        if emptied.is_some() || changes.iter().any(|change| matches!(change, Change::EveryoneEnded { .. })) {
            self.count_generation();
            self.cache.drop_all();
            self.emptied.fetch_add(1, Ordering::Relaxed);
        } else if !changes.is_empty() {
            self.count_generation();
            for change in &changes {
                if let Change::Ended { digest, .. } | Change::Changed { digest, .. } = change {
                    self.cache.drop_one(digest);
                }
            }
        }
        between();
        follow.seen = Some((continuity, horizon));
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.lease_until.fetch_max(poll.began.plus(self.lease).as_nanos(), Ordering::AcqRel);
        Applied::Renewed { emptied, changes }
    }

    /// Begins a load. Call it before the database is asked.
    pub fn begin_load(&self, now: Steady) -> Load {
        Load { began: now, generation: self.generation.load(Ordering::Acquire) }
    }

    /// Until when the reply to a load may be served: to anybody who waits for it, and no longer.
    pub fn load_until(&self, load: &Load) -> Steady {
        load.began.plus(self.lease)
    }

    /// Whether a request that comes now may wait for this load too: only if nothing was taken away since it began, or who
    /// comes after an ending would be served by what was read before it.
    pub fn may_join(&self, load: &Load) -> bool {
        self.generation.load(Ordering::Acquire) == load.generation
    }

    /// Holds what a load found to be usable, unless something was taken away since it began.
    pub fn finish_load(&self, load: &Load, held: Arc<Held>) {
        let follow = self.follow();
        if follow.seen.is_some() && self.generation.load(Ordering::Acquire) == load.generation {
            self.cache.put(held);
        }
    }

    /// Drops a session this instance ended itself, or held and found to be gone. Not for a token that was never held:
    /// every call keeps the loads under way from being held.
    pub fn forget(&self, digest: &TokenDigest) {
        let _follow = self.follow();
        self.count_generation();
        self.cache.drop_one(digest);
    }

    /// Drops a session that was found to be gone, if it is held. Costs loads under way nothing where it is not, so that nobody
    /// keeps them from being held by asking for tokens that never were.
    pub fn forget_if_held(&self, digest: &TokenDigest) {
        if self.cache.get(digest).is_some() {
            self.forget(digest);
        }
    }

    /// Drops the sessions this instance ended without knowing their tokens: by id, of a subject, everybody's. Looks at
    /// everything that is held. A session that was given to another subject less than a lease ago may be held as its former
    /// owner's.
    pub fn forget_where(&self, has_ended: impl Fn(&Held) -> bool) {
        let _follow = self.follow();
        self.count_generation();
        self.cache.drop_where(has_ended);
    }

    /// When the lease ends; the clock's start if there has been none.
    pub fn lease_until(&self) -> Steady {
        Steady::from_nanos(self.lease_until.load(Ordering::Acquire))
    }

    /// What it has done.
    pub fn counts(&self) -> ReplicaCounts {
        ReplicaCounts {
            hits: self.hits.iter().map(|Stripe(hits)| hits.load(Ordering::Relaxed)).sum(),
            polls: self.polls.load(Ordering::Relaxed),
            emptied: self.emptied.load(Ordering::Relaxed),
            held: self.cache.len() as u64,
        }
    }

    fn count_generation(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn follow(&self) -> MutexGuard<'_, Follow> {
        // Nothing in between can panic half-way.
        self.follow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether and how a reply fails to continue what was seen.
fn break_in(seen: Option<&(Continuity, Horizon)>, continuity: &Continuity, horizon: &Horizon) -> Option<Emptied> {
    match seen {
        None => Some(Emptied::FirstPoll),
        Some((before, _)) if before != continuity => Some(Emptied::Discontinuity),
        Some((_, before)) if !horizon.continues(before) => Some(Emptied::WentBack),
        Some(_) => None,
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replica").field("lease", &self.lease).field("held", &self.cache.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "replica/tests.rs"]
mod tests;
