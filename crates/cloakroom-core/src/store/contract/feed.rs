//! Clauses about following the feed: a poll names exactly what happened beyond a horizon, or says that it cannot (G5).

use std::time::Duration;

use super::Broken;
use super::trial::{IDLE, Kept, Login, Trial, at, holds, new_password, same, subject};
use crate::coherence::{Change, Delta, FeedReply, Horizon, Loss};
use crate::ending::EndReason;
use crate::store::{FeedReader, PAGE_MAX, Purge, Scrub, Target};
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// How long a poll may take: no clause is about that.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How often a clause is tried where others may be in the way.
const TRIES: i64 = 200;

/// One instance that follows.
pub(super) struct Follower {
    reader: Box<dyn FeedReader>,
    seen: Option<FeedReply>,
}

impl Follower {
    /// One that has polled once.
    pub(super) async fn of(trial: &Trial<'_>) -> Kept<Self> {
        let mut follower = Self { reader: trial.sessions.feed(ANSWER_MAX), seen: None };
        same("the first poll names", &follower.poll().await?, &Delta::Changes(Vec::new()))?;
        Ok(follower)
    }

    /// What is new.
    pub(super) async fn poll(&mut self) -> Kept<Delta> {
        let since = self.seen.as_ref().map(|reply| &reply.horizon);
        let reply = self.reader.poll(since).await?;
        if let Some(seen) = &self.seen {
            same("the history of a store that goes on", &reply.continuity, &seen.continuity)?;
            holds("a horizon continues the one before", reply.horizon.continues(&seen.horizon), &reply.horizon)?;
        }
        let delta = reply.delta.clone();
        self.seen = Some(reply);
        Ok(delta)
    }

    /// What is new, in an order of its own. That everybody's sessions ended is left out: each is named as well.
    pub(super) async fn changes(&mut self) -> Kept<Vec<Change>> {
        match self.poll().await? {
            Delta::Changes(changes) => Ok(in_order(changes)),
            lost @ Delta::Lost(_) => Err(Broken::new("a poll that names what is new", format!("{lost:?}"))),
        }
    }

    /// Demands that exactly this is new.
    async fn sees(&mut self, expectation: &str, wanted: Vec<Change>) -> Kept {
        same(expectation, &self.changes().await?, &in_order(wanted))
    }

    fn horizon(&self) -> Option<Horizon> {
        self.seen.as_ref().map(|reply| reply.horizon.clone())
    }
}

pub(super) fn in_order(mut changes: Vec<Change>) -> Vec<Change> {
    let key = |change: &Change| match change {
        Change::Ended { digest, at, .. } => Some((*digest, Some(*at))),
        Change::Changed { digest, .. } => Some((*digest, None)),
        Change::EveryoneEnded { .. } => None,
    };
    changes.retain(|change| key(change).is_some());
    changes.sort_by_key(key);
    changes
}

fn ended(login: &Login, reason: EndReason, at: Timestamp) -> Change {
    Change::Ended { digest: login.digest, session: login.record.id, reason, at }
}

pub(super) async fn the_first_poll_names_nothing(trial: &Trial<'_>) -> Kept {
    let mut empty = Follower::of(trial).await?;
    empty.sees("nothing happened", Vec::new()).await?;
    let login = trial.log_in("ada", 0).await?;
    trial.log_out(&login, 1).await?;
    let mut late = Follower::of(trial).await?;
    late.sees("what happened before is nobody's news", Vec::new()).await
}

