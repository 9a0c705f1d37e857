//! Leased validation: from memory where the lease allows it, else by a load, which everybody shares who wants the same.
//!
//! When it is allowed, [`coherence`](cloakroom_core::coherence) says.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_core::time::Steady;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};
use tokio::sync::watch;

use super::{Failed, Found, Validated, strict};
use crate::shared::Shared;

/// How often a request loads: again once, where the reply came after its time.
const LOADS_MAX: u32 = 2;

/// The reply to a load: nobody before, and what was found with the time until which it may be served.
type Reply = Option<Loaded>;

#[derive(Clone, Debug)]
struct Loaded {
    until: Steady,
    found: Result<Found, Failed>,
}

/// The loads under way, by digest.
#[derive(Default)]
pub(crate) struct Loads(Mutex<HashMap<TokenDigest, watch::Receiver<Reply>>>);

impl Loads {
    fn under_way(&self) -> MutexGuard<'_, HashMap<TokenDigest, watch::Receiver<Reply>>> {
        // Single inserts and removals cannot leave the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody joins the load of this digest any more: what it read may be from before an ending.
    pub(crate) fn leave(&self, digest: &TokenDigest) {
        self.under_way().remove(digest);
    }

    /// Nobody joins any load that is under way now.
    pub(crate) fn leave_all(&self) {
        self.under_way().clear();
    }
}

impl fmt::Debug for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loads").field("under_way", &self.under_way().len()).finish()
    }
}

/// The outcome of a request that presents one token whose session can be answered from memory: without a wait, a lock that
/// others hold, or an allocation.
pub(crate) fn hit(shared: &Shared, presented: &[TokenDigest]) -> Option<Validated> {
    let [digest] = presented else { return None };
    match held(shared, digest)? {
        Found::Usable(held, times) => Some(Validated::active(shared, held, times, false)),
        Found::Ended(_) | Found::Unknown => None,
    }
}

fn held(shared: &Shared, digest: &TokenDigest) -> Option<Found> {
    let held = shared.lease()?.replica().find(digest, shared.clock())?;
    let times = held.times();
    // Only "yes" is answered from memory: another instance may have touched what looks unused here.
    (verdict(times, shared.now(), shared.policy()) == Verdict::Usable).then_some(Found::Usable(held, times))
}

/// What is known of a token's session, from memory or by a load.
pub(crate) async fn look_up(shared: &Arc<Shared>, digest: TokenDigest) -> Result<Found, Failed> {
    if let Some(found) = held(shared, &digest) {
        return Ok(found);
    }
    for _ in 0..LOADS_MAX {
        let loaded = load(shared, digest).await;
        // A failure is not too old for anything, and who waited for one does not wait for another.
        if loaded.found.is_err() || shared.steady() < loaded.until {
            return loaded.found;
        }
    }
    tracing::error!("loads of a session were answered after their time, twice");
    Err(Failed { is_busy: true })
}

/// Joins the load of this digest that is under way, or begins one. It runs on where its request goes away.
async fn load(shared: &Arc<Shared>, digest: TokenDigest) -> Loaded {
    let mut reply = {
        let mut under_way = shared.loads().under_way();
        if let Some(reply) = under_way.get(&digest) {
            shared.validations().joined();
            reply.clone()
        } else {
            let (tell, reply) = watch::channel(None);
            under_way.insert(digest, reply.clone());
            let loader = Loader { shared: Arc::clone(shared), digest, tell };
            drop(tokio::spawn(loader.run()));
            reply
        }
    };
    let found = reply.wait_for(Option::is_some).await.ok().and_then(|reply| reply.clone());
    found.unwrap_or_else(|| Loaded { until: Steady::from_nanos(u64::MAX), found: Err(Failed { is_busy: false }) })
}

/// One load. Nobody joins it any more once it is dropped, however that comes about.
struct Loader {
    shared: Arc<Shared>,
    digest: TokenDigest,
    tell: watch::Sender<Reply>,
}

impl Loader {
    async fn run(self) {
        let Self { shared, digest, .. } = &self;
        shared.validations().loaded();
        let Some(lease) = shared.lease() else { return };
        let load = lease.replica().begin_load(shared.steady());
        let found = strict::look_up(shared, *digest).await;
        if let Ok(Found::Usable(held, _)) = &found {
            lease.replica().finish_load(&load, Arc::clone(held));
        }
        let until = lease.replica().load_until(&load);
        self.leave();
        self.tell.send_replace(Some(Loaded { until, found }));
    }

    fn leave(&self) {
        let mut under_way = self.shared.loads().under_way();
        // The next load of the same digest has another channel.
        if under_way.get(&self.digest).is_some_and(|reply| reply.same_channel(&self.tell.subscribe())) {
            under_way.remove(&self.digest);
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.leave();
    }
}
