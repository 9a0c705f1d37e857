//! The background task: writes touches in batches and purges in chunks. It ends with the last handle.

use std::sync::{Arc, Weak};
use std::time::Duration;

use cloakroom_core::store::{Purge, StoreError};

use crate::rejection::cause;
use crate::sessions::Shared;
use crate::touches::FLUSH_EVERY;

/// How often is looked for what ended longer ago than its retention.
const PURGE_EVERY: Duration = Duration::from_mins(1);
/// Most rows purged in one transaction: logins wait for no more than this.
const PURGE_CHUNK: u32 = 500;

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
    let mut flush = tokio::time::interval(FLUSH_EVERY);
    let mut purge = tokio::time::interval(PURGE_EVERY);
    for interval in [&mut flush, &mut purge] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let is_purge = tokio::select! {
            _ = flush.tick() => false,
            _ = purge.tick() => true,
        };
        let Some(shared) = shared.upgrade() else { return };
        let done = if is_purge {
            purge_all(&shared).await
        } else {
            shared.touches().flush(shared.store(), shared.now()).await
        };
        if let Err(error) = done {
            tracing::warn!(%error, cause = cause(&error), "sweep: will try again");
        }
    }
}

/// Purges chunk after chunk, writing touches in between, so that a million rows do not keep them waiting.
async fn purge_all(shared: &Shared) -> Result<(), StoreError> {
    loop {
        let now = shared.now();
        let policy = shared.policy();
        let purged = shared
            .store()
            .purge(Purge {
                ended_before: now.minus(policy.retention),
                feed_before: now.minus(policy.feed_retention),
                chunk: PURGE_CHUNK,
                at: now,
            })
            .await?;
        if purged.sessions + purged.feed > 0 {
            tracing::info!(sessions = purged.sessions, feed = purged.feed, "purged");
        }
        if !purged.more {
            return Ok(());
        }
        shared.touches().flush(shared.store(), shared.now()).await?;
    }
}
