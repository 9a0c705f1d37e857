//! What a store must do, as traits. Every implementation passes the [`contract`] suite.
//!
//! Three things hold for all of them, and each is a clause of the contract:
//! - **only [`SessionStore::issue`] makes a session** (G3): touch and replace are conditional and report what was gone;
//! - **an ending is permanent**: it has happened when the call returns, for every later call;
//! - **a login carries its moment** (G4): what was revoked after [`SessionStore::begin`] cannot be outlived by its session.

pub mod contract;
pub mod memory;

mod administration;
mod error;
mod filter;
mod measurement;
mod service_token;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use administration::{AccountAct, Administration};
pub use error::{StoreError, StoreErrorKind};
pub use filter::{
    CountedPage, EndedPage, LOOKED_AT_MAX, ListQuery, NotAPiece, PIECE_BYTES_MAX, SessionFilter, SessionPage,
    UserAgentPiece,
};
pub use measurement::{MeasurementQuery, MeasurementStore};
pub use service_token::{Added, ServiceTokenStore};

use crate::account::{Account, LoginName};
use crate::coherence::{FeedReply, Held, Horizon};
use crate::ending::{EndReason, Ending};
use crate::event::{EventId, SecurityEvent};
use crate::password::PasswordHash;
use crate::session::{SessionId, SessionRecord, Subject};
use crate::throttle::{Admission, Claims, CounterKey, Step};
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// What a store's operations return: a boxed future, so that stores can be handed around as objects.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Most rows a list returns at once.
pub const PAGE_MAX: u32 = 500;
/// Most changes one reply of the feed carries, about 1 MB; where there are more, none is named.
pub const CHANGES_MAX: usize = 10_000;

/// What the database had committed when a login began.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// The last position of the feed, where one writer makes positions a total order.
    Position(i64),
    /// A PostgreSQL snapshot (`pg_snapshot` as text), where commits have no order among themselves.
    Snapshot(Box<str>),
}

/// A session about to be issued.
#[derive(Clone, Debug)]
pub struct Issue {
    /// From [`SessionStore::begin`], taken before the credential was read.
    pub moment: Moment,
    /// The new token's digest.
    pub digest: TokenDigest,
    /// The new session.
    pub session: SessionRecord,
    /// Older sessions of the same browser, which the new one replaces; at most four.
    pub supersedes: Vec<TokenDigest>,
    /// How many living sessions the subject may have, this one included. At least 1.
    pub max_per_subject: u32,
}

/// What became of [`SessionStore::issue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Issued {
    /// The session exists; this many of the subject's oldest were ended to stay within the cap.
    Created {
        /// Ended because the subject had too many.
        over_cap: u32,
    },
    /// Everything of the subject was ended after the login began: there is no session (G4).
    Overtaken,
}

/// One recorded use of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Which session.
    pub digest: TokenDigest,
    /// When it was used.
    pub used_at: Timestamp,
}

/// A new token for a living session.
#[derive(Clone, Copy, Debug)]
pub struct Replace {
    /// The token digest until now.
    pub old: TokenDigest,
    /// The token digest from now on.
    pub new: TokenDigest,
    /// The current time: a session that is ended at this time stays ended.
    pub now: Timestamp,
    /// When the credential was proven again, both timers restart (NIST SP 800-63B-4 5.2): authenticated and last seen
    /// now, and from now on this absolute expiry. `None` for a replacement without a proof.
    pub reauthenticated_until: Option<Timestamp>,
}

/// Which sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The one of this token.
    Token(TokenDigest),
    /// The one of this id, whoever's it is.
    Session(SessionId),
    /// The one of this id, if it is this subject's.
    OwnSession(SessionId, Subject),
    /// All of a subject, logins under way included.
    Subject(Subject),
    /// All of a subject but the one of this token, logins under way included.
    Others(Subject, TokenDigest),
    /// Everybody's, logins under way included.
    Everyone,
}

/// What to purge.
#[derive(Clone, Copy, Debug)]
pub struct Purge {
    /// Sessions that ended by themselves before this time.
    pub ended_before: Timestamp,
    /// Feed entries from before this time.
    pub feed_before: Timestamp,
    /// At most this many rows of each at once.
    pub chunk: u32,
    /// Now: what the feed notes as the time.
    pub at: Timestamp,
}

