//! Cloakroom's own store with other lookups in place of its own: everything before and behind a lookup stays the same, so
//! that nothing but the lookups is compared.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_sql::LookupCounts;

/// One way to find a session.
pub trait Lookup: Debug + Send + Sync + 'static {
    /// The session of this digest, as it is now.
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>>;
    /// How many statements were sent, for how many lookups.
    fn counts(&self) -> LookupCounts;
}

/// A failed lookup, whatever it failed for: a measurement with one of these is void.
pub fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::caused(StoreErrorKind::Unavailable, cause)
}

/// A store whose lookups are answered by something else.
#[derive(Debug)]
pub struct Beside {
    /// Does everything but lookups.
    pub store: Arc<dyn SessionStore>,
    /// Does these.
    pub lookup: Arc<dyn Lookup>,
}

impl SessionStore for Beside {
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        self.lookup.find(digest)
    }

    fn begin(&self) -> StoreFuture<'_, Moment> {
        self.store.begin()
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        self.store.issue(issue)
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        self.store.ending_of(digest)
    }

    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        self.store.touch(touches, now)
    }

    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        self.store.replace(replace)
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        self.store.end(target, reason, at)
    }

    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        self.store.list(query)
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        self.store.count_matching(filter, before, at)
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        self.store.end_matching(filter, before, chunk, reason, at)
    }

    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        self.store.endings(subject, limit)
    }

    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        self.store.feed(answer_max)
    }

    fn hint(&self) -> StoreFuture<'_, ()> {
        self.store.hint()
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        self.store.purge(purge)
    }

    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        self.store.scrub(scrub)
    }
}
