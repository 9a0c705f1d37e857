//! What clauses are written with: sessions to issue, stores to ask, answers to compare. No clause itself.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::{Broken, Stores};
use crate::account::{Account, LoginName, Role};
use crate::ending::{EndReason, Ending};
use crate::password::PasswordHash;
use crate::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use crate::store::{
    AccountStore, Created, Issue, Issued, ListQuery, MeasurementStore, Moment, PAGE_MAX, PasswordChange, Precedence,
    Purge, Purged, Replace, SessionFilter, SessionStore, StoreError, StoreErrorKind, Target, Touch,
};
use crate::time::Timestamp;
use crate::token::TokenDigest;
use crate::world::{PredictableRandom, Random as _};

/// The idle timeout of a session that says nothing else, in milliseconds.
pub(super) const IDLE: i64 = 60_000;
/// When a session that says nothing else ends absolutely, in milliseconds after its creation.
pub(super) const ABSOLUTE: i64 = 3_600_000;
/// More sessions than any clause has: the cap of a login that is not about the cap.
pub(super) const NO_CAP: u32 = 10_000;

/// What a clause gives.
pub(super) type Kept<T = ()> = Result<T, Broken>;

/// `ms` milliseconds after the start of the trial, a fixed time that is no round number of seconds.
pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_123 + ms)
}

pub(super) fn duration(ms: i64) -> Duration {
    Duration::from_millis(ms.unsigned_abs())
}

/// Compares an answer with what the contract says.
pub(super) fn same<T: PartialEq + Debug>(expectation: &str, found: &T, wanted: &T) -> Kept {
    if found == wanted {
        return Ok(());
    }
    Err(Broken::new(format!("{expectation}: {wanted:?}"), format!("{found:?}")))
}

/// Demands that something holds.
pub(super) fn holds(expectation: &str, is_so: bool, found: impl Debug) -> Kept {
    if is_so { Ok(()) } else { Err(Broken::new(expectation, format!("{found:?}"))) }
}

