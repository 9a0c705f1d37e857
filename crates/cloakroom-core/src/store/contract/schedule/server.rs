//! The steps of a schedule that only the server takes: attempts that are counted, events that are recorded.

use super::super::Broken;
use super::super::trial::{Kept, NO_CAP, Trial, at, holds, login_name, same};
use super::{Schedule, answer};
use crate::event::{EventId, EventKind, SecurityEvent};
use crate::session::ClientFacts;
use crate::store::{EventQuery, PAGE_MAX};
use crate::throttle::{Claims, CounterKey, Settlement, Step};
use crate::time::Timestamp;
use crate::world::PredictableRandom;

impl Schedule<'_> {
    pub(super) async fn count(&mut self) -> Kept {
        let when = at(997 * self.now); // so that delays pass
        let name = login_name(["ada", "eve"][self.store.below(2)]);
        match self.store.below(12) {
            0 => {
                let key = CounterKey::of_login_name(&name);
                let _compared = both!(self, "forget_counter", accounts.forget_counter(key));
            }
            1 => {
                let found = self.counters_purged(&self.store, when).await?;
                same("counters purged, until there was none", &found, &self.counters_purged(&self.model, when).await?)?;
            }
            chance => {
                let host = u8::try_from(self.store.below(2)).unwrap_or(0);
                let claims = Claims::of_login(&name, self.chance(70).then(|| [192, 0, 2, host].into()), 3);
                let ended = [Settlement::Failed, Settlement::Failed, Settlement::Succeeded, Settlement::Unchecked];
                let step = if chance < 7 { Step::Admit } else { Step::Settle(ended[self.store.below(4)]) };
                let _compared = both!(self, "count", accounts.count(claims, step, when));
            }
        }
        let _compared = both!(self, "locked", accounts.locked(PAGE_MAX));
        Ok(())
    }

    async fn counters_purged(&self, side: &Trial<'_>, when: Timestamp) -> Kept<u64> {
        let mut counters = 0;
        for _ in 0..5_000 {
            match side.accounts.purge_counters(when, NO_CAP, 1).await? {
                0 => return Ok(counters),
                1 => counters += 1,
                more => holds("a purge deletes at most a chunk", false, more)?,
            }
        }
        Err(Broken::new("a purge comes to its end", "still more after 5,000 chunks"))
    }

    #[expect(clippy::expect_used, reason = "the predictable generator has no way to fail")]
    pub(super) async fn happened(&mut self) -> Kept {
        let (when, subject) = (at(self.now), self.chance(70).then(|| self.subject()));
        let events: Vec<_> = (0..self.store.below(4) as u64)
            .map(|seed| SecurityEvent {
                // Few seeds, so that some happened before.
                id: EventId::new(when, &PredictableRandom::from_seed(seed)).expect("randomness"),
                at: when,
                kind: EventKind::ALL[self.store.below(EventKind::ALL.len())],
                subject: subject.clone(),
                session: None,
                reason: None,
                client: ClientFacts::new(Some("curl/8"), "192.0.2.7".parse().ok()),
                request: Some(uuid::Uuid::from_u128(u128::from(seed))),
            })
            .collect();
        let _compared = both!(self, "record", accounts.record(events));
        let _compared = both!(self, "record once more", accounts.record(events));
        let query = EventQuery { subject: self.chance(50).then(|| self.subject()), before: None, limit: PAGE_MAX };
        let listed = both!(self, "events", accounts.events(query)).unwrap_or_default();
        let before = listed.get(self.store.below(5)).map(|event| event.id);
        let page = EventQuery { before, limit: 3, ..query };
        let _compared = both!(self, "a page of events", accounts.events(page));
        let (old, most, chunk) = (EventId::first_of(at(self.now - self.span(60))), 40_u32, 2_u32);
        let _compared = both!(self, "purge_events", accounts.purge_events(old, most, chunk));
        Ok(())
    }
}
