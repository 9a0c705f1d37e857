//! The background task: writes touches in batches, purges and scrubs in chunks. It survives every error of the store, counts
//! them, and ends with the last handle.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use cloakroom_core::session::SessionId;
use cloakroom_core::store::{Purge, Purged, Scrub, Scrubbed, StoreError};
use cloakroom_core::time::Timestamp;
use tracing::{Instrument as _, Span};

use crate::rejection::cause;
use crate::shared::Shared;
use crate::spans;
use crate::touches::FLUSH_EVERY;

/// How often is looked for what ended longer ago than its retention. Idle sessions are found by reading the whole table, a
/// second's work at a million rows.
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// How often is looked for client facts that are past their retention.
const SCRUB_EVERY: Duration = Duration::from_hours(1);
/// Most rows purged in one transaction: a few milliseconds, in which logins wait for the single writer or for a row.
const PURGE_CHUNK: u32 = 100;
/// Most sessions looked at in one transaction of scrubbing.
const SCRUB_CHUNK: u32 = 200;

/// The last run of one of the things the sweep does, for metrics. It is over; whether it succeeded, the errors say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepRun {
    /// When it was over; `None` before the first.
    pub at: Option<Timestamp>,
    /// How long it took.
    pub took: Duration,
    /// How many rows it changed.
    pub rows: u64,
}

/// What the sweep of this process has done since it started, for metrics: numbers that only grow, and its last runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepCounts {
    /// Uses written.
    pub touches: u64,
    /// Uses whose session was gone when they were to be written; they are forgotten (G3).
    pub touches_refused: u64,
    /// Expired sessions purged.
    pub purged_sessions: u64,
    /// Endings purged from the feed.
    pub purged_endings: u64,
    /// Sessions whose client facts were scrubbed.
    pub scrubbed: u64,
    /// Times writing touches failed; it is tried again a second later.
    pub touch_errors: u64,
    /// Times purging failed; it is tried again ten minutes later.
    pub purge_errors: u64,
    /// Times scrubbing failed; it is tried again an hour later.
    pub scrub_errors: u64,
    /// The last time touches were written.
    pub touch_run: SweepRun,
    /// The last purge.
    pub purge_run: SweepRun,
    /// The last scrubbing.
    pub scrub_run: SweepRun,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// When purging last came to its end.
    purged_at: Mutex<Option<Timestamp>>,
    touches: AtomicU64,
    touches_refused: AtomicU64,
    purged_sessions: AtomicU64,
    purged_endings: AtomicU64,
    scrubbed: AtomicU64,
    touch_errors: AtomicU64,
    purge_errors: AtomicU64,
    scrub_errors: AtomicU64,
    /// Of touch, purge, scrub. Written by the sweep alone.
    runs: Mutex<[SweepRun; 3]>,
}

impl Counters {
    pub(crate) fn purged_at(&self) -> Option<Timestamp> {
        *self.purged_at.lock().unwrap_or_else(PoisonError::into_inner) // one value, always whole
    }

