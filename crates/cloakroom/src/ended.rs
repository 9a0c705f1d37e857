//! Waiting for the end of a session: how a WebSocket or an event stream learns that it has to close (G10).

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::{SessionId, SessionRecord, Subject, Times};
use cloakroom_core::store::{ListQuery, SessionFilter, StoreError};
use cloakroom_core::time::Steady;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Verdict, verdict};
use tokio::time::{sleep, timeout};

use crate::follow::{self, Signal};
use crate::shared::Shared;

/// How many of a subject's last endings are searched for the reason of one.
const HISTORY: u32 = 100;
/// The longest time without looking at the clocks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why a connection has to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its session ended, for this reason.
    Because(EndReason),
    /// The database could not be asked for as long as a lease lasts, so nobody knows. The session may live: the client
    /// should come back a little later (G6).
    Unknown,
}

impl Ended {
    /// The reason, where it is known.
    pub const fn reason(self) -> Option<EndReason> {
        match self {
            Self::Because(reason) => Some(reason),
            Self::Unknown => None,
        }
    }
}

/// What the database says of a session.
enum Answer {
    /// It is usable, with these times.
    Living(Times),
    /// It is not, for this reason.
    Over(EndReason),
    /// Nothing, or not in time.
    Silence,
}

/// The session whose end is waited for.
pub(crate) struct Awaited<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) id: SessionId,
    pub(crate) subject: &'a Subject,
    pub(crate) digest: TokenDigest,
}

impl Awaited<'_> {
    /// Resolves when the session ended, or when that cannot be known any more.
    pub(crate) async fn end(&self) -> Ended {
        follow::start_once(self.shared);
        let follower = self.shared.follower();
        let mut watch = follower.watch(self.id); // before the database is asked: what ends later is told
        let lease = follower.terms().lease;
        let mut known_until = self.shared.steady().plus(lease);
        // What ended between the request and now, nobody tells again.
        let mut times = None;
        loop {
            if times.is_none_or(|times| self.is_over(times)) {
                times = match self.ask_within(known_until.since(self.shared.steady())).await {
                    Answer::Living(times) => Some(times),
                    Answer::Over(reason) => return Ended::Because(reason),
                    Answer::Silence => None,
                };
            }
            known_until = known_until.max(follower.replica().lease_until());
            let now = self.shared.steady();
            if now >= known_until {
                return Ended::Unknown;
            }
            let rest = self.rest(times, known_until.since(now));
            let signal = timeout(rest, follow::next(&mut watch)).await;
            let late = self.shared.steady().since(now).saturating_sub(rest);
            if signal.is_err() && late > lease / 2 {
                // The process or the machine was stopped. That is no word about the session: it is asked for, once.
                match self.ask_within(lease / 2).await {
                    Answer::Living(living) => {
                        (times, known_until) = (Some(living), self.shared.steady().plus(lease / 2));
                        continue;
                    }
                    Answer::Over(reason) => return Ended::Because(reason),
                    Answer::Silence => {}
                }
            }
            match signal {
                Ok(Signal::Ended(reason)) => return Ended::Because(reason),
                Ok(Signal::Ask(_)) => times = None,
                Ok(Signal::Quiet) | Err(_) => {}
            }
            if times.is_none() {
                known_until = self.answered_by(known_until, lease);
                sleep(Duration::from_millis(1)).await; // however often it has to be asked
            }
        }
    }

    /// A question that is asked now may be answered within a lease.
    fn answered_by(&self, known_until: Steady, lease: Duration) -> Steady {
        if self.shared.follower().replica().lease_until() > self.shared.steady() {
            known_until.max(self.shared.steady().plus(lease / 2))
        } else {
            known_until
        }
    }

    fn is_over(&self, times: Times) -> bool {
        verdict(times, self.shared.now(), self.shared.policy()) != Verdict::Usable
    }

    /// How long to wait: until the session expires as far as is known, or what is known gets old.
    fn rest(&self, times: Option<Times>, known_for: Duration) -> Duration {
        let expires_in = times.map(|times| {
            let expiry = cloakroom_core::verdict::expiry(times, self.shared.policy());
            let first =
                expiry.idle_expires_at.map_or(expiry.absolute_expires_at, |at| at.min(expiry.absolute_expires_at));
            first.since(self.shared.now())
        });
        expires_in.unwrap_or(LOOK_EVERY / 10).min(known_for).min(LOOK_EVERY)
    }

    async fn ask_within(&self, limit: Duration) -> Answer {
        match timeout(limit, self.ask()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) => Answer::Silence,
        }
    }

    /// It is asked for by its id: its token may have been replaced.
    async fn ask(&self) -> Result<Answer, StoreError> {
        let pending = self.shared.touches().of(&self.digest);
        let Some(record) = self.record().await? else { return self.reason().await.map(Answer::Over) };
        let mut times = Times::from(&record);
        times.last_seen_at = pending.map_or(times.last_seen_at, |used_at| used_at.max(times.last_seen_at));
        Ok(match verdict(times, self.shared.now(), self.shared.policy()) {
            Verdict::Usable => Answer::Living(times),
            Verdict::Ended(reason) => Answer::Over(reason),
        })
    }

    /// The first of the subject's sessions before the next id: this one, if it is there and still the subject's.
    async fn record(&self) -> Result<Option<SessionRecord>, StoreError> {
        let filter = SessionFilter::of(self.subject.clone());
        let query = ListQuery { filter, before: Some(self.id.successor()), limit: 1 };
        let page = self.shared.store().list(query).await?;
        Ok(page.sessions.into_iter().find(|record| record.id == self.id))
    }

    async fn reason(&self) -> Result<EndReason, StoreError> {
        let endings = self.shared.store().endings(self.subject.clone(), HISTORY).await?;
        let found = endings.into_iter().find(|ending| ending.session == self.id);
        Ok(found.map_or(EndReason::ByHand, |ending| ending.reason))
    }
}