/// What one purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Sessions deleted.
    pub sessions: u64,
    /// Feed entries deleted.
    pub feed: u64,
    /// Whether there may be more to purge now.
    pub more: bool,
}

/// Which client facts to scrub: a walk over all sessions in the order of their ids, a chunk at a time.
#[derive(Clone, Copy, Debug)]
pub struct Scrub {
    /// Those of sessions that were created before this time.
    pub created_before: Timestamp,
    /// Of sessions with an id above this one: where the last chunk stopped.
    pub after: Option<SessionId>,
    /// Look at this many sessions at most.
    pub chunk: u32,
}

/// What one chunk of scrubbing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Sessions whose client facts were forgotten.
    pub sessions: u64,
    /// Where the walk goes on; `None` at its end.
    pub next: Option<SessionId>,
}

/// Reads the feed for one instance, on a connection of its own that is made when it is first needed.
pub trait FeedReader: Send + Debug {
    /// What happened beyond the horizon, and how far there is to see now: one snapshot (see [`coherence`](crate::coherence)).
    ///
    /// After an error or a time limit the connection is given up; the next poll makes another.
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply>;

    /// Resolves when somebody hints that there is something to poll; never where hints do not reach. May be dropped and
    /// called again without losing one, and loses some all the same: a hint is no promise.
    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Keeps sessions.
pub trait SessionStore: Send + Sync + Debug + 'static {
    /// The moment a login begins; call it before the credential is read.
    fn begin(&self) -> StoreFuture<'_, Moment>;

    /// Creates a session, in one transaction with the ending of those it supersedes and of the oldest over the cap.
    ///
    /// Durable when it returns. Ended sessions do not count towards the cap.
    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued>;

    /// The session of a token digest, as it is now. Also one that expired and is not purged: the verdict decides.
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>>;

    /// The same where the store can say at once that there is one: without a wait, and nearly without an allocation. `None` says
    /// nothing: then [`find`](Self::find) knows.
    ///
    /// A use noted in what is held may be seen by whoever finds the session next, until the store is asked again.
    fn find_at_once(&self, digest: &TokenDigest) -> Option<Arc<Held>> {
        let _ = digest;
        None
    }

    /// Why and when the session of a token digest ended, as long as the feed remembers.
    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>>;

    /// Records uses; returns the digests whose session is gone or ended at `now`, which stay untouched (G3).
    ///
    /// Never moves `last_seen_at` backwards.
    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>>;

    /// Gives a living session a new token; `false` if it is gone or ended (G3).
    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool>;

    /// Ends sessions; returns how many there were. Durable when it returns.
    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64>;

    /// Lists sessions, newest first, ended ones that are not purged included. A page looks at [`LOOKED_AT_MAX`] rows at most, so that
    /// it may be short or empty and have a next one.
    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage>;

    /// Counts living sessions that match, of the next [`LOOKED_AT_MAX`] rows below `before`.
    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage>;

    /// Ends a chunk of the sessions that match, newest first: `chunk` of them at most (up to [`PAGE_MAX`]), of the next
    /// [`LOOKED_AT_MAX`] rows below `before`, in one transaction. Durable when it returns.
    ///
    /// What does not match any more when it is its turn stays. Logins under way are not overtaken.
    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage>;

    /// A subject's last endings, newest first, at most `limit` (up to [`PAGE_MAX`]).
    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>>;

    /// A reader of the feed, whose every poll is given up after `answer_max`, and a second more where it has to connect.
    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader>;

    /// Hints to other instances that there is something to poll. Call it after the commit, never within a transaction.
    fn hint(&self) -> StoreFuture<'_, ()>;

    /// Deletes one chunk of what ended longer ago than its retention.
    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged>;

    /// Forgets the client facts of one chunk of sessions, and changes nothing else of them (data minimisation, ASVS 5.0 14.2.4).
    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed>;
}

