//! Requests in flight while a logout commits: every interleaving, forced one by one, and real concurrency.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::app::App;
use cloakroom::{CookieSettings, Policy, SessionRecord};
use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use tokio::sync::Notify;

/// The order in which the store's operations may happen; whoever comes early waits.
#[derive(Debug, Default)]
struct Script {
    order: Mutex<VecDeque<&'static str>>,
    moved: Notify,
}

impl Script {
    async fn turn(&self, step: &'static str) {
        loop {
            let moved = self.moved.notified();
            if self.order.lock().unwrap().front().is_none_or(|&next| next == step) {
                return;
            }
            moved.await;
        }
    }

    fn done(&self, matches: impl Fn(&str) -> bool) {
        self.order.lock().unwrap().retain(|step| !matches(step));
        self.moved.notify_waiters();
    }
}

/// One instance's view of the shared store: its operations wait for their turn. Optionally with the fault
/// that most session libraries have.
#[derive(Debug)]
struct Scripted {
    inner: Arc<MemoryStore>,
    script: Arc<Script>,
    steps: [&'static str; 3],
    upserting: bool,
    seen: Mutex<Option<(TokenDigest, SessionRecord)>>,
}

impl Scripted {
    fn step<'a, T: Send + 'a>(&'a self, step: &'static str, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        Box::pin(async move {
            self.script.turn(step).await;
            let result = work.await;
            self.script.done(|next| next == step);
            result
        })
    }
}

impl SessionStore for Scripted {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        self.inner.begin()
    }
    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        self.inner.issue(issue)
    }
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        let work = Box::pin(async move {
            let found = self.inner.find(digest).await?;
            *self.seen.lock().unwrap() = found.clone().map(|record| (digest, record));
            Ok(found)
        });
        self.step(self.steps[0], work)
    }
    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        self.inner.ending_of(digest)
    }
    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        let work = Box::pin(async move {
            let gone = self.inner.touch(touches, now).await?;
            let seen = self.seen.lock().unwrap().clone();
            if let (true, [_, ..], Some((digest, session))) = (self.upserting, &gone[..], seen) {
                let moment = self.inner.begin().await?;
                let insert = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: 50 };
                let _ = self.inner.issue(insert).await?;
            }
            Ok(gone)
        });
        self.step(self.steps[1], work)
    }
    fn replace(&self, replace: Replace) -> StoreFuture<'_, bool> {
        self.inner.replace(replace)
    }
    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        // Asked inside the future: the memory store acts when called, not when polled.
        self.step(self.steps[2], Box::pin(async move { self.inner.end(target, reason, at).await }))
    }
    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        self.inner.list(query)
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
        self.inner.endings(subject, limit)
    }
    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        self.inner.feed(answer_max)
    }
    fn hint(&self) -> StoreFuture<'_, ()> {
        self.inner.hint()
    }
    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        self.inner.purge(purge)
    }
    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        self.inner.scrub(scrub)
    }
}

const REQUEST: [&str; 2] = ["request.find", "request.touch"];
const LOGOUT: [&str; 2] = ["logout.find", "logout.end"];

/// Every order of the four steps that keeps each side's own order.
fn interleavings() -> Vec<Vec<&'static str>> {
    (0..4)
        .flat_map(|a| (a + 1..4).map(move |b| (a, b)))
        .map(|(a, b)| {
            let (mut request, mut logout) = (REQUEST.iter(), LOGOUT.iter());
            (0..4).filter_map(|i| if i == a || i == b { request.next() } else { logout.next() }).copied().collect()
        })
        .collect()
}

/// Runs a request and a logout in this order on two instances; returns whether anything came back.
async fn somebody_came_back(order: &[&'static str], upserting: bool) -> bool {
    let inner = Arc::new(MemoryStore::new());
    let script = Arc::new(Script::default());
    let store = |steps| {
        let (inner, script) = (Arc::clone(&inner), Arc::clone(&script));
        Arc::new(Scripted { inner, script, steps, upserting, seen: Mutex::default() })
    };
    // So short that a use is written at once, within the request.
    let policy = Policy { idle_timeout: Duration::from_secs(5), touch_every: Duration::ZERO, ..Policy::default() };
    let here = App::with(policy, CookieSettings::host(), store(["request.find", "request.touch", "request.end"]));
    let there = here.beside(store(["logout.find", "logout.touch", "logout.end"]));
    let mut browser = here.logged_in("ada").await;
    let (mut copy, mut thief) = (browser.at(&there), browser.clone());
    here.advance(Duration::from_secs(1));

    *script.order.lock().unwrap() = order.iter().copied().collect();
    let request = async {
        let status = browser.get("/me").await.status;
        script.done(|step| step.starts_with("request")); // what it did not need to do
        status
    };
    let logout = async {
        let status = copy.post("/logout").await.status;
        script.done(|step| step.starts_with("logout"));
        status
    };
    let (served, logged_out) = tokio::join!(request, logout);
    assert_eq!(logged_out, 204, "{order:?}");
    let found_first = order.iter().position(|s| *s == "request.find") < order.iter().position(|s| *s == "logout.end");
    assert_eq!(served, if found_first { 200 } else { 401 }, "{order:?}");
    script.done(|_| true);
    thief.get("/me").await.status == 200 || here.rows().await > 0
}

#[tokio::test]
async fn no_interleaving_brings_a_session_back() {
    let all = interleavings();
    assert_eq!(all.len(), 6);
    for order in all {
        assert!(!somebody_came_back(&order, false).await, "came back in {order:?}");
    }
}

#[tokio::test]
async fn an_upserting_touch_would_be_seen() {
    let mut seen = 0;
    for order in interleavings() {
        seen += usize::from(somebody_came_back(&order, true).await);
    }
    assert!(seen > 0, "the schedules are blind: an upsert brings nobody back in any of them");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_comes_back_under_real_concurrency() {
    let policy = Policy { idle_timeout: Duration::from_secs(5), touch_every: Duration::ZERO, ..Policy::default() };
    let app = App::with_policy(policy);
    for _ in 0..200 {
        let browser = app.logged_in("ada").await;
        app.advance(Duration::from_millis(10));
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let mut browser = browser.clone();
                tokio::spawn(async move { browser.get("/me").await.status })
            })
            .collect();
        let mut leaver = browser.clone();
        let logout = tokio::spawn(async move { leaver.post("/logout").await.status });
        assert_eq!(logout.await.unwrap(), 204);
        let mut thief = browser.clone();
        assert_eq!(thief.get("/me").await.status, 401, "served after logout returned");
        for request in requests {
            assert!(matches!(request.await.unwrap(), 200 | 401));
        }
        assert_eq!((thief.get("/me").await.status, app.rows().await), (401, 0), "brought back");
        app.sessions.flush().await.unwrap();
        assert_eq!(app.rows().await, 0, "brought back by the sweep");
    }
}
