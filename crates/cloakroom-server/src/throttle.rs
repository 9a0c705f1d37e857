//! Slowing guesses down: an attempt is counted in the database before its password is looked at, on every way to a login, and
//! settled after. The rules are the core's.

use std::net::IpAddr;
use std::time::Duration;

use cloakroom::Code;
use cloakroom_core::throttle::{Admission, Claims, DELAY_MAX, Settlement, Step};
use tracing::Instrument as _;

use crate::app::App;
use crate::failure::Failure;
use crate::traces;

/// How long an attempt waits for others of the same name that are under way.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long it waits before it asks again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(160));
/// What an attempt comes from, as far as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Networks {
    /// How many attempts may fail at once from one network.
    pub(crate) failures: u32,
    /// Whether it is known which client a request comes from: behind a proxy that nobody named all would be one.
    pub(crate) are_known: bool,
}

impl Networks {
    /// What a login from here is counted under.
    pub(crate) fn known(self, client: Option<IpAddr>) -> Option<IpAddr> {
        client.filter(|_| self.are_known)
    }
}

/// Waits until an attempt may be made, and counts it as under way. Not to be dropped before it returns.
///
/// # Errors
/// `throttled` with the time to wait, and nothing is counted; `busy` when others under way take too long; `unavailable`.
pub(crate) async fn admit(app: &App, claims: &Claims) -> Result<(), Failure> {
    let (mut waited, mut again) = (Duration::ZERO, AGAIN.0);
    // Between the tries and never within one, which may have counted already.
    while waited < WAIT_MAX {
        let counting = app.accounts().count(claims.clone(), Step::Admit, app.now());
        match counting.instrument(traces::store("admit")).await? {
            Admission::Admitted => return Ok(()),
            Admission::Refused(wait) => return Err(Failure::throttled(wait)),
            // A settlement's; an attempt is never told so.
            Admission::Locked => return Err(Failure::throttled(DELAY_MAX)),
            Admission::Waits => tokio::time::sleep(again).await,
        }
        waited += again;
        again = (again * 2).min(AGAIN.1);
    }
    Err(Failure::of(Code::Busy))
}

/// Says how an attempt ended that was admitted; returns whether that locked its name. Where it cannot be written, it counts as a
/// failure a minute later.
pub(crate) async fn settle(app: &App, claims: Claims, settlement: Settlement) -> bool {
    let count = || {
        let counting = app.accounts().count(claims.clone(), Step::Settle(settlement), app.now());
        counting.instrument(traces::store("settle"))
    };
    let settled = match count().await {
        // A connection that was cut: another one. A failure that is counted twice for it errs on the safe side.
        Err(_) => count().await,
        settled => settled,
    };
    match settled {
        Ok(admission) => admission == Admission::Locked,
        Err(error) => {
            tracing::warn!(%error, "how an attempt ended was not written: it will count as a failure");
            false
        }
    }
}
