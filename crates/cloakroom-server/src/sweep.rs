//! The server's own part of the sweep, in the background: counters of attempts and security events, in chunks. Sessions are swept by
//! the library.

use std::time::Duration;

use cloakroom::{SweepRun, Timestamp};
use cloakroom_core::event::{EVENTS_MAX, EventId};
use cloakroom_core::store::{AccountStore, StoreError, StoreFuture};
use cloakroom_core::throttle::COUNTERS_MAX;
use tracing::Instrument as _;

use crate::app::App;
use crate::metrics::OwnTask;

/// How often is looked for what is past its time.
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// Most rows purged in one transaction.
const PURGE_CHUNK: u32 = 200;

/// Sweeps for as long as the process lives. It survives every error of the store.
pub(crate) async fn run(app: App, events_retention: Duration) {
    let mut interval = tokio::time::interval(PURGE_EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        purge(&app, OwnTask::Counters, "counters of attempts", || counters(app.accounts(), app.now())).await;
        purge(&app, OwnTask::Events, "events", || events(app.accounts(), app.now(), events_retention)).await;
    }
}

/// Purges one chunk of counters of attempts; returns how many.
pub(crate) fn counters(accounts: &dyn AccountStore, now: Timestamp) -> StoreFuture<'_, u64> {
    accounts.purge_counters(now, COUNTERS_MAX, PURGE_CHUNK)
}

/// Purges one chunk of security events; returns how many.
pub(crate) fn events(accounts: &dyn AccountStore, now: Timestamp, retention: Duration) -> StoreFuture<'_, u64> {
    accounts.purge_events(EventId::first_of(now.minus(retention)), EVENTS_MAX, PURGE_CHUNK)
}

/// One chunk after the other, until there is none.
async fn purge<P: Future<Output = Result<u64, StoreError>>>(
    app: &App,
    task: OwnTask,
    what: &'static str,
    chunk: impl Fn() -> P,
) {
    let (began, mut purged) = (app.steady(), 0);
    let span = tracing::debug_span!("sweep", task = task.word(), rows = tracing::field::Empty);
    let failed = loop {
        match chunk().instrument(span.clone()).await {
            Ok(0) => break false,
            Ok(rows) => {
                tracing::debug!(what, rows, "purged");
                purged += rows;
            }
            Err(error) => {
                tracing::warn!(what, %error, "not purged: will try again");
                break true;
            }
        }
    };
    span.record("rows", purged.cast_signed());
    let run = SweepRun { at: Some(app.now()), took: app.steady().since(began), rows: purged };
    app.metrics().sweep.note(task, run, failed);
}
