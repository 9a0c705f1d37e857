//! What is known of a session that ended, for whoever still presents its token. Nobody else can ask: an id or a name is not enough.

use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::time::Timestamp;
use cloakroom_core::verdict::{Verdict, expiry, verdict};

use crate::rejection::Unavailable;
use crate::sessions::Sessions;

/// How a session ended whose token a request presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
    /// Where it expired and is not purged yet: how long it had not been used, or had lived.
    pub after: Option<Duration>,
}

impl Sessions {
    /// How the session ended whose token this request presents: for a login page that says why somebody is not signed in any more.
    /// `None` where nothing is known, and outside of a handler.
    ///
    /// ```
    /// use cloakroom::{Outcome, Sessions, Unavailable};
    /// async fn login(outcome: Outcome, sessions: Sessions) -> Result<String, Unavailable> {
    ///     let past = if matches!(outcome, Outcome::Ended(_)) { sessions.past().await? } else { None };
    ///     Ok(past.map_or_else(String::new, |past| format!("{} at {}", past.reason, past.at)))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn past(&self) -> Result<Option<Past>, Unavailable> {
        let (shared, presented) = (self.shared(), self.request().map(|request| &request.presented));
        for digest in presented.into_iter().flat_map(|presented| presented.iter()) {
            let pending = shared.touches().of(digest); // before the read: see `Touches::of`
            let known = match shared.store().find(*digest).await? {
                Some(record) => {
                    let last_seen_at = pending.map_or(record.last_seen_at, |used_at| used_at.max(record.last_seen_at));
                    self.expired(&SessionRecord { last_seen_at, ..record })
                }
                None => shared.store().ending_of(*digest).await?.map(|ending| Past {
                    reason: ending.reason,
                    at: ending.at,
                    after: None,
                }),
            };
            if known.is_some() {
                return Ok(known);
            }
        }
        Ok(None)
    }

    /// The end of a session that is still in its table.
    fn expired(&self, record: &SessionRecord) -> Option<Past> {
        let policy = self.policy();
        let Verdict::Ended(reason) = verdict(record, self.shared().now(), policy) else { return None };
        let expiry = expiry(record, policy);
        let (at, since) = match (reason, expiry.idle_expires_at) {
            (EndReason::Idle, Some(idle)) => (idle, record.last_seen_at),
            _ => (expiry.absolute_expires_at, record.authenticated_at),
        };
        Some(Past { reason, at, after: Some(at.since(since)) })
    }
}
