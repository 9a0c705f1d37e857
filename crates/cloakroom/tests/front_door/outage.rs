//! A store that cannot be asked: 503 and the cookie is kept. Never "fine", never "you are logged out" (G6).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::app::App;
use cloakroom::{CookieSettings, Policy, SessionRecord};
use std::time::Duration;

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;

/// A store that can be cut off. Real outages are tested against the real databases; this is about the answers.
#[derive(Debug, Default)]
struct Cuttable {
    inner: MemoryStore,
    is_cut: AtomicBool,
    has_too_much_to_do: AtomicBool,
}

impl Cuttable {
    fn unless_cut<'a, T: Send + 'a>(&'a self, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.is_cut.load(Ordering::SeqCst) {
            let error = StoreError::caused(StoreErrorKind::Unavailable, "disk on fire at /var/secret");
            return Box::pin(std::future::ready(Err(error)));
        }
        work
    }
}

impl SessionStore for Cuttable {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        self.unless_cut(self.inner.begin())
    }
    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(StoreError::new(StoreErrorKind::Busy))));
        }
        self.inner.issue(issue)
    }
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        if self.has_too_much_to_do.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(StoreError::new(StoreErrorKind::Busy))));
        }
        self.unless_cut(self.inner.find(digest))
    }
    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        self.unless_cut(self.inner.ending_of(digest))
    }
    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        self.unless_cut(self.inner.touch(touches, now))
    }
    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        self.unless_cut(self.inner.replace(replace))
    }
    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(StoreError::new(StoreErrorKind::Unavailable))));
        }
        self.inner.end(target, reason, at)
    }
    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        self.unless_cut(self.inner.list(query))
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        self.inner.count_matching(filter, before, at)
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        self.inner.end_matching(filter, before, chunk, reason, at)
    }
    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        self.unless_cut(self.inner.endings(subject, limit))
    }
    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        self.inner.feed(answer_max)
    }
    fn hint(&self) -> StoreFuture<'_, ()> {
        self.inner.hint()
    }
    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        self.unless_cut(self.inner.purge(purge))
    }
    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        self.unless_cut(self.inner.scrub(scrub))
    }
}

#[tokio::test]
async fn an_outage_is_503_and_keeps_the_cookie() {
    let store = Arc::new(Cuttable::default());
    let app = App::with(Policy::default(), CookieSettings::host(), Arc::clone(&store) as _);
    let mut browser = app.logged_in("ada").await;
    let cookies = browser.cookies.clone();
    store.is_cut.store(true, Ordering::SeqCst);
    for path in ["/me", "/maybe", "/list", "/peek"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.set_cookies.len()), (503, 0), "{path}");
        assert!(answer.headers.contains_key("retry-after"));
        assert!(answer.body.contains(r#""code":"unavailable""#) && !answer.body.contains("secret"), "{}", answer.body);
    }
    for path in ["/logout", "/logout-anyway", "/login/ada"] {
        let answer = browser.post(path).await;
        assert_eq!((answer.status, answer.set_cookies.len()), (503, 0), "{path}");
    }
    assert_eq!(browser.get("/outcome").await.body, "Unavailable");
    assert_eq!(browser.get("/public").await.status, 200, "what needs nobody is served");
    store.is_cut.store(false, Ordering::SeqCst);
    assert_eq!(browser.cookies, cookies);
    assert_eq!(browser.get("/me").await.status, 200, "still logged in");
}

#[tokio::test]
async fn a_store_with_too_much_to_do_is_503_busy() {
    let store = Arc::new(Cuttable::default());
    let app = App::with(Policy::default(), CookieSettings::host(), Arc::clone(&store) as _);
    let mut browser = app.logged_in("ada").await;
    store.has_too_much_to_do.store(true, Ordering::SeqCst);
    for path in ["/me", "/maybe"] {
        let answer = browser.get(path).await;
        assert_eq!((answer.status, answer.set_cookies.len()), (503, 0), "{path}");
        assert!(answer.headers.contains_key("retry-after"));
        assert!(answer.body.contains(r#""code":"busy""#), "{}", answer.body);
    }
    store.has_too_much_to_do.store(false, Ordering::SeqCst);
    assert_eq!(browser.get("/me").await.status, 200);
}

#[tokio::test]
async fn uses_noted_during_an_outage_are_written_after_it() {
    let store = Arc::new(Cuttable::default());
    let app = App::with(Policy::default(), CookieSettings::host(), Arc::clone(&store) as _);
    let mut browser = app.logged_in("ada").await;
    app.advance(Duration::from_mins(10));
    browser.get("/me").await;
    store.is_cut.store(true, Ordering::SeqCst);
    assert!(app.sessions.flush().await.is_err());
    store.is_cut.store(false, Ordering::SeqCst);
    app.sessions.flush().await.unwrap();
    let everything = ListQuery { limit: 1, ..ListQuery::default() };
    let rows = store.inner.list(everything).await.unwrap().sessions;
    assert_eq!(rows[0].last_seen_at.since(rows[0].created_at).as_secs(), 600);
}
