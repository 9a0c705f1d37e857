//! The memory store is the model: on the same random schedule SQLite gives the same answers.

use std::time::Duration;

use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::ending::EndReason;
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::SessionId;
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{
    AccountStore, Issue, ListQuery, Moment, PasswordChange, Precedence, Purge, Replace, SessionFilter, SessionStore,
    StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::PredictableRandom;

use crate::world::{NOW, World, digest, record, subject};

const SUBJECTS: [&str; 3] = ["ada", "bob", "eve"];
const REASONS: [EndReason; 3] = [EndReason::Logout, EndReason::Administrator, EndReason::OtherDevice];

/// A random schedule: small numbers, so that things meet.
struct Dice(PredictableRandom);

impl Dice {
    fn below(&self, n: u64) -> u64 {
        self.0.next() % n
    }

    fn digest(&self) -> u8 {
        u8::try_from(self.below(24)).unwrap()
    }

    fn subject(&self) -> &'static str {
        SUBJECTS[usize::try_from(self.below(3)).unwrap()]
    }

    fn time(&self) -> Timestamp {
        NOW.plus(Duration::from_millis(self.below(3_000)))
    }

    fn hash(&self) -> PasswordHash {
        let salt = ["AAAAAAAAAAAAAAAAAAAAAA", "BAAAAAAAAAAAAAAAAAAAAA"][usize::try_from(self.below(2)).unwrap()];
        let text = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        PasswordHash::parse(&text).unwrap()
    }

    /// The id of the `n`th session of the schedule; not in the order of `n`.
    fn id(&self) -> SessionId {
        let n = self.below(24);
        SessionId::new(Timestamp::from_millis(i64::try_from(n * 7 % 24).unwrap()), &PredictableRandom::from_seed(n))
            .unwrap()
    }

    fn issue(&self, moment: Moment) -> Issue {
        let mut session = record(self.subject(), 0);
        session.id = self.id();
        session.created_at = self.time();
        session.last_seen_at = self.time();
        session.idle_timeout = (self.below(4) > 0).then(|| Duration::from_millis(self.below(2_000)));
        session.absolute_expires_at = self.time().plus(Duration::from_millis(self.below(3_000)));
        let supersedes = (0..self.below(3)).map(|_| digest(self.digest())).collect();
        let max_per_subject = u32::try_from(self.below(5)).unwrap() + 1;
        Issue { moment, digest: digest(self.digest()), session, supersedes, max_per_subject }
    }

    fn target(&self) -> Target {
        match self.below(10) {
            0..=2 => Target::Token(digest(self.digest())),
            3..=4 => Target::Session(self.id()),
            5..=6 => Target::OwnSession(self.id(), subject(self.subject())),
            7 => Target::Subject(subject(self.subject())),
            8 => Target::Others(subject(self.subject()), digest(self.digest())),
            _ => Target::Everyone,
        }
    }

    fn account(&self) -> Account {
        Account {
            subject: subject(self.subject()),
            login_name: LoginName::new(self.subject()).unwrap(),
            password_hash: self.hash(),
            role: if self.below(2) == 0 { Role::Person } else { Role::Administrator },
            created_at: self.time(),
            password_changed_at: self.time(),
            disabled_at: None,
        }
    }
}

/// What a store answered, comparable.
async fn told<T: std::fmt::Debug>(answer: StoreFuture<'_, T>) -> String {
    match answer.await {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("error {:?}", error.kind()),
    }
}

macro_rules! same {
    ($seed:expr, $step:expr, $model:expr, $real:expr, $method:ident($($argument:expr),*)) => {{
        let (wanted, found) = (told($model.$method($($argument.clone()),*)).await, told($real.$method($($argument.clone()),*)).await);
        assert_eq!(found, wanted, "seed {} step {} {}", $seed, $step, stringify!($method));
    }};
}

