//! Following the feed: one task per instance polls it, renews the lease and tells who waits for the end of a session.
//!
//! What a reply means is decided in [`coherence`](cloakroom_core::coherence); here it is only carried.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cloakroom_core::coherence::{Applied, Change, LeaseTerms, Replica, ReplicaCounts};
use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionId;
use cloakroom_core::store::FeedReader;
use cloakroom_core::time::{Steady, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use crate::rejection::cause;
use crate::shared::Shared;

/// Between two polls, whatever is hinted meanwhile.
const PAUSE: Duration = Duration::from_millis(2);
/// Upper bounds, in milliseconds, of the observed revocation delays.
const DELAY_BOUNDS_MS: [u64; 12] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];

/// One instance's view of the feed.
#[derive(Debug)]
pub(crate) struct Follower {
    terms: LeaseTerms,
    replica: Replica,
    wake: Arc<Notify>,
    polled: watch::Sender<Polled>,
    is_started: AtomicBool,
    watched: Watched,
    errors: AtomicU64,
    delays: Delays,
    ended: [AtomicU64; EndReason::ALL.len()],
}

/// How far polling has come. One poll is under way at a time.
#[derive(Clone, Copy, Debug)]
struct Polled {
    /// When the last poll began that was applied.
    seen: Steady,
    /// When the last one began that is over, whatever became of it.
    tried: Steady,
}

/// What following the feed has done, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowCounts {
    /// Replies applied.
    pub polls: u64,
    /// Polls that failed or took too long; the next one asks for the same.
    pub errors: u64,
    /// Times everything held in memory was dropped.
    pub emptied: u64,
    /// Sessions held in memory now.
    pub held: u64,
    /// How long ago the poll began that renewed the lease last; `None` before the first.
    pub lease_age: Option<Duration>,
    /// Connections that wait for the end of their session.
    pub waiting: u64,
    /// From the time an ending was noted at to the time it was seen here: how many took up to so many milliseconds. The
    /// last has no bound. Measured between two clocks, so skew shows in it.
    pub delays: Vec<(Option<u64>, u64)>,
    /// The sum of these delays in milliseconds.
    pub delays_sum_ms: u64,
    /// Sessions that were seen to end, whoever ended them and on whichever instance, by reason, in the order of [`EndReason::ALL`]. A
    /// `TRUNCATE` names none.
    pub ended: Vec<(EndReason, u64)>,
}

