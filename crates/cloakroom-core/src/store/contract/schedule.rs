//! Random schedules: one sequence of operations on the store under test and on the store in memory, every answer
//! compared.
//!
//! What the contract leaves open is not compared: which rows of a chunk go first, and in which order sessions
//! end that end at once.

use super::feed::{Follower, in_order};
use super::trial::{Kept, NO_CAP, Trial, an_account, at, duration, hash, holds, same, subject};
use super::{Broken, Stores};
use crate::account::{Account, LoginName};
use crate::coherence::{Change, Delta, Loss};
use crate::ending::{EndReason, Ending};
use crate::session::{SessionRecord, Subject};
use crate::store::memory::MemoryStore;
use crate::store::{
    Issue, ListQuery, Moment, PAGE_MAX, PasswordChange, Precedence, Purge, Replace, Scrub, StoreError, StoreErrorKind,
    Target, Touch,
};
use crate::token::TokenDigest;

/// How long the schedules are that run as clauses.
const STEPS: u32 = 400;
/// Times are multiples of this many milliseconds, so that they often meet and a boundary is often hit exactly.
const TICK: usize = 10;
/// Few enough that they meet each other.
const SUBJECTS: [&str; 3] = ["ada", "eve", "Ada"];

pub(super) async fn random_schedule_of_seed_1(trial: &Trial<'_>) -> Kept {
    run(trial, 1, STEPS).await
}

pub(super) async fn random_schedule_of_seed_2(trial: &Trial<'_>) -> Kept {
    run(trial, 2, STEPS).await
}

pub(super) async fn random_schedule_of_seed_3(trial: &Trial<'_>) -> Kept {
    run(trial, 3, STEPS).await
}

/// The seed of the environment variable `CLOAKROOM_SEED`, or 4.
pub(super) async fn random_schedule_of_a_seed_of_your_choice(trial: &Trial<'_>) -> Kept {
    let seed = match std::env::var("CLOAKROOM_SEED") {
        Ok(text) => text.parse().map_err(|_| Broken::new("CLOAKROOM_SEED to be a number", text))?,
        Err(_) => 4,
    };
    run(trial, seed, STEPS).await
}

/// Runs the schedule that `seed` names, `steps` operations long, on a new, empty store, and compares every answer with
/// the store in memory.
///
/// # Errors
/// At the first answer that differs; the seed and the step are in the text.
pub async fn random_schedule(stores: &Stores, seed: u64, steps: u32) -> Result<(), Broken> {
    let broken = |broken| Broken { clause: "random_schedule", ..broken };
    run(&Trial::of(stores), seed, steps).await.map_err(broken)
}

async fn run(trial: &Trial<'_>, seed: u64, steps: u32) -> Kept {
    let model = MemoryStore::new();
    let mut schedule = Schedule {
        store: Trial::seeded(trial.sessions, trial.accounts, trial.measurements, seed),
        model: Trial::seeded(&model, &model, &model, seed),
        now: 0,
        moments: Vec::new(),
        digests: Vec::new(),
        records: Vec::new(),
    };
    let mut followers = (Follower::of(&schedule.store).await?, Follower::of(&schedule.model).await?);
    for step in 0..steps {
        let at_step =
            |broken: Broken| Broken { expected: format!("seed {seed}, step {step}: {}", broken.expected), ..broken };
        schedule.step().await.map_err(at_step)?;
        schedule.compare().await.map_err(at_step)?;
        follow(&mut followers).await.map_err(at_step)?;
    }
    Ok(())
}

/// Compares what two who follow are told; a store may say that it is not sure.
async fn follow((store, model): &mut (Follower, Follower)) -> Kept {
    let (found, wanted) = (store.poll().await?, model.poll().await?);
    match (found, wanted) {
        (Delta::Lost(Loss::Purged), _) => Ok(()),
        (Delta::Changes(found), Delta::Changes(wanted)) => {
            let comparable = |changes: Vec<Change>| in_order(changes.into_iter().map(change_without_expiry).collect());
            same("what a poll names", &comparable(found), &comparable(wanted))
        }
        (found, wanted) => same("what a poll says", &found, &wanted),
    }
}

struct Schedule<'a> {
    /// Also where chance comes from.
    store: Trial<'a>,
    model: Trial<'a>,
    /// Never goes back, so that time and commits have one order.
    now: i64,
    moments: Vec<(Moment, Moment)>,
    /// Every digest there ever was.
    digests: Vec<TokenDigest>,
    /// Every session that was tried.
    records: Vec<SessionRecord>,
}

/// An answer with its error made comparable.
fn answer<T>(result: Result<T, StoreError>) -> Result<T, StoreErrorKind> {
    result.map_err(|error| error.kind().clone())
}

/// Asks both stores the same and compares the answers.
macro_rules! both {
    ($self:ident, $what:literal, $side:ident.$method:ident($($argument:expr),*)) => {{
        let found = answer($self.store.$side.$method($($argument.clone()),*).await);
        let wanted = answer($self.model.$side.$method($($argument.clone()),*).await);
        same($what, &found, &wanted)?;
        found
    }};
}