pub(super) async fn every_way_of_ending_is_named_with_its_reason(trial: &Trial<'_>) -> Kept {
    let mut follower = Follower::of(trial).await?;
    for (ms, reason) in (1..).zip(EndReason::ALL) {
        let login = trial.log_in("ada", 0).await?;
        trial.end(Target::Token(login.digest), *reason, ms).await?;
        follower.sees("the session that ended", vec![ended(&login, *reason, at(ms))]).await?;
    }
    for turn in 0..5 {
        let (one, other, eve) =
            (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?, trial.log_in("eve", 0).await?);
        let ada = one.record.subject.clone();
        let (target, gone) = match turn {
            0 => (Target::Session(one.record.id), vec![&one]),
            1 => (Target::OwnSession(one.record.id, ada), vec![&one]),
            2 => (Target::Subject(ada), vec![&one, &other]),
            3 => (Target::Others(ada, one.digest), vec![&other]),
            _ => (Target::Everyone, vec![&one, &other, &eve]),
        };
        let name = format!("who ended by {target:?}");
        trial.end(target, EndReason::Administrator, 50).await?;
        let wanted = gone.iter().map(|login| ended(login, EndReason::Administrator, at(50))).collect();
        follower.sees(&name, wanted).await?;
        trial.end(Target::Everyone, EndReason::Everyone, 60).await?;
        follower.changes().await?;
    }
    Ok(())
}

pub(super) async fn what_a_login_ends_is_named(trial: &Trial<'_>) -> Kept {
    let (first, second) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?);
    let mut follower = Follower::of(trial).await?;
    let record = trial.record("ada", 2);
    let supersedes = vec![second.digest];
    let (third, _) = trial.log_in_with(&record, |issue| issue.supersedes = supersedes).await?;
    follower.sees("the superseded one", vec![ended(&second, EndReason::NewLogin, at(2))]).await?;
    let record = trial.record("ada", 3);
    trial.log_in_with(&record, |issue| issue.max_per_subject = 1).await?;
    let over = [&first, &third].map(|login| ended(login, EndReason::OverCap, at(3)));
    follower.sees("those over the cap", over.to_vec()).await
}

pub(super) async fn what_happens_to_an_account_names_its_sessions(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let ada = || subject("ada");
    let mut follower = Follower::of(trial).await?;
    let login = trial.log_in("ada", 0).await?;
    let _changed = trial.accounts.change_password(new_password("ada", 1)).await?;
    follower.sees("a new password", vec![ended(&login, EndReason::PasswordChanged, at(1))]).await?;
    let login = trial.log_in("ada", 2).await?;
    let _changed = trial.accounts.disable(ada(), at(3)).await?;
    follower.sees("disabling", vec![ended(&login, EndReason::AccountDisabled, at(3))]).await?;
    let _changed = trial.accounts.enable(ada()).await?;
    let login = trial.log_in("ada", 4).await?;
    let _changed = trial.accounts.remove(ada(), at(5)).await?;
    follower.sees("removal", vec![ended(&login, EndReason::AccountRemoved, at(5))]).await
}

pub(super) async fn purged_sessions_are_named(trial: &Trial<'_>) -> Kept {
    let expired = trial.log_in("ada", 0).await?;
    trial.log_in("ada", 2 * IDLE).await?;
    let mut follower = Follower::of(trial).await?;
    let now = 2 * IDLE + 1;
    same("one session is purged", &trial.purge(2 * IDLE, 10, now).await?.sessions, &1)?;
    follower.sees("the one that expired", vec![ended(&expired, EndReason::Idle, at(now))]).await
}

pub(super) async fn a_replaced_token_is_a_change(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let mut follower = Follower::of(trial).await?;
    let new = trial.digest();
    same("the token is replaced", &trial.replace(login.digest, new, 1).await?, &true)?;
    let change = |digest: TokenDigest| vec![Change::Changed { digest, session: login.record.id }];
    follower.sees("the old digest", change(login.digest)).await?;
    let renewed = Login { digest: new, ..login.clone() };
    trial.log_out(&renewed, 2).await?;
    follower.sees("the new one when it ends", vec![ended(&renewed, EndReason::Logout, at(2))]).await
}

pub(super) async fn what_takes_nothing_away_is_not_named(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let mut follower = Follower::of(trial).await?;
    let login = trial.log_in("ada", 0).await?;
    follower.sees("a login", Vec::new()).await?;
    same("a use", &trial.touch(login.digest, 5, 5).await?, &true)?;
    follower.sees("a use", Vec::new()).await?;
    let scrub = Scrub { created_before: at(9), after: None, chunk: 10 };
    same("one is scrubbed", &trial.sessions.scrub(scrub).await?.sessions, &1)?;
    follower.sees("scrubbing", Vec::new()).await?;
    trial.end(Target::Token(trial.digest()), EndReason::Logout, 6).await?;
    trial.end(Target::Others(login.record.subject.clone(), login.digest), EndReason::OtherDevice, 7).await?;
    same("an unknown token", &trial.replace(trial.digest(), trial.digest(), 8).await?, &false)?;
    follower.sees("ending or replacing what is not there", Vec::new()).await
}