/// Demands the error for a change that would break a constraint.
pub(super) fn conflict<T: Debug>(expectation: &str, answer: Result<T, StoreError>) -> Kept {
    match answer {
        Err(error) if *error.kind() == StoreErrorKind::Conflict => Ok(()),
        other => Err(Broken::new(format!("{expectation}: the error Conflict"), format!("{other:?}"))),
    }
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
pub(super) fn subject(text: &str) -> Subject {
    Subject::new(text).expect("a subject")
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
pub(super) fn login_name(text: &str) -> LoginName {
    LoginName::new(text).expect("a login name")
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
pub(super) fn auth_method(text: &str) -> AuthMethod {
    AuthMethod::new(text).expect("an authentication method")
}

/// A well-formed hash that no password has; another for each letter.
#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
pub(super) fn hash(letter: char) -> PasswordHash {
    let filler: String = std::iter::repeat_n(letter, 42).collect();
    let text = format!("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA${filler}A");
    PasswordHash::parse(&text).expect("a password hash")
}

/// A session that was issued, and the digest of its token.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) digest: TokenDigest,
    pub(super) record: SessionRecord,
}

impl Login {
    /// What the history says of it after it ended.
    pub(super) fn ending(&self, reason: EndReason, at: Timestamp) -> Ending {
        Ending { session: self.record.id, subject: self.record.subject.clone(), reason, at }
    }

    /// Everything of the same subject.
    pub(super) fn subject(&self) -> Target {
        Target::Subject(self.record.subject.clone())
    }
}

/// A store on trial.
#[derive(Debug)]
pub(super) struct Trial<'a> {
    pub(super) sessions: &'a dyn SessionStore,
    pub(super) accounts: &'a dyn AccountStore,
    pub(super) measurements: &'a dyn MeasurementStore,
    random: PredictableRandom,
}

impl<'a> Trial<'a> {
    pub(super) fn of(stores: &'a Stores) -> Self {
        Self::seeded(stores.sessions.as_ref(), stores.accounts.as_ref(), stores.measurements.as_ref(), 42)
    }

    pub(super) fn seeded(
        sessions: &'a dyn SessionStore,
        accounts: &'a dyn AccountStore,
        measurements: &'a dyn MeasurementStore,
        seed: u64,
    ) -> Self {
        Self { sessions, accounts, measurements, random: PredictableRandom::from_seed(seed) }
    }

    /// A number below `bound`, which is not 0.
    pub(super) fn below(&self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.random.next() % bound).unwrap_or(0)
    }

    /// A digest that no session has.
    pub(super) fn digest(&self) -> TokenDigest {
        let mut bytes = [0; 32];
        // The predictable generator has no way to fail.
        let _filled = self.random.fill(&mut bytes);
        TokenDigest::from_bytes(bytes)
    }

    /// A session that could be issued at `created` (milliseconds of the trial).
    #[expect(clippy::expect_used, reason = "the predictable generator has no way to fail")]
    pub(super) fn record(&self, of: &str, created: i64) -> SessionRecord {
        SessionRecord {
            id: SessionId::new(at(created), &self.random).expect("randomness"),
            subject: subject(of),
            created_at: at(created),
            authenticated_at: at(created),
            last_seen_at: at(created),
            idle_timeout: Some(duration(IDLE)),
            absolute_expires_at: at(created + ABSOLUTE),
            auth_method: AuthMethod::password(),
            client: ClientFacts::new(Some("Mozilla/5.0 (X11; Linux x86_64)"), "192.0.2.7".parse().ok()),
        }
    }

    /// A login that is about nothing but its session.
    pub(super) fn issue(&self, moment: Moment, record: &SessionRecord) -> Issue {
        Issue {
            moment,
            digest: self.digest(),
            session: record.clone(),
            supersedes: Vec::new(),
            max_per_subject: NO_CAP,
        }
    }

    /// Begins and issues, as `change` would have it. The session must come to be; so many went over the cap.
    pub(super) async fn log_in_with(
        &self,
        record: &SessionRecord,
        change: impl FnOnce(&mut Issue) + Send,
    ) -> Kept<(Login, u32)> {
        let mut issue = self.issue(self.sessions.begin().await?, record);
        change(&mut issue);
        let login = Login { digest: issue.digest, record: issue.session.clone() };
        match self.sessions.issue(issue).await? {
            Issued::Created { over_cap } => Ok((login, over_cap)),
            Issued::Overtaken => Err(Broken::new("a login with nothing in its way is Created", "Overtaken")),
        }
    }

    /// Logs in with this very record.
    pub(super) async fn log_in_as(&self, record: &SessionRecord) -> Kept<Login> {
        Ok(self.log_in_with(record, |_| ()).await?.0)
    }

    /// Logs `of` in at `created`.
    pub(super) async fn log_in(&self, of: &str, created: i64) -> Kept<Login> {
        self.log_in_as(&self.record(of, created)).await
    }

    /// Makes an account `name` of the subject of the same name, with the hash of letter `A`.
    pub(super) async fn account(&self, name: &str) -> Kept<Account> {
        let account = an_account(name, name);
        let created = self.accounts.create(account.clone(), Precedence::Any).await?;
        same("a new account is", &created, &Created::Created)?;
        Ok(account)
    }

    /// Demands that a session is found exactly as it is in `login`.
    pub(super) async fn stands(&self, expectation: &str, login: &Login) -> Kept {
        same(expectation, &self.sessions.find(login.digest).await?, &Some(login.record.clone()))
    }

    /// Demands that no session has this digest (G2, G3).
    pub(super) async fn gone(&self, expectation: &str, digest: TokenDigest) -> Kept {
        same(expectation, &self.sessions.find(digest).await?, &None)
    }

    /// Demands that a session is gone and that the history says why and when.
    pub(super) async fn ended(&self, expectation: &str, login: &Login, reason: EndReason, when: Timestamp) -> Kept {
        self.gone(expectation, login.digest).await?;
        let wanted = Some(login.ending(reason, when));
        same(&format!("{expectation}, and the feed says so"), &self.sessions.ending_of(login.digest).await?, &wanted)
    }

    pub(super) async fn end(&self, target: Target, reason: EndReason, ms: i64) -> Kept<u64> {
        Ok(self.sessions.end(target, reason, at(ms)).await?)
    }

    /// Logs out.
    pub(super) async fn log_out(&self, login: &Login, ms: i64) -> Kept {
        let ended = self.end(Target::Token(login.digest), EndReason::Logout, ms).await?;
        same("a logout ends one session", &ended, &1)
    }

    /// Touches one session at `used`, as seen at `now`; whether it was taken.
    pub(super) async fn touch(&self, digest: TokenDigest, used: i64, now: i64) -> Kept<bool> {
        let refused = self.sessions.touch(vec![Touch { digest, used_at: at(used) }], at(now)).await?;
        holds("a touch refuses nothing but what it was given", refused.iter().all(|it| *it == digest), &refused)?;
        Ok(refused.is_empty())
    }

    /// Replaces a token without a proof.
    pub(super) async fn replace(&self, old: TokenDigest, new: TokenDigest, now: i64) -> Result<bool, StoreError> {
        self.sessions.replace(Replace { old, new, now: at(now), reauthenticated_until: None }).await
    }

    /// The ids of the sessions of `of`, or of all, newest first.
    pub(super) async fn ids(&self, of: Option<&str>) -> Kept<Vec<SessionId>> {
        let filter = SessionFilter { subject: of.map(subject), ..SessionFilter::default() };
        let page = self.sessions.list(ListQuery { filter, before: None, limit: PAGE_MAX }).await?;
        Ok(page.sessions.into_iter().map(|record| record.id).collect())
    }

    /// Purges what ended before `ended_before`, leaving the feed alone.
    pub(super) async fn purge(&self, ended_before: i64, chunk: u32, now: i64) -> Kept<Purged> {
        let purge = Purge { ended_before: at(ended_before), feed_before: at(i64::from(i32::MIN)), chunk, at: at(now) };
        Ok(self.sessions.purge(purge).await?)
    }
}

/// An account `name` of subject `of`.
pub(super) fn an_account(of: &str, name: &str) -> Account {
    Account {
        subject: subject(of),
        login_name: login_name(name),
        password_hash: hash('A'),
        role: Role::Person,
        created_at: at(0),
        password_changed_at: at(0),
        disabled_at: None,
    }
}

/// A change from the hash of letter `A` to that of letter `B`.
pub(super) fn new_password(of: &str, ms: i64) -> PasswordChange {
    PasswordChange { subject: subject(of), expected: Some(hash('A')), new: hash('B'), keep: None, at: at(ms) }
}

/// A future to be run beside others.
pub(super) type Running<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs futures beside each other until all are done; the answers in the order of the futures.
///
/// Polls all of them whenever one wakes: enough for a test, and no runtime is needed.
pub(super) async fn join_all<T>(mut running: Vec<Running<'_, T>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, slot) in running.iter_mut().zip(&mut done) {
            if slot.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *slot = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
