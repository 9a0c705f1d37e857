//! Strict validation: the store is asked, and the verdict decides (G5).

use std::sync::Arc;

use cloakroom_core::coherence::Held;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};

use super::{Failed, Found};
use crate::shared::Shared;

/// A session the store can find at once.
pub(super) fn at_once(shared: &Shared, digest: &TokenDigest) -> Option<Arc<Held>> {
    let pending = shared.touches().of(digest); // before the read: see `Touches::of`
    Some(used(shared.store().find_at_once(digest)?, pending))
}

/// With the use that is still on its way to the store.
fn used(held: Arc<Held>, pending: Option<Timestamp>) -> Arc<Held> {
    if let Some(used_at) = pending {
        held.note_use(used_at);
    }
    held
}

/// What the store says of a token's session now.
pub(crate) async fn look_up(shared: &Shared, digest: TokenDigest) -> Result<Found, Failed> {
    let pending = shared.touches().of(&digest); // before the read: see `Touches::of`
    let failed = |error| Failed::of(&error);
    let Some(record) = shared.store().find(digest).await.map_err(failed)? else {
        shared.forget_gone(&digest);
        let ending = shared.store().ending_of(digest).await.map_err(failed)?;
        return Ok(ending.map_or(Found::Unknown, |ending| Found::Ended(ending.reason)));
    };
    let held = used(Arc::new(Held::of(digest, &record)), pending);
    let times = held.times();
    Ok(match verdict(times, shared.now(), shared.policy()) {
        Verdict::Usable => Found::Usable(held, times),
        Verdict::Ended(reason) => Found::Ended(reason),
    })
}
