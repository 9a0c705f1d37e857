//! A store that a test can watch and hold up: it counts what it is asked, and stops where it is told to.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom::SessionRecord;
use cloakroom_core::coherence::{FeedReply, Horizon};
use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::ManualClock;
use tokio::sync::watch;

/// What a commit takes: more than nothing, so that what comes after it is later.
const COMMIT: Duration = Duration::from_micros(1);

/// Lets answers through or keeps them waiting, in the order in which they came. What waits has been read already.
#[derive(Debug)]
pub(crate) struct Gate {
    came: AtomicU64,
    /// How many of those that came may pass.
    allowed: watch::Sender<u64>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { came: AtomicU64::new(0), allowed: watch::Sender::new(u64::MAX) }
    }
}

impl Gate {
    /// Whoever comes from now on waits.
    pub(crate) fn shut(&self) {
        self.allowed.send_replace(self.came.load(Ordering::SeqCst));
    }

    /// The first of those that wait may pass.
    pub(crate) fn let_one_pass(&self) {
        self.allowed.send_modify(|allowed| *allowed += 1);
    }

    pub(crate) fn open(&self) {
        self.allowed.send_replace(u64::MAX);
    }

    async fn pass(&self) {
        let number = self.came.fetch_add(1, Ordering::SeqCst);
        self.allowed.subscribe().wait_for(|allowed| number < *allowed).await.unwrap();
    }
}

#[derive(Debug)]
pub(crate) struct Watched {
    inner: MemoryStore,
    clock: Arc<ManualClock>,
    pub(crate) finds: AtomicU64,
    /// Each use once, however often it is written.
    pub(crate) touches: Mutex<HashSet<(TokenDigest, Timestamp)>>,
    pub(crate) polls: AtomicU64,
    pub(crate) find_gate: Gate,
    pub(crate) poll_gate: Gate,
    /// Nothing is answered but an error.
    pub(crate) is_cut: AtomicBool,
    pub(crate) is_feed_cut: AtomicBool,
}

impl Watched {
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            clock: Arc::clone(clock),
            finds: AtomicU64::new(0),
            touches: Mutex::default(),
            polls: AtomicU64::new(0),
            find_gate: Gate::default(),
            poll_gate: Gate::default(),
            is_cut: AtomicBool::new(false),
            is_feed_cut: AtomicBool::new(false),
        })
    }

    pub(crate) fn finds(&self) -> u64 {
        self.finds.load(Ordering::SeqCst)
    }

    pub(crate) fn touches(&self) -> u64 {
        self.touches.lock().unwrap().len() as u64
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::SeqCst)
    }

    /// Cuts everybody off, or nobody any more.
    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
        self.cut_feed(is_cut);
    }

    pub(crate) fn cut_feed(&self, is_cut: bool) {
        self.is_feed_cut.store(is_cut, Ordering::SeqCst);
    }

    fn reach(&self) -> Result<(), StoreError> {
        if self.is_cut.load(Ordering::SeqCst) { Err(StoreError::new(StoreErrorKind::Unavailable)) } else { Ok(()) }
    }
}

/// What the tests hand to the front door: its feed needs the store as a whole.
#[derive(Debug)]
pub(crate) struct Handed(pub(crate) Arc<Watched>);

impl SessionStore for Handed {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        self.0.inner.begin()
    }
    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        self.0.inner.issue(issue)
    }
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        Box::pin(async move {
            self.0.reach()?;
            let found = self.0.inner.find(digest).await;
            self.0.finds.fetch_add(1, Ordering::SeqCst);
            self.0.find_gate.pass().await;
            self.0.reach()?; // cut off while it waited
            found
        })
    }
    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        self.0.inner.ending_of(digest)
    }
    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        let uses = touches.iter().map(|touch| (touch.digest, touch.used_at));
        self.0.touches.lock().unwrap().extend(uses);
        self.0.inner.touch(touches, now)
    }
    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        self.0.inner.replace(replace)
    }
    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            self.0.reach()?;
            let ended = self.0.inner.end(target, reason, at).await;
            self.0.clock.advance(COMMIT);
            ended
        })
    }
    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        Box::pin(async move {
            self.0.reach()?;
            self.0.inner.list(query).await
        })
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        self.0.inner.count_matching(filter, before, at)
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        self.0.inner.end_matching(filter, before, chunk, reason, at)
    }
    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        self.0.inner.endings(subject, limit)
    }
    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        Box::new(Feed { store: Arc::clone(&self.0), inner: self.0.inner.feed(answer_max) })
    }
    fn hint(&self) -> StoreFuture<'_, ()> {
        self.0.inner.hint()
    }
    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        self.0.inner.purge(purge)
    }
    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        self.0.inner.scrub(scrub)
    }
}

#[derive(Debug)]
struct Feed {
    store: Arc<Watched>,
    inner: Box<dyn FeedReader>,
}

impl FeedReader for Feed {
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply> {
        Box::pin(async move {
            if self.store.is_feed_cut.load(Ordering::SeqCst) {
                return Err(StoreError::new(StoreErrorKind::Unavailable));
            }
            let reply = self.inner.poll(since).await;
            self.store.polls.fetch_add(1, Ordering::SeqCst);
            self.store.poll_gate.pass().await;
            reply
        })
    }

    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.inner.hinted()
    }
}