pub(super) async fn each_change_is_named_once(trial: &Trial<'_>) -> Kept {
    let mut follower = Follower::of(trial).await?;
    for ms in 0..30 {
        let mut wanted = Vec::new();
        for _ in 0..ms % 4 {
            let login = trial.log_in("ada", 0).await?;
            trial.log_out(&login, ms).await?;
            wanted.push(ended(&login, EndReason::Logout, at(ms)));
        }
        follower.sees("what is new and nothing else", wanted).await?;
    }
    Ok(())
}

pub(super) async fn readers_are_independent(trial: &Trial<'_>) -> Kept {
    let mut early = Follower::of(trial).await?;
    let first = trial.log_in("ada", 0).await?;
    trial.log_out(&first, 1).await?;
    let mut late = Follower::of(trial).await?;
    let second = trial.log_in("ada", 0).await?;
    trial.log_out(&second, 2).await?;
    let (first, second) = (ended(&first, EndReason::Logout, at(1)), ended(&second, EndReason::Logout, at(2)));
    let horizon = early.horizon();
    early.sees("all since its own horizon", vec![first, second]).await?;
    late.sees("all since its own horizon", vec![second]).await?;
    let again = trial.sessions.feed(ANSWER_MAX).poll(horizon.as_ref()).await?.delta;
    let Delta::Changes(again) = again else { return Err(Broken::new("another reader goes on", format!("{again:?}"))) };
    same("another reader goes on from a horizon it is given", &in_order(again), &in_order(vec![first, second]))
}

/// Forgets all that the feed has from before a time.
async fn forget(trial: &Trial<'_>, before: i64) -> Kept<u64> {
    let purge =
        Purge { ended_before: at(i64::from(i32::MIN)), feed_before: at(before), chunk: PAGE_MAX, at: at(before) };
    Ok(trial.sessions.purge(purge).await?.feed)
}

pub(super) async fn what_was_purged_unseen_is_lost(trial: &Trial<'_>) -> Kept {
    let mut follower = Follower::of(trial).await?;
    let (one, other) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?);
    trial.log_out(&one, 10).await?;
    trial.log_out(&other, 20).await?;
    same("one entry is purged", &forget(trial, 15).await?, &1)?;
    same("a poll that cannot name it", &follower.poll().await?, &Delta::Lost(Loss::Purged))?;
    follower.sees("that was all", Vec::new()).await?;
    let login = trial.log_in("ada", 0).await?;
    trial.log_out(&login, 30).await?;
    follower.sees("from there on it goes on", vec![ended(&login, EndReason::Logout, at(30))]).await?;

    let login = trial.log_in("ada", 0).await?;
    trial.log_out(&login, 40).await?;
    same("the last entries are purged", &forget(trial, 50).await?, &3)?;
    same("a poll that finds nothing at all", &follower.poll().await?, &Delta::Lost(Loss::Purged))
}

pub(super) async fn what_was_purged_after_it_was_seen_is_not_lost(trial: &Trial<'_>) -> Kept {
    let mut follower = Follower::of(trial).await?;
    for turn in (0..TRIES).map(|turn| 100 * turn) {
        let (one, other) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?);
        trial.log_out(&one, turn + 10).await?;
        let _seen = follower.poll().await?;
        same("what was seen is purged", &forget(trial, turn + 20).await?, &1)?;
        trial.log_out(&other, turn + 30).await?;
        let delta = follower.poll().await?;
        // Somebody else's transaction may have kept the store from being sure, but not every time.
        if delta != Delta::Lost(Loss::Purged) {
            return same("what is new", &delta, &Delta::Changes(vec![ended(&other, EndReason::Logout, at(turn + 30))]));
        }
        forget(trial, turn + 40).await?;
    }
    Err(Broken::new("what is new, of which nothing was purged", "always that something was"))
}
