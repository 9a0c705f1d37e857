//! Everything at once on two instances, over the same few subjects and sessions: every answer is an answer, and nobody
//! ever meets a deadlock, not even one that is survived by trying again. Seeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Changed, Issued, ListQuery, PasswordChange, Purge, Replace, SessionFilter, Target, Touch};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;

use crate::world::{NOW, World, below, digest, hash, issue_of, record, seed, subject};

const SUBJECTS: u64 = 5;
const TASKS: u64 = 12;
/// Operations per task.
const OPERATIONS: u64 = 250;

/// One of those at work, and what it knows of the others: which numbers sessions were made of.
struct Worker {
    world: Arc<World>,
    random: PredictableRandom,
    numbers: Arc<AtomicU64>,
}

impl Worker {
    fn below(&self, n: u64) -> u64 {
        below(&self.random, n)
    }

    fn subject(&self) -> String {
        format!("u{}", self.below(SUBJECTS))
    }

    /// One of the last sessions, anybody's.
    fn number(&self) -> u64 {
        let last = self.numbers.load(Ordering::SeqCst);
        last.saturating_sub(self.below(40))
    }

    fn digests(&self, count: u64) -> Vec<TokenDigest> {
        (0..count).map(|_| digest(self.number())).collect()
    }

    async fn log_in(&self) {
        let moment = self.world.sessions.begin().await.unwrap();
        let number = self.numbers.fetch_add(1, Ordering::SeqCst) + 1;
        let mut issue = issue_of(moment, &self.subject(), number);
        issue.max_per_subject = 2;
        issue.supersedes = self.digests(self.below(4));
        issue.supersedes.retain(|older| *older != issue.digest);
        match self.world.sessions.issue(issue).await.unwrap() {
            Issued::Created { .. } | Issued::Overtaken => {}
        }
    }

    async fn end(&self) {
        let (number, subject) = (self.number(), subject(&self.subject()));
        let id = record("ada", number).id;
        let target = match self.below(8) {
            0 | 1 => Target::Token(digest(number)),
            2 => Target::Session(id),
            3 => Target::OwnSession(id, subject),
            4 | 5 => Target::Subject(subject),
            6 => Target::Others(subject, digest(number)),
            _ => Target::Everyone,
        };
        self.world.sessions.end(target, EndReason::Administrator, NOW).await.unwrap();
    }

    async fn change_account(&self) {
        let (accounts, subject) = (&self.world.accounts, subject(&self.subject()));
        let changed = match self.below(3) {
            0 => accounts.disable(subject, NOW).await,
            1 => accounts.enable(subject).await,
            _ => {
                let keep = (self.below(2) == 0).then(|| digest(self.number()));
                let change = PasswordChange { subject, expected: None, new: hash(7), keep, at: NOW };
                accounts.change_password(change).await
            }
        };
        assert!(matches!(changed.unwrap(), Changed::Done { .. }));
    }

    async fn do_something(&self) {
        let sessions = &self.world.sessions;
        match self.below(12) {
            0..=3 => self.log_in().await,
            4 | 5 => self.end().await,
            6 => self.change_account().await,
            7 | 8 => {
                let uses = self.digests(1 + self.below(30)).into_iter();
                let uses = uses.map(|digest| Touch { digest, used_at: NOW }).collect();
                sessions.touch(uses, NOW).await.unwrap();
            }
            9 => {
                let new = digest(u64::MAX - self.numbers.fetch_add(1, Ordering::SeqCst));
                let until = (self.below(2) == 0).then_some(NOW);
                let replace = Replace { old: digest(self.number()), new, now: NOW, reauthenticated_until: until };
                sessions.replace(replace).await.unwrap();
            }
            10 => {
                let purge = Purge { ended_before: NOW, feed_before: NOW, chunk: 20, at: NOW };
                sessions.purge(purge).await.unwrap();
            }
            _ => {
                sessions.find(digest(self.number())).await.unwrap();
                let query = ListQuery { filter: SessionFilter::of(subject(&self.subject())), before: None, limit: 10 };
                assert!(sessions.list(query).await.unwrap().sessions.len() <= 10);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn there_is_no_deadlock_and_no_error_under_load() {
    let here = Arc::new(World::alone().await);
    let there = Arc::new(here.instance().await);
    for user in 0..SUBJECTS {
        here.account(&format!("u{user}")).await;
    }
    let (numbers, seed) = (Arc::new(AtomicU64::new(40)), seed());
    let workers = (0..TASKS).map(|task| {
        let worker = Worker {
            world: Arc::clone(if task % 2 == 0 { &here } else { &there }),
            random: PredictableRandom::from_seed(seed << 8 | task),
            numbers: Arc::clone(&numbers),
        };
        tokio::spawn(async move {
            for _ in 0..OPERATIONS {
                worker.do_something().await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let mut hand = here.hand().await;
    println!("{} sessions, {TASKS} times {OPERATIONS} operations", numbers.load(Ordering::SeqCst) - 40);
    let ended = hand.number("SELECT count(*) FROM session_feed").await;
    assert!(ended > 20, "they did not meet: {ended} entries");
    let living = format!("absolute_expires_at > to_timestamp({}) + interval '12 hours'", NOW.as_millis() / 1000);
    let over = format!("SELECT FROM sessions WHERE {living} GROUP BY subject HAVING count(*) > 2");
    assert_eq!(hand.number(&format!("SELECT count(*) FROM ({over}) AS over")).await, 0, "subjects over the cap");
    here.database.close().await;
    there.database.close().await;
    assert_eq!(hand.deadlocks().await, 0);
}