#[derive(Debug, Default)]
struct Delays {
    counts: [AtomicU64; DELAY_BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

impl Delays {
    fn note(&self, delay: Duration) {
        let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        let at = DELAY_BOUNDS_MS.partition_point(|bound| *bound < ms);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

/// What is to be said to who waits for the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Nothing yet.
    Quiet,
    /// It ended.
    Ended(EndReason),
    /// It may have: the database knows. Numbered, so that each is one to act on.
    Ask(u64),
}

/// Who waits, by session.
#[derive(Debug, Default)]
struct Watched {
    by_session: Mutex<HashMap<SessionId, watch::Sender<Signal>>>,
    asked: AtomicU64,
}

impl Watched {
    fn by_session(&self) -> MutexGuard<'_, HashMap<SessionId, watch::Sender<Signal>>> {
        // Single inserts and removals cannot leave the map half-changed.
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self) -> Signal {
        Signal::Ask(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    fn tell(&self, is_emptied: bool, changes: &[Change]) {
        let mut by_session = self.by_session();
        if by_session.is_empty() {
            return;
        }
        by_session.retain(|_, tell| tell.receiver_count() > 0);
        for change in changes {
            let (session, signal) = match change {
                Change::Ended { session, reason, .. } => (session, Signal::Ended(*reason)),
                Change::Changed { session, .. } => (session, self.ask()),
                Change::EveryoneEnded { .. } => continue,
            };
            if let Some(tell) = by_session.get(session) {
                tell.send_replace(signal);
            }
        }
        if is_emptied || changes.iter().any(|change| matches!(change, Change::EveryoneEnded { .. })) {
            let signal = self.ask();
            for tell in by_session.values() {
                // Who was told that it is over needs not ask.
                tell.send_if_modified(|old| {
                    let is_open = !matches!(old, Signal::Ended(_));
                    if is_open {
                        *old = signal;
                    }
                    is_open
                });
            }
        }
    }
}

impl Follower {
    pub(crate) fn new(terms: LeaseTerms) -> Self {
        Self {
            terms,
            replica: Replica::new(&terms),
            wake: Arc::default(),
            polled: watch::Sender::new(Polled { seen: Steady::from_nanos(0), tried: Steady::from_nanos(0) }),
            is_started: AtomicBool::new(false),
            watched: Watched::default(),
            errors: AtomicU64::new(0),
            delays: Delays::default(),
            ended: Default::default(),
        }
    }

    pub(crate) const fn replica(&self) -> &Replica {
        &self.replica
    }

    pub(crate) const fn terms(&self) -> &LeaseTerms {
        &self.terms
    }

    /// Asks for a poll now.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// What is said of a session from now on.
    pub(crate) fn watch(&self, session: SessionId) -> watch::Receiver<Signal> {
        let mut by_session = self.watched.by_session();
        by_session.entry(session).or_insert_with(|| watch::Sender::new(Signal::Quiet)).subscribe()
    }

    /// Waits until a poll that began at `since` or later was applied, or nothing can be answered from memory any more.
    pub(crate) async fn caught_up(&self, since: Steady, shared: &Shared) {
        let over = since.plus(self.terms.lease); // no poll from before grants more
        let mut polled = self.polled.subscribe();
        self.wake();
        while self.is_started.load(Ordering::Relaxed) {
            let Polled { seen, tried } = *polled.borrow_and_update();
            // A lease that lapsed is not enough: a poll from before may be under way, and renew it.
            let until = if tried >= since { over.min(self.replica.lease_until()) } else { over };
            let now = shared.steady();
            if seen >= since || now >= until {
                return;
            }
            let _ = timeout(until.since(now), polled.changed()).await;
        }
    }

    pub(crate) fn counts(&self, now: Steady) -> FollowCounts {
        let ReplicaCounts { polls, emptied, held, .. } = self.replica.counts();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let bounds = DELAY_BOUNDS_MS.iter().copied().map(Some).chain([None]);
        let began = self.polled.borrow().seen;
        FollowCounts {
            polls,
            errors: read(&self.errors),
            emptied,
            held,
            lease_age: (polls > 0).then(|| now.since(began)),
            waiting: self.watched.by_session().values().map(|tell| tell.receiver_count() as u64).sum(),
            delays: bounds.zip(self.delays.counts.iter().map(read)).collect(),
            delays_sum_ms: read(&self.delays.sum_ms),
            ended: EndReason::ALL.iter().copied().zip(self.ended.iter().map(read)).collect(),
        }
    }

    /// How long the database may take for an answer: half a lease, so that a second try fits in.
    fn answer_max(&self) -> Duration {
        self.terms.lease / 2
    }

    async fn poll(&self, reader: &mut dyn FeedReader, shared: &Shared) {
        let poll = self.replica.begin_poll(shared.steady());
        // The reader keeps the time: a connection it has to make may take longer than an answer.
        let reply = match reader.poll(poll.since()).await {
            Ok(reply) => reply,
            Err(error) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, cause = cause(&error), "the feed cannot be polled");
                self.polled.send_modify(|polled| polled.tried = poll.began());
                return;
            }
        };
        let Applied::Renewed { emptied, changes } = self.replica.finish_poll(&poll, reply) else { return };
        if let Some(why) = emptied {
            tracing::info!(?why, "everything held in memory was dropped");
        }
        self.note(&changes, shared.now());
        self.watched.tell(emptied.is_some(), &changes);
        self.polled.send_replace(Polled { seen: poll.began(), tried: poll.began() });
    }

    fn note(&self, changes: &[Change], now: Timestamp) {
        for change in changes {
            if let Change::Ended { reason, .. } = change {
                let mut with_reason = EndReason::ALL.iter().zip(&self.ended);
                if let Some((_, count)) = with_reason.find(|(known, _)| *known == reason) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            if let Change::Ended { at, .. } | Change::EveryoneEnded { at, .. } = change {
                self.delays.note(now.since(*at));
            }
        }
    }
}

/// Starts following with whoever needs it first, which is where a runtime is sure to be.
pub(crate) fn start_once(shared: &Arc<Shared>) {
    let is_started = &shared.follower().is_started;
    if is_started.load(Ordering::Relaxed) {
        return;
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        tracing::warn!("no tokio runtime: the feed is not followed, and every request asks the database");
        return;
    };
    if !is_started.swap(true, Ordering::Relaxed) {
        let wake = Arc::clone(&shared.follower().wake);
        drop(runtime.spawn(run(Arc::downgrade(shared), wake)));
    }
}

async fn run(shared: Weak<Shared>, wake: Arc<Notify>) {
    let mut reader: Option<Box<dyn FeedReader>> = None;
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let follower = shared.follower();
        let reader = reader.get_or_insert_with(|| shared.store().feed(follower.answer_max()));
        let began = shared.steady();
        follower.poll(reader.as_mut(), &shared).await;
        let rest = follower.terms.poll.saturating_sub(shared.steady().since(began));
        drop(shared);
        sleep(PAUSE).await;
        tokio::select! {
            () = sleep(rest.saturating_sub(PAUSE)) => {}
            () = wake.notified() => {}
            () = reader.hinted() => {}
        }
    }
}

/// Waits for a signal beyond the last one seen; for ever, where nobody is left to give one.
pub(crate) async fn next(watch: &mut watch::Receiver<Signal>) -> Signal {
    if watch.changed().await.is_err() {
        return pending().await;
    }
    *watch.borrow_and_update()
}