async fn compare_sessions(seed: u64, steps: u32) {
    let world = World::new().await;
    let (model, real) = (MemoryStore::new(), &world.sessions);
    let dice = Dice(PredictableRandom::from_seed(seed));
    let mut moments = vec![(model.begin().await.unwrap(), real.begin().await.unwrap())];
    for step in 0..steps {
        match dice.below(12) {
            0..=4 => {
                let (of_model, of_real) = moments[usize::try_from(dice.below(moments.len() as u64)).unwrap()].clone();
                let issue = dice.issue(of_model);
                let wanted = told(model.issue(issue.clone())).await;
                let found = told(real.issue(Issue { moment: of_real, ..issue })).await;
                assert_eq!(found, wanted, "seed {seed} step {step} issue");
            }
            5 => moments.push((model.begin().await.unwrap(), real.begin().await.unwrap())),
            6..=7 => {
                let used = (0..dice.below(6)).map(|_| Touch { digest: digest(dice.digest()), used_at: dice.time() });
                let used: Vec<_> = used.collect();
                let now = dice.time();
                same!(seed, step, model, real, touch(used, now));
            }
            8 => {
                let until = (dice.below(2) == 0).then(|| dice.time());
                let (old, new) = (digest(dice.digest()), digest(dice.digest()));
                let replace = Replace { old, new, now: dice.time(), reauthenticated_until: until };
                same!(seed, step, model, real, replace(replace));
            }
            9..=10 => {
                let (target, at) = (dice.target(), dice.time());
                let reason = REASONS[usize::try_from(dice.below(3)).unwrap()];
                same!(seed, step, model, real, end(target, reason, at));
            }
            _ => {
                // The model purges in an order of its own: everything at once is comparable.
                let purge =
                    Purge { ended_before: dice.time(), feed_before: dice.time(), chunk: 1_000, at: dice.time() };
                same!(seed, step, model, real, purge(purge));
                // What expired together is in the feed in no certain order.
                same!(seed, step, model, real, end(Target::Everyone, EndReason::Everyone, NOW));
                let all = Purge { feed_before: Timestamp::from_millis(i64::MAX), ..purge };
                same!(seed, step, model, real, purge(all));
            }
        }
        let digest = digest(dice.digest());
        same!(seed, step, model, real, find(digest));
        same!(seed, step, model, real, ending_of(digest));
        let whose = subject(dice.subject());
        let limit = u32::try_from(dice.below(12)).unwrap();
        same!(seed, step, model, real, endings(whose, limit));
        let before = (dice.below(2) == 0).then(|| dice.id());
        let query = ListQuery {
            filter: SessionFilter { subject: (dice.below(2) == 0).then_some(whose), ..SessionFilter::default() },
            before,
            limit,
        };
        same!(seed, step, model, real, list(query));
    }
}

async fn compare_accounts(seed: u64, steps: u32) {
    let world = World::new().await;
    let model = MemoryStore::new();
    let (real, sessions) = (world.database.accounts(), &world.sessions);
    let dice = Dice(PredictableRandom::from_seed(seed));
    for step in 0..steps {
        let whose = subject(dice.subject());
        let name = LoginName::new(dice.subject()).unwrap();
        let at = dice.time();
        match dice.below(8) {
            0..=1 => {
                let precedence = if dice.below(2) == 0 { Precedence::First } else { Precedence::Any };
                let account = dice.account();
                same!(seed, step, model, real, create(account, precedence));
            }
            2 => {
                let (of_model, of_real) = (model.begin().await.unwrap(), sessions.begin().await.unwrap());
                let issue = dice.issue(of_model);
                let wanted = told(model.issue(issue.clone())).await;
                let found = told(sessions.issue(Issue { moment: of_real, ..issue })).await;
                assert_eq!(found, wanted, "seed {seed} step {step} issue");
            }
            3 => {
                let expected = (dice.below(3) > 0).then(|| dice.hash());
                let keep = (dice.below(2) == 0).then(|| digest(dice.digest()));
                let change = PasswordChange { subject: whose.clone(), expected, new: dice.hash(), keep, at };
                same!(seed, step, model, real, change_password(change));
            }
            4 => {
                let (old, new) = (dice.hash(), dice.hash());
                same!(seed, step, model, real, rehash(whose, old, new));
            }
            5 => same!(seed, step, model, real, disable(whose, at)),
            6 => same!(seed, step, model, real, enable(whose)),
            _ => same!(seed, step, model, real, remove(whose, at)),
        }
        same!(seed, step, model, real, by_login_name(name));
        same!(seed, step, model, real, by_subject(whose));
        same!(seed, step, model, real, any());
        let after = (dice.below(2) == 0).then_some(name);
        let limit = u32::try_from(dice.below(4)).unwrap();
        same!(seed, step, model, real, page(after, limit));
        same!(seed, step, model, sessions, endings(whose, 500));
    }
}

#[tokio::test]
async fn sessions_answer_as_the_model_does() {
    for seed in 1..=12 {
        compare_sessions(seed, 250).await;
    }
}

#[tokio::test]
async fn accounts_answer_as_the_model_does() {
    for seed in 1..=6 {
        compare_accounts(seed, 200).await;
    }
}
