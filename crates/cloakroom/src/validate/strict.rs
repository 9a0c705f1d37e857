//! Strict validation: every request asks the store, and the verdict decides (G5).

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::StoreError;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};

use crate::principal::{Outcome, Principal};
use crate::rejection::cause;
use crate::sessions::Shared;

/// What became of the tokens a request presented.
#[derive(Debug)]
pub(crate) struct Validated {
    pub(crate) outcome: Outcome,
    /// The digest that stands for the active session.
    pub(crate) digest: Option<TokenDigest>,
    /// Where the store could not be asked: whether it had too much to do.
    pub(crate) is_busy: bool,
}

/// One token's fate.
enum Found {
    Usable(SessionRecord),
    Ended(EndReason),
    Unknown,
}

impl Validated {
    const fn without_session(outcome: Outcome) -> Self {
        Self { outcome, digest: None, is_busy: false }
    }
}

/// Validates the tokens of one request, at most four: exactly one usable is served, two usable are refused.
pub(crate) async fn validate(shared: &Shared, presented: &[TokenDigest], now: Timestamp) -> Validated {
    let mut usable = None;
    let mut ended = None;
    for digest in presented {
        match look_up(shared, *digest, now).await {
            Ok(Found::Usable(_)) if usable.is_some() => {
                tracing::warn!("two usable sessions in one request: refused");
                return Validated::without_session(Outcome::Anonymous);
            }
            Ok(Found::Usable(record)) => usable = Some((*digest, record)),
            Ok(Found::Ended(reason)) => ended = ended.or(Some(reason)),
            Ok(Found::Unknown) => {}
            Err(error) => {
                tracing::error!(%error, cause = cause(&error), "session store failed");
                let is_busy = error.is_busy();
                return Validated { is_busy, ..Validated::without_session(Outcome::Unavailable) };
            }
        }
    }
    match (usable, ended) {
        (Some((digest, record)), _) => {
            let outcome = Outcome::Active(Principal::new(record, shared.policy()));
            Validated { outcome, digest: Some(digest), is_busy: false }
        }
        (None, Some(reason)) => Validated::without_session(Outcome::Ended(reason)),
        (None, None) => Validated::without_session(Outcome::Anonymous),
    }
}

async fn look_up(shared: &Shared, digest: TokenDigest, now: Timestamp) -> Result<Found, StoreError> {
    let pending = shared.touches().of(&digest); // before the read: see `Touches::of`
    let Some(mut record) = shared.store().find(digest).await? else {
        shared.touches().forget(&digest);
        let ending = shared.store().ending_of(digest).await?;
        return Ok(ending.map_or(Found::Unknown, |ending| Found::Ended(ending.reason)));
    };
    record.last_seen_at = pending.map_or(record.last_seen_at, |used_at| used_at.max(record.last_seen_at));
    Ok(match verdict(&record, now, shared.policy()) {
        Verdict::Usable => Found::Usable(record),
        Verdict::Ended(reason) => Found::Ended(reason),
    })
}
