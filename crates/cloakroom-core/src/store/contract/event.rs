//! Clauses about the record of what happened.

use uuid::Uuid;

use super::trial::{Kept, Trial, at, same, subject};
use crate::event::{EventId, EventKind, EventReason, SecurityEvent};
use crate::session::{ClientFacts, SessionId};
use crate::store::{EventQuery, PAGE_MAX};
use crate::world::PredictableRandom;

const ALL: u32 = 1_000;

/// An event at `ms`, about `of`.
#[expect(clippy::expect_used, reason = "the predictable generator has no way to fail")]
fn event(of: Option<&str>, ms: i64, seed: u64) -> SecurityEvent {
    let random = PredictableRandom::from_seed(seed);
    SecurityEvent {
        id: EventId::new(at(ms), &random).expect("randomness"),
        at: at(ms),
        kind: EventKind::LoginFail,
        subject: of.map(subject),
        session: None,
        reason: None,
        client: ClientFacts::default(),
        request: None,
    }
}

impl Trial<'_> {
    async fn happened(&self, events: &[SecurityEvent]) -> Kept {
        Ok(self.accounts.record(events.to_vec()).await?)
    }

    async fn events(&self, of: Option<&str>, before: Option<EventId>, limit: u32) -> Kept<Vec<SecurityEvent>> {
        Ok(self.accounts.events(EventQuery { subject: of.map(subject), before, limit }).await?)
    }
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
pub(super) async fn what_happened_is_read_back_in_every_field(trial: &Trial<'_>) -> Kept {
    let mut events = vec![event(None, 0, 0)];
    for (index, kind) in EventKind::ALL.iter().enumerate() {
        let ms = 1 + i64::try_from(index).unwrap_or(0);
        events.push(SecurityEvent {
            kind: *kind,
            session: Some(SessionId::new(at(ms), &PredictableRandom::from_seed(7)).expect("randomness")),
            reason: Some(EventReason::new("wrong_password").expect("a reason")),
            client: ClientFacts::new(Some("Mozilla/5.0 \"漢字\""), "2001:db8::1".parse().ok()),
            request: Some(Uuid::from_u128(0x0199_b7c2_0000_7000_8000_0000_0000_0001)),
            ..event(Some("ada"), ms, 1)
        });
    }
    trial.happened(&events).await?;
    events.reverse();
    same("all of it, newest first", &trial.events(None, None, ALL).await?, &events)
}

pub(super) async fn events_are_listed_newest_first_per_subject_and_in_pages(trial: &Trial<'_>) -> Kept {
    let of = [Some("ada"), Some("eve"), None, Some("ada"), Some("Ada"), Some("ada")];
    let events: Vec<_> = (0_i64..).zip(of).map(|(ms, of)| event(of, ms, 1)).collect();
    trial.happened(&events).await?;
    let [first, _, _, second, _, third] = [0, 1, 2, 3, 4, 5].map(|index| events[index].clone());
    let all_of_ada = vec![third.clone(), second.clone(), first.clone()];
    same("a subject's own", &trial.events(Some("ada"), None, ALL).await?, &all_of_ada)?;
    same("no more than asked for", &trial.events(Some("ada"), None, 2).await?, &all_of_ada[..2].to_vec())?;
    same("then those before", &trial.events(Some("ada"), Some(second.id), 2).await?, &vec![first])?;
    same("none is asked for", &trial.events(None, None, 0).await?, &Vec::new())?;
    let page = trial.events(None, Some(third.id), 3).await?;
    same("of everybody's those before", &page, &vec![events[4].clone(), second, events[2].clone()])
}

pub(super) async fn what_is_recorded_twice_happened_once(trial: &Trial<'_>) -> Kept {
    let (one, two) = (event(Some("ada"), 0, 1), event(Some("ada"), 1, 1));
    trial.happened(&[]).await?;
    trial.happened(std::slice::from_ref(&one)).await?;
    // The answer got lost, and the batch is sent again with what came since.
    trial.happened(&[one.clone(), two.clone()]).await?;
    same("each is there once", &trial.events(None, None, ALL).await?, &vec![two, one])
}

pub(super) async fn old_events_and_those_over_the_most_are_purged_in_chunks(trial: &Trial<'_>) -> Kept {
    let events: Vec<_> = (0..8).map(|ms| event(Some("ada"), ms, 1)).collect();
    trial.happened(&events).await?;
    let purge = async |ms, max, chunk| -> Kept<u64> {
        Ok(trial.accounts.purge_events(EventId::first_of(at(ms)), max, chunk).await?)
    };
    same("nothing is older", &purge(0, 8, 10).await?, &0)?;
    same("three are older, of which a chunk goes", &purge(3, 8, 2).await?, &2)?;
    same("and the next one", &purge(3, 8, 2).await?, &1)?;
    same("and no more", &purge(3, 8, 2).await?, &0)?;
    same("over four is one", &purge(0, 4, 10).await?, &1)?;
    let left: Vec<_> = events[4..].iter().rev().cloned().collect();
    same("left are the newest", &trial.events(None, None, PAGE_MAX).await?, &left)
}
