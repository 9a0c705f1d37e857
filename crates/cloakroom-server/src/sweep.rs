//! The server's own part of the sweep, in the background: counters of attempts and security events, in chunks. Sessions are swept by
//! the library.

use std::time::Duration;

use cloakroom_core::event::{EVENTS_MAX, EventId};
use cloakroom_core::store::StoreError;
use cloakroom_core::throttle::COUNTERS_MAX;

use crate::app::App;

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
        purge("counters of attempts", || app.accounts().purge_counters(app.now(), COUNTERS_MAX, PURGE_CHUNK)).await;
        purge("events", || {
            let before = EventId::first_of(app.now().minus(events_retention));
            app.accounts().purge_events(before, EVENTS_MAX, PURGE_CHUNK)
        })
        .await;
    }
}

/// One chunk after the other, until there is none.
async fn purge<P: Future<Output = Result<u64, StoreError>>>(what: &'static str, chunk: impl Fn() -> P) {
    loop {
        match chunk().await {
            Ok(0) => return,
            Ok(rows) => tracing::debug!(what, rows, "purged"),
            Err(error) => {
                tracing::warn!(what, %error, "not purged: will try again");
                return;
            }
        }
    }
}
