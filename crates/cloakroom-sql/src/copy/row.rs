//! What is copied, row by row, and what an end of a copy can do with it. Which database an end is on, nobody here knows.

use cloakroom_core::account::Account;
use cloakroom_core::ending::EndReason;
use cloakroom_core::service_token::{ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::StoreError;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use futures_util::future::BoxFuture;

use crate::error::OpenError;
use crate::migrate::Scope;

/// Rows read or written at once: what a copy holds in memory, whatever the tables hold.
pub(crate) const CHUNK: usize = 1000;

/// A row that is copied: found by its key, replaced where anything of it differs.
pub(crate) trait Kept: Clone + PartialEq + Send + Sync + 'static {
    const TABLE: &'static str;
    const KEY: &'static str;
    /// Orders as both databases order the column: by bytes, or as a number.
    type Key: Clone + Ord + Send + Sync + 'static;

    fn key(&self) -> Self::Key;
}

impl Kept for Subject {
    const TABLE: &'static str = "session_subjects";
    const KEY: &'static str = "subject";
    type Key = Self;

    fn key(&self) -> Self {
        self.clone()
    }
}

/// A row of `sessions`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SessionRow {
    pub(crate) digest: TokenDigest,
    pub(crate) session: SessionRecord,
}

impl Kept for SessionRow {
    const TABLE: &'static str = "sessions";
    const KEY: &'static str = "token_digest";
    type Key = TokenDigest;

    fn key(&self) -> TokenDigest {
        self.digest
    }
}

impl Kept for Account {
    const TABLE: &'static str = "accounts";
    const KEY: &'static str = "subject";
    type Key = Subject;

    fn key(&self) -> Subject {
        self.subject.clone()
    }
}

impl Kept for ServiceTokenRecord {
    const TABLE: &'static str = "service_tokens";
    const KEY: &'static str = "name";
    type Key = ServiceTokenName;

    fn key(&self) -> ServiceTokenName {
        self.name.clone()
    }
}

/// A row of `session_feed`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) position: i64,
    pub(crate) kind: EntryKind,
    pub(crate) digest: Option<TokenDigest>,
    pub(crate) session: Option<SessionId>,
    /// `None`: everyone.
    pub(crate) subject: Option<Subject>,
    pub(crate) reason: Option<EndReason>,
    pub(crate) at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Ended,
    Changed,
    AllEnded,
}

impl EntryKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Changed => "changed",
            Self::AllEnded => "all_ended",
        }
    }

    pub(crate) fn parse(word: &str) -> Result<Self, ()> {
        [Self::Ended, Self::Changed, Self::AllEnded].into_iter().find(|kind| kind.as_str() == word).ok_or(())
    }
}

impl Kept for Entry {
    const TABLE: &'static str = "session_feed";
    const KEY: &'static str = "position";
    type Key = i64;

    fn key(&self) -> i64 {
        self.position
    }
}

/// The subject of a feed entry: the empty text stands for everyone.
pub(crate) fn subject_or_everyone(text: &str) -> Result<Option<Subject>, ()> {
    if text.is_empty() { Ok(None) } else { Subject::new(text).map(Some).map_err(|_| ()) }
}

/// What an end can do with one table.
pub(crate) trait Rows<T: Kept>: Send {
    /// How many rows there are.
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>>;
    /// At most [`CHUNK`] rows after this key, from the first one without, in the order of their keys.
    fn after(&mut self, key: Option<T::Key>) -> BoxFuture<'_, Result<Vec<T>, StoreError>>;
    /// Inserts rows that are not there, in one transaction.
    fn insert<'c>(&'c mut self, rows: &'c [T]) -> BoxFuture<'c, Result<(), StoreError>>;
    /// Deletes rows, in one transaction.
    fn delete<'c>(&'c mut self, keys: &'c [T::Key]) -> BoxFuture<'c, Result<(), StoreError>>;
}

/// What became of asking for a target.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// It is empty, and now the target of this copy.
    New,
    /// It holds an unfinished copy of the same source, which this one goes on with.
    Resumed,
    /// It holds something that is no unfinished copy.
    InUse,
    /// It holds an unfinished copy of another source, called this.
    OfAnother(String),
}

/// What a target remembers of its copy until that is finished.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Which database is copied, as [`End::identity`] says.
    pub(crate) source: String,
    /// What to call it.
    pub(crate) source_name: String,
    /// What the source has of migrations.
    pub(crate) scope: Scope,
    /// No position of the source's feed lies above.
    pub(crate) last_position: i64,
}

/// One end of a copy: a connection of its own, the source's in a transaction that keeps writers out.
pub(crate) trait End:
    Rows<Subject> + Rows<SessionRow> + Rows<Account> + Rows<ServiceTokenRecord> + Rows<Entry>
{
    /// The database's URL as it may be shown.
    fn name(&self) -> &str;
    /// The same text for the same tables, whatever the URL they were reached by.
    fn identity(&mut self) -> BoxFuture<'_, Result<String, OpenError>>;
    /// Whether the tables for accounts and service tokens are there.
    fn scope(&mut self) -> BoxFuture<'_, Result<Scope, OpenError>>;
    /// At the source: keeps everybody from writing until the end is dropped. Reading goes on.
    fn freeze(&mut self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>>;
    /// At the source: the last position its feed has given out.
    fn last_position(&mut self) -> BoxFuture<'_, Result<i64, StoreError>>;
    /// At the target: migrates it and writes down that a copy into it has begun, in one transaction; or leaves it as it is.
    fn claim<'c>(&'c mut self, plan: &'c Plan) -> BoxFuture<'c, Result<Claimed, OpenError>>;
    /// At the target: begins the last transaction, which keeps everybody else from writing.
    fn seal(&mut self, scope: Scope) -> BoxFuture<'_, Result<(), StoreError>>;
    /// At the target: marks that no login from before now counts (G4), forgets that there was a copy, and commits.
    fn finish<'c>(&'c mut self, plan: &'c Plan) -> BoxFuture<'c, Result<(), StoreError>>;
    /// Closes the connection.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}