    pub(crate) fn read(&self) -> SweepCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [touch_run, purge_run, scrub_run] = *self.runs();
        SweepCounts {
            touches: read(&self.touches),
            touches_refused: read(&self.touches_refused),
            purged_sessions: read(&self.purged_sessions),
            purged_endings: read(&self.purged_endings),
            scrubbed: read(&self.scrubbed),
            touch_errors: read(&self.touch_errors),
            purge_errors: read(&self.purge_errors),
            scrub_errors: read(&self.scrub_errors),
            touch_run,
            purge_run,
            scrub_run,
        }
    }

    fn runs(&self) -> MutexGuard<'_, [SweepRun; 3]> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner) // whole values, one after the other
    }

    /// How many rows a task has changed until now.
    fn rows(&self, task: Task) -> u64 {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        match task {
            Task::Touch => read(&self.touches),
            Task::Purge => read(&self.purged_sessions) + read(&self.purged_endings),
            Task::Scrub => read(&self.scrubbed),
        }
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

/// Starts the sweep with the first request, which is where a runtime is sure to be.
pub(crate) fn start_once(shared: &Arc<Shared>) {
    if !shared.claim_sweep() {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        drop(runtime.spawn(run(Arc::downgrade(shared))));
    } else {
        tracing::warn!("no tokio runtime: uses of sessions are not written and nothing is purged");
    }
}

async fn run(shared: Weak<Shared>) {
    let [mut touch, mut purge, mut scrub] = [FLUSH_EVERY, PURGE_EVERY, SCRUB_EVERY].map(|period| {
        let mut interval = tokio::time::interval(period);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        interval
    });
    loop {
        let task = tokio::select! {
            _ = touch.tick() => Task::Touch,
            _ = purge.tick() => Task::Purge,
            _ = scrub.tick() => Task::Scrub,
        };
        let Some(shared) = shared.upgrade() else { return };
        task.run(&shared).await;
    }
}

/// One of the things the sweep does.
#[derive(Clone, Copy, Debug)]
enum Task {
    Touch,
    Purge,
    Scrub,
}

impl Task {
    /// Of one run; none where a second has brought nothing to write.
    fn span(self, shared: &Shared) -> Span {
        let task = match self {
            Self::Touch if shared.touches().len() == 0 => return Span::none(),
            Self::Touch => "touch",
            Self::Purge => "purge",
            Self::Scrub => "scrub",
        };
        spans::sweep(task)
    }

    /// An error ends this run and no later one.
    async fn run(self, shared: &Shared) {
        let counters = shared.swept();
        let (began, before) = (shared.steady(), counters.rows(self));
        let span = self.span(shared);
        let (done, errors) = match self {
            Self::Touch => (write_touches(shared).instrument(span.clone()).await, &counters.touch_errors),
            Self::Purge => (purge_all(shared).instrument(span.clone()).await, &counters.purge_errors),
            Self::Scrub => (scrub_all(shared).instrument(span.clone()).await, &counters.scrub_errors),
        };
        if let Err(error) = done {
            add(errors, 1);
            tracing::warn!(task = ?self, %error, cause = cause(&error), "sweep: will try again");
        }
        let (took, rows) = (shared.steady().since(began), counters.rows(self).saturating_sub(before));
        span.record("rows", rows.cast_signed());
        if let Some(run) = counters.runs().get_mut(self as usize) {
            *run = SweepRun { at: Some(shared.now()), took, rows };
        }
    }
}

/// Writes what is pending now; what the store refuses is gone and was forgotten.
pub(crate) async fn write_touches(shared: &Shared) -> Result<(), StoreError> {
    let flushed = shared.touches().flush(shared.store(), shared.now()).await;
    let counters = shared.swept();
    add(&counters.touches, flushed.written);
    add(&counters.touches_refused, flushed.refused.len() as u64);
    flushed.refused.iter().for_each(|digest| shared.forget(digest));
    flushed.done
}

/// Purges chunk after chunk, writing touches in between, so that a million rows do not keep them waiting.
async fn purge_all(shared: &Shared) -> Result<(), StoreError> {
    loop {
        let purged = purge_chunk(shared).await?;
        if purged.sessions + purged.feed > 0 {
            tracing::info!(sessions = purged.sessions, feed = purged.feed, "purged");
        }
        if !purged.more {
            *shared.swept().purged_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(shared.now());
            return Ok(());
        }
        write_touches(shared).await?;
    }
}

/// Purges one chunk.
pub(crate) async fn purge_chunk(shared: &Shared) -> Result<Purged, StoreError> {
    let (now, policy) = (shared.now(), shared.policy());
    let purge = Purge {
        ended_before: now.minus(policy.retention),
        feed_before: now.minus(policy.feed_retention),
        chunk: PURGE_CHUNK,
        at: now,
    };
    let purged = shared.store().purge(purge).instrument(spans::store("purge")).await?;
    add(&shared.swept().purged_sessions, purged.sessions);
    add(&shared.swept().purged_endings, purged.feed);
    Ok(purged)
}

/// Forgets the client facts of one chunk.
pub(crate) async fn scrub_chunk(shared: &Shared, after: Option<SessionId>) -> Result<Scrubbed, StoreError> {
    let created_before = shared.now().minus(shared.policy().client_retention);
    let scrub = Scrub { created_before, after, chunk: SCRUB_CHUNK };
    let scrubbed = shared.store().scrub(scrub).instrument(spans::store("scrub")).await?;
    add(&shared.swept().scrubbed, scrubbed.sessions);
    Ok(scrubbed)
}

/// Walks over all sessions once, in chunks.
async fn scrub_all(shared: &Shared) -> Result<(), StoreError> {
    let mut after = None;
    let mut sessions = 0;
    loop {
        let scrubbed = scrub_chunk(shared, after).await?;
        sessions += scrubbed.sessions;
        after = scrubbed.next;
        if after.is_none() {
            break;
        }
        write_touches(shared).await?;
    }
    if sessions > 0 {
        tracing::info!(sessions, "client facts scrubbed");
    }
    Ok(())
}
