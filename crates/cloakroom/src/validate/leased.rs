//! Leased validation: from memory where the lease allows it, else by a load, which everybody shares who wants the same.
//!
//! When it is allowed, [`coherence`](cloakroom_core::coherence) says.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_core::coherence::{Held, Load};
use cloakroom_core::time::Steady;
use cloakroom_core::token::TokenDigest;
use tokio::sync::watch;
use tracing::Instrument as _;

use super::{Failed, Found, strict, usable};
use crate::shared::Shared;

/// How often a request waits for a load at most.
const LOADS_MAX: u32 = 2;

/// What a load found, and for whom that is good.
#[derive(Clone, Debug)]
struct Loaded {
    /// When it began: "no" is for who waited then.
    began: Steady,
    /// "Yes" is for everybody before this time.
    until: Steady,
    found: Result<Found, Failed>,
}

/// A load under way: nobody before the reply.
#[derive(Clone)]
struct UnderWay {
    load: Load,
    reply: watch::Receiver<Option<Loaded>>,
}

/// The loads under way, by digest.
#[derive(Default)]
pub(crate) struct Loads(Mutex<HashMap<TokenDigest, UnderWay>>);

impl Loads {
    fn under_way(&self) -> MutexGuard<'_, HashMap<TokenDigest, UnderWay>> {
        // Single inserts and removals cannot leave the map half-changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a session is being loaded that may have been read already.
    pub(crate) fn is_under_way(&self, digest: &TokenDigest) -> bool {
        self.under_way().contains_key(digest)
    }
}

impl fmt::Debug for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loads").field("under_way", &self.under_way().len()).finish()
    }
}

/// A session that can be answered from memory.
pub(super) fn at_once(shared: &Shared, digest: &TokenDigest) -> Option<Arc<Held>> {
    shared.lease()?.replica().find(digest, shared.clock())
}

/// What is known of a token's session, from memory or by a load.
pub(crate) async fn look_up(shared: &Arc<Shared>, digest: TokenDigest) -> Result<Found, Failed> {
    if let Some(held) = at_once(shared, &digest) {
        shared.validations().hit_aside(); // the request is counted when it is answered
        if let Some(times) = usable(shared, &held, shared.now()) {
            return Ok(Found::Usable(held, times));
        }
    }
    let asked = shared.steady();
    for _ in 0..LOADS_MAX {
        let Some(Loaded { began, until, found }) = load(shared, digest).await else {
            return Err(Failed { is_busy: false });
        };
        let is_good = match &found {
            Ok(Found::Usable(..)) => shared.steady() < until,
            // Who came later may have been told "yes" meanwhile by somebody who used the session.
            Ok(Found::Ended(_) | Found::Unknown) => asked <= began,
            // A failure is not too old for anything, and who waited for one does not wait for another.
            Err(_) => true,
        };
        if is_good {
            return found;
        }
    }
    tracing::error!("loads of a session were answered after their time");
    Err(Failed { is_busy: true })
}

/// Joins the load of this digest that is under way, or begins one. It runs on where its request goes away.
async fn load(shared: &Arc<Shared>, digest: TokenDigest) -> Option<Loaded> {
    let replica = shared.lease()?.replica();
    let mut reply = {
        let mut under_way = shared.loads().under_way();
        match under_way.get(&digest) {
            Some(UnderWay { load, reply }) if replica.may_join(load) => {
                shared.validations().joined();
                reply.clone()
            }
            _ => {
                let began = shared.steady();
                let load = replica.begin_load(began);
                let (tell, reply) = watch::channel(None);
                under_way.insert(digest, UnderWay { load, reply: reply.clone() });
                let loader = Loader { shared: Arc::clone(shared), digest, began, load, tell };
                // In the name of the request that began it: who joins it waits for the same.
                drop(tokio::spawn(loader.run().in_current_span()));
                reply
            }
        }
    };
    reply.wait_for(Option::is_some).await.ok().and_then(|reply| reply.clone())
}

/// One load. Nobody joins it any more once it is dropped, however that comes about.
struct Loader {
    shared: Arc<Shared>,
    digest: TokenDigest,
    began: Steady,
    load: Load,
    tell: watch::Sender<Option<Loaded>>,
}

impl Loader {
    async fn run(self) {
        let Self { shared, digest, began, load, tell } = &self;
        shared.validations().loaded();
        let Some(lease) = shared.lease() else { return };
        let found = strict::look_up(shared, *digest).await;
        if let Ok(Found::Usable(held, _)) = &found {
            lease.replica().finish_load(load, Arc::clone(held));
        }
        let until = lease.replica().load_until(load);
        self.leave();
        tell.send_replace(Some(Loaded { began: *began, until, found }));
    }

    /// A later load of the same digest has another channel, and stays.
    fn leave(&self) {
        let mut under_way = self.shared.loads().under_way();
        if under_way.get(&self.digest).is_some_and(|other| other.reply.same_channel(&self.tell.subscribe())) {
            under_way.remove(&self.digest);
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.leave();
    }
}