/// What became of a new account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Created {
    /// It exists.
    Created,
    /// The login name or subject is taken.
    Taken,
    /// It was to be the first, and there is one already.
    NotFirst,
}

/// Whether a new account has to be the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// Only if there is none yet: decided in the same transaction.
    First,
    /// In any case.
    Any,
}

/// A new password for an account.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose.
    pub subject: Subject,
    /// The hash the change is based on: if it is another by now, nothing happens. `None`: an operator sets it in any case.
    pub expected: Option<PasswordHash>,
    /// The new hash.
    pub new: PasswordHash,
    /// The one session that survives.
    pub keep: Option<TokenDigest>,
    /// Now.
    pub at: Timestamp,
}

/// What became of a change to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Changed {
    /// Done; this many sessions ended with it.
    Done {
        /// Sessions ended.
        ended: u64,
    },
    /// There is no such account.
    Missing,
    /// It changed in the meantime.
    Conflict,
}

/// Which events are asked for: newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// About whom; `None`: everybody and nobody.
    pub subject: Option<Subject>,
    /// Only those before this one.
    pub before: Option<EventId>,
    /// Most events, up to [`PAGE_MAX`].
    pub limit: u32,
}

/// Keeps accounts, what is counted of attempts to log in, what happened, and service tokens. What ends sessions does so in the same transaction.
pub trait AccountStore: ServiceTokenStore {
    /// Makes an account.
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created>;

    /// The account of a login name.
    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>>;

    /// The account of a subject.
    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>>;

    /// Whether there is any account.
    fn any(&self) -> StoreFuture<'_, bool>;

    /// Accounts by login name, after `after`, at most `limit` (up to [`PAGE_MAX`]).
    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>>;

    /// Changes the password and ends the subject's sessions but the one to keep, logins under way included (ASVS 5.0 7.4.3).
    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed>;

    /// Stores the same password under better parameters; `false` if the hash is another by now. Ends nothing.
    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool>;

    /// Disables an account and ends its sessions, logins under way included (ASVS 5.0 7.4.2). Disabling twice is fine.
    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed>;

    /// Lets an account log in again. Revives no session.
    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed>;

    /// Removes an account and ends its sessions, logins under way included.
    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed>;

    /// Changes an account for an administrator. Whether whoever asks is one, enabled, and somebody else than whose account it is,
    /// is decided in the same transaction; otherwise it is a [`Changed::Conflict`] and changes nothing. So there is always one
    /// left: of two who disable each other one has come too late.
    fn administrate(&self, administration: Administration) -> StoreFuture<'_, Changed>;

    /// Takes a step of an attempt: reads the counters of its keys, asks [`Claims::take`] and keeps what it returns, with the rows
    /// locked in between. What is not admitted changes nothing.
    fn count(&self, claims: Claims, step: Step, at: Timestamp) -> StoreFuture<'_, Admission>;

    /// The keys under which no attempt is made any more, at most `limit`.
    fn locked(&self, limit: u32) -> StoreFuture<'_, Vec<CounterKey>>;

    /// Forgets a counter: attempts under its key are as good as new. `false` if there is none.
    fn forget_counter(&self, key: CounterKey) -> StoreFuture<'_, bool>;

    /// Forgets up to `chunk` counters that say nothing any more, or that nobody touched for
    /// [`COUNTER_RETENTION`](crate::throttle::COUNTER_RETENTION), or that are more than `max`: then those with the fewest failures,
    /// the oldest first. Never one that is locked. Returns how many.
    fn purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> StoreFuture<'_, u64>;

    /// Records events. One that is recorded already is passed over, so that a batch may be sent again.
    fn record(&self, events: Vec<SecurityEvent>) -> StoreFuture<'_, ()>;

    /// Lists events. Kinds that this version does not know are passed over, so that a page may be short.
    fn events(&self, query: EventQuery) -> StoreFuture<'_, Vec<SecurityEvent>>;

    /// Forgets up to `chunk` of the oldest events: those before `before`, and those that are more than `max`. Returns how many.
    fn purge_events(&self, before: EventId, max: u32, chunk: u32) -> StoreFuture<'_, u64>;
}