mod filter;
mod server;

impl Schedule<'_> {
    fn chance(&self, percent: usize) -> bool {
        self.store.below(100) < percent
    }

    /// A span of less than `bound` ticks, in milliseconds.
    fn span(&self, bound: usize) -> i64 {
        i64::try_from(TICK * self.store.below(bound)).unwrap_or(0)
    }

    fn subject(&self) -> Subject {
        subject(SUBJECTS[self.store.below(SUBJECTS.len())])
    }

    /// A digest there was at some time; rarely one that never was.
    fn some_digest(&self) -> TokenDigest {
        if self.digests.is_empty() || self.chance(5) {
            return self.store.digest();
        }
        // Mostly recent ones: the others have long ended.
        let back = self.store.below(self.digests.len().min(if self.chance(80) { 8 } else { 500 }));
        self.digests[self.digests.len() - 1 - back]
    }

    async fn step(&mut self) -> Kept {
        self.now += self.span(4);
        match self.store.below(100) {
            0..8 => self.begin().await,
            8..38 => self.issue().await,
            38..50 => self.touch().await,
            50..58 => self.replace().await,
            58..68 => self.end().await,
            68..74 => self.purge().await,
            74..76 => self.scrub().await,
            76..84 => {
                for _ in 0..8 {
                    self.count().await?;
                }
                self.happened().await
            }
            _ => self.account().await,
        }
    }

    async fn begin(&mut self) -> Kept {
        self.moments.push((self.store.sessions.begin().await?, self.model.sessions.begin().await?));
        Ok(())
    }

    async fn issue(&mut self) -> Kept {
        if self.moments.is_empty() || self.chance(50) {
            self.begin().await?;
        }
        let back = self.store.below(self.moments.len().min(6));
        let Some((moment, model_moment)) = self.moments.iter().rev().nth(back).cloned() else { return Ok(()) };
        let mut record = self.store.record(self.subject().as_str(), self.now);
        self.clothe(&mut record);
        record.idle_timeout = self.chance(70).then(|| duration(100 + self.span(40)));
        record.absolute_expires_at = at(self.now + 200 + self.span(200));
        let digest = if self.chance(4) { self.some_digest() } else { self.store.digest() };
        let supersedes = (0..self.store.below(3)).map(|_| self.some_digest()).filter(|it| *it != digest).collect();
        let max_per_subject = if self.chance(50) { 3 } else { NO_CAP };
        let issue = Issue { moment, digest, session: record.clone(), supersedes, max_per_subject };
        let in_model = Issue { moment: model_moment, ..issue.clone() };
        let found = answer(self.store.sessions.issue(issue).await);
        same("issue", &found, &answer(self.model.sessions.issue(in_model).await))?;
        self.digests.push(digest);
        self.records.push(record);
        Ok(())
    }

    async fn touch(&mut self) -> Kept {
        let touches: Vec<_> = (0..self.store.below(6))
            .map(|_| Touch { digest: self.some_digest(), used_at: at(self.now - self.span(6)) })
            .collect();
        let in_order = |mut digests: Vec<TokenDigest>| {
            digests.sort_unstable();
            digests.dedup();
            digests.iter().map(|digest| *digest.as_bytes()).collect::<Vec<_>>()
        };
        let found = self.store.sessions.touch(touches.clone(), at(self.now)).await?;
        let wanted = self.model.sessions.touch(touches, at(self.now)).await?;
        holds("touch refuses the same sessions", in_order(found.clone()) == in_order(wanted.clone()), (found, wanted))
    }

    async fn replace(&mut self) -> Kept {
        let old = self.some_digest();
        let new = if self.chance(10) { self.some_digest() } else { self.store.digest() };
        if new == old {
            return Ok(());
        }
        let reauthenticated_until = self.chance(40).then(|| at(self.now + 1_500));
        let replace = Replace { old, new, now: at(self.now), reauthenticated_until };
        let _compared = both!(self, "replace", sessions.replace(replace));
        self.digests.push(new);
        Ok(())
    }

    async fn end(&mut self) -> Kept {
        let Some(id) = self.records.iter().rev().nth(self.store.below(self.records.len().min(8))).map(|it| it.id)
        else {
            return Ok(());
        };
        let target = match self.store.below(12) {
            0..4 => Target::Token(self.some_digest()),
            4..6 => Target::Session(id),
            6..8 => Target::OwnSession(id, self.subject()),
            8..9 => Target::Subject(self.subject()),
            9..11 => Target::Others(self.subject(), self.some_digest()),
            _ => Target::Everyone,
        };
        let reason = EndReason::ALL[self.store.below(EndReason::ALL.len())];
        if self.chance(25) {
            return self.end_filtered(reason).await;
        }
        let _compared = both!(self, "end", sessions.end(target, reason, at(self.now)));
        Ok(())
    }

    async fn purge(&mut self) -> Kept {
        let ended_before = at(self.now - self.span(10));
        let chunk = u32::try_from(1 + self.store.below(4)).unwrap_or(1);
        let purge = Purge { ended_before, feed_before: at(self.now - 500 - self.span(50)), chunk, at: at(self.now) };
        let found = self.purged(&self.store, purge).await?;
        same("sessions purged, until there was no more", &found, &self.purged(&self.model, purge).await?)
    }

    async fn scrub(&mut self) -> Kept {
        let chunk = u32::try_from(1 + self.store.below(9)).unwrap_or(1);
        let scrub = Scrub { created_before: at(self.now - self.span(40)), after: None, chunk };
        let found = self.scrubbed(&self.store, scrub).await?;
        same("sessions scrubbed in one walk", &found, &self.scrubbed(&self.model, scrub).await?)
    }

    async fn scrubbed(&self, side: &Trial<'_>, mut scrub: Scrub) -> Kept<u64> {
        let mut sessions = 0;
        for _ in 0..5_000 {
            let done = side.sessions.scrub(scrub).await?;
            sessions += done.sessions;
            scrub.after = done.next;
            if done.next.is_none() {
                return Ok(sessions);
            }
        }
        Err(Broken::new("a walk comes to its end", "still more after 5,000 chunks"))
    }

    async fn purged(&self, side: &Trial<'_>, purge: Purge) -> Kept<u64> {
        let mut sessions = 0;
        for _ in 0..5_000 {
            let purged = side.sessions.purge(purge).await?;
            holds("a purge deletes at most a chunk", purged.sessions <= u64::from(purge.chunk), purged)?;
            sessions += purged.sessions;
            if !purged.more {
                return Ok(sessions);
            }
        }
        Err(Broken::new("a purge comes to its end", "still more after 5,000 chunks"))
    }

    async fn account(&mut self) -> Kept {
        let (of, now) = (self.subject(), at(self.now));
        let some_hash = || hash(['A', 'B'][self.store.below(2)]);
        match self.store.below(7) {
            0..2 => {
                let name = ["ada", "kim", "漢"][self.store.below(3)];
                let precedence = if self.chance(30) { Precedence::First } else { Precedence::Any };
                let account = Account { created_at: now, password_hash: some_hash(), ..an_account(of.as_str(), name) };
                let _compared = both!(self, "create", accounts.create(account, precedence));
            }
            2..4 => {
                let keep = self.chance(50).then(|| self.some_digest());
                let expected = self.chance(70).then(some_hash);
                let change = PasswordChange { subject: of, expected, new: some_hash(), keep, at: now };
                let _compared = both!(self, "change_password", accounts.change_password(change));
            }
            4 => {
                let (old, new) = (some_hash(), some_hash());
                let _compared = both!(self, "rehash", accounts.rehash(of, old, new));
            }
            5 => {
                let _compared = both!(self, "disable", accounts.disable(of, now));
                if self.chance(60) {
                    let _compared = both!(self, "enable", accounts.enable(of));
                }
            }
            _ => {
                let _compared = both!(self, "remove", accounts.remove(of, now));
            }
        }
        Ok(())
    }

    /// Compares all that can be seen from outside.
    async fn compare(&self) -> Kept {
        let query = ListQuery { limit: PAGE_MAX, ..ListQuery::default() };
        let _compared = both!(self, "list", sessions.list(query));
        let before = self.chance(50).then(|| self.store.below(self.records.len()));
        let before = before.and_then(|index| self.records.get(index)).map(|record| record.id);
        let limit = u32::try_from(self.store.below(6)).unwrap_or(0);
        self.compare_filtered(before, limit).await?;
        let recent = self.digests.iter().rev().take(12);
        for digest in recent {
            let _compared = both!(self, "find", sessions.find(digest));
            let found = self.store.sessions.ending_of(*digest).await?.map(without_expiry);
            let wanted = self.model.sessions.ending_of(*digest).await?.map(without_expiry);
            same("ending_of", &found, &wanted)?;
        }
        for of in SUBJECTS {
            let found = self.store.sessions.endings(subject(of), PAGE_MAX).await?;
            let falls = found.is_sorted_by(|newer, older| newer.at >= older.at);
            holds("endings are newest first", falls, &found)?;
            let wanted = self.model.sessions.endings(subject(of), PAGE_MAX).await?;
            same("endings", &endings_in_order(found), &endings_in_order(wanted))?;
        }
        let none: Option<LoginName> = None;
        let _compared = both!(self, "accounts", accounts.page(none, PAGE_MAX));
        Ok(())
    }
}

/// Which of two timeouts ended a session is said by clauses of their own; where both have passed, either is right.
fn without_expiry(ending: Ending) -> Ending {
    let reason = if ending.reason.is_expiry() { EndReason::Idle } else { ending.reason };
    Ending { reason, ..ending }
}

fn change_without_expiry(change: Change) -> Change {
    match change {
        Change::Ended { digest, session, reason, at } if reason.is_expiry() => {
            Change::Ended { digest, session, reason: EndReason::Idle, at }
        }
        other => other,
    }
}

fn endings_in_order(endings: Vec<Ending>) -> Vec<Ending> {
    let mut endings: Vec<_> = endings.into_iter().map(without_expiry).collect();
    endings.sort_by_key(|ending| (ending.at, ending.session));
    endings
}
