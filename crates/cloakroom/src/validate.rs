//! From the tokens of a request to an outcome: by asking the store, or by a lease from memory.

pub(crate) mod counts;
pub(crate) mod leased;
pub(crate) mod strict;

use std::sync::Arc;

use cloakroom_core::coherence::{Held, LeaseTerms};
use cloakroom_core::ending::EndReason;
use cloakroom_core::session::Times;
use cloakroom_core::store::StoreError;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};
use tracing::Instrument as _;

use crate::principal::{Outcome, Principal};
use crate::rejection::cause;
use crate::shared::Shared;
use crate::spans;

/// How requests are validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// Every request asks the database: what is revoked is refused from the next request on. The default.
    #[default]
    Strict,
    /// Requests are answered from memory under a lease: what is revoked is refused at the latest this long after, on every
    /// instance. Routes can still [demand the database](crate::Strict).
    Leased(LeaseTerms),
}

/// What became of the tokens a request presented.
#[derive(Clone, Debug)]
pub(crate) struct Validated {
    pub(crate) outcome: Outcome,
    /// Where the store could not be asked: whether it had too much to do.
    pub(crate) is_busy: bool,
    /// Whether the store was asked after the request had begun.
    pub(crate) is_strict: bool,
    /// When it was decided.
    pub(crate) at: Timestamp,
}

/// One token's fate.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    /// Usable, with these times.
    Usable(Arc<Held>, Times),
    Ended(EndReason),
    Unknown,
}

/// The store could not be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    pub(crate) is_busy: bool,
}

impl Failed {
    fn of(error: &StoreError) -> Self {
        tracing::error!(%error, cause = cause(error), "session store failed");
        Self { is_busy: error.is_busy() }
    }
}

impl Validated {
    fn active(shared: &Shared, held: Arc<Held>, times: Times, is_strict: bool, at: Timestamp) -> Self {
        let outcome = Outcome::Active(Principal::new(held, times, shared.policy()));
        Self { outcome, is_busy: false, is_strict, at }
    }

    fn without_session(shared: &Shared, outcome: Outcome) -> Self {
        Self { outcome, is_busy: false, is_strict: true, at: shared.now() }
    }
}

/// The outcome of a request that presents one token, where it can be said at once: without a wait, a lock that others hold, or
/// an allocation for it.
pub(crate) fn at_once(shared: &Shared, presented: &[TokenDigest]) -> Option<Validated> {
    let [digest] = presented else { return None };
    let is_strict = shared.lease().is_none();
    let counts = shared.validations();
    let began = (is_strict && counts.is_sample(digest)).then(|| shared.steady());
    let held = if is_strict { strict::at_once(shared, digest) } else { leased::at_once(shared, digest) }?;
    let now = shared.now();
    let Some(times) = usable(shared, &held, now) else {
        if !is_strict {
            counts.hit_aside();
        }
        return None;
    };
    if is_strict {
        counts.answered_at_once(digest, began.map(|began| shared.steady().since(began)));
    }
    Some(Validated::active(shared, held, times, is_strict, now))
}

/// The times of what is held, if they say "yes". Only that is said at once: another instance may have touched what looks
/// unused here.
fn usable(shared: &Shared, held: &Held, now: Timestamp) -> Option<Times> {
    let times = held.times();
    (verdict(times, now, shared.policy()) == Verdict::Usable).then_some(times)
}

/// Validates the tokens of one request, at most four: exactly one usable is served, two usable are refused.
///
/// `is_strict` demands the store where a lease would do.
pub(crate) async fn validate(shared: &Arc<Shared>, presented: &[TokenDigest], is_strict: bool) -> Validated {
    let is_strict = is_strict || shared.lease().is_none();
    let began = shared.steady();
    let span = spans::validation(is_strict);
    let validated = ask(shared, presented, is_strict).instrument(span.clone()).await;
    span.record("outcome", validated.outcome.word());
    if !presented.is_empty() {
        shared.validations().took(shared.steady().since(began));
    }
    shared.validations().waited(is_strict, &validated.outcome);
    validated
}

async fn ask(shared: &Arc<Shared>, presented: &[TokenDigest], is_strict: bool) -> Validated {
    let mut usable = None;
    let mut ended = None;
    for digest in presented {
        let found =
            if is_strict { strict::look_up(shared, *digest).await } else { leased::look_up(shared, *digest).await };
        match found {
            Ok(Found::Usable(..)) if usable.is_some() => {
                tracing::warn!("two usable sessions in one request: refused");
                return Validated::without_session(shared, Outcome::Anonymous);
            }
            Ok(Found::Usable(held, times)) => usable = Some((held, times)),
            Ok(Found::Ended(reason)) => ended = ended.or(Some(reason)),
            Ok(Found::Unknown) => {}
            Err(Failed { is_busy }) => {
                shared.validations().unavailable();
                return Validated { is_busy, ..Validated::without_session(shared, Outcome::Unavailable) };
            }
        }
    }
    match (usable, ended) {
        (Some((held, times)), _) => Validated::active(shared, held, times, is_strict, shared.now()),
        (None, Some(reason)) => {
            shared.validations().refused(reason);
            Validated::without_session(shared, Outcome::Ended(reason))
        }
        (None, None) => {
            if !presented.is_empty() {
                shared.validations().unknown();
            }
            Validated::without_session(shared, Outcome::Anonymous)
        }
    }
}
