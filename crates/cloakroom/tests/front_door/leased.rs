//! Leased validation as a browser meets it: what is answered from memory, when the store is asked all the same, and that nothing
//! is served past its time. The clock stands still unless a test moves it.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{LeaseTerms, Policy, SessionId, Validation};
use tokio::task::JoinHandle;

use crate::app::{App, Browser, COOKIE_NAME};
use crate::watched::{Handed, Watched};

pub(crate) const LEASE: Duration = Duration::from_mins(1);
const MINUTE: Duration = Duration::from_mins(1);
/// After this long a test that waits for something has failed.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn terms() -> LeaseTerms {
    LeaseTerms { lease: LEASE, poll: Duration::from_millis(10), ..LeaseTerms::default() }
}

/// An instance that has its lease.
async fn leased_with(policy: Policy) -> (App, Arc<Watched>) {
    let (app, store) = App::watched(policy, Validation::Leased(terms()));
    app.sessions.follow();
    until("a lease", || app.sessions.has_lease() == Some(true)).await;
    (app, store)
}

pub(crate) async fn leased() -> (App, Arc<Watched>) {
    leased_with(Policy::default()).await
}

/// Another instance on the same store.
async fn beside(app: &App, store: &Arc<Watched>) -> App {
    let other = app.beside(Arc::new(Handed(Arc::clone(store))));
    other.sessions.follow();
    until("a lease", || other.sessions.has_lease() == Some(true)).await;
    other
}

/// Waits for something that other tasks do.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("still waiting: {what}"));
}

/// Returns when a poll that began after this was applied, where there is one instance.
pub(crate) async fn polled(store: &Watched) {
    let before = store.polls();
    // The first may have begun before; the third is asked when the second was applied.
    until("three polls", || store.polls() >= before + 3).await;
}

/// Lets no poll of the one instance there is be answered any more; one waits when this returns.
async fn hold_polls(store: &Watched) {
    polled(store).await;
    store.poll_gate.shut();
    let before = store.polls();
    until("a poll that waits", || store.polls() > before).await;
}

pub(crate) fn asks(browser: &Browser) -> JoinHandle<u16> {
    let mut browser = browser.clone();
    tokio::spawn(async move { browser.get("/me").await.status })
}

/// Logged in and held in memory.
pub(crate) async fn held(app: &App) -> Browser {
    app.advance(Duration::from_millis(1)); // so that ids are in order
    let mut browser = app.logged_in("ada").await;
    assert_eq!(browser.get("/me").await.status, 200);
    browser
}

/// The id of the subject's newest session.
pub(crate) async fn newest(browser: &mut Browser) -> SessionId {
    browser.get("/list").await.body.split(' ').next().unwrap().parse().unwrap()
}

/// How long a poll may take, its reader knows: one that has to connect first may take longer than an answer.
#[tokio::test(start_paused = true)]
async fn a_poll_is_waited_for_as_long_as_its_reader_tries() {
    let (app, store) = App::watched(Policy::default(), Validation::Leased(terms()));
    store.poll_gate.shut();
    app.sessions.follow();
    until("the first poll", || store.polls() == 1).await;
    tokio::time::sleep(LEASE).await; // no time of anybody's: the runtime's clock is paused
    store.poll_gate.open();
    until("a lease", || app.sessions.has_lease() == Some(true)).await;
    assert_eq!(app.sessions.follow_counts().errors, 0);
}

#[tokio::test]
async fn what_is_held_is_served_without_the_store() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    for _ in 0..100 {
        let answer = browser.get("/me").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "ada"));
        assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
    }
    assert_eq!(store.finds(), 1);
    let counts = app.sessions.validation_counts();
    assert_eq!((counts.hits, counts.loads, counts.joined, counts.unavailable), (100, 1, 0, 0));
    assert_eq!(app.sessions.follow_counts().held, 1);
}

#[tokio::test]
async fn a_lease_that_lapsed_asks_the_store_and_drops_nothing() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    hold_polls(&store).await;
    app.advance(LEASE.saturating_sub(Duration::from_nanos(1)));
    assert_eq!((browser.get("/me").await.status, store.finds()), (200, 1));
    app.advance(Duration::from_nanos(1));
    assert_eq!((browser.get("/me").await.status, store.finds()), (200, 2));
    assert_eq!(app.sessions.has_lease(), Some(false));
    // The reply that comes now is a lease old.
    let before = store.polls();
    store.poll_gate.let_one_pass();
    until("the next poll", || store.polls() > before).await;
    assert_eq!(app.sessions.has_lease(), Some(false), "a lease counts from the question, not from the answer");
    assert_eq!((browser.get("/me").await.status, store.finds()), (200, 3));
    store.poll_gate.open();
    until("a lease", || app.sessions.has_lease() == Some(true)).await;
    assert_eq!((browser.get("/me").await.status, store.finds()), (200, 3));
    assert_eq!(app.sessions.follow_counts().emptied, 1, "once, at the first poll");
}

#[tokio::test]
async fn without_a_lease_and_without_the_store_it_is_503_and_the_cookie_is_kept() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    store.cut(true);
    app.advance(LEASE / 2);
    assert_eq!(browser.get("/me").await.status, 200, "from memory");
    app.advance(LEASE);
    let answer = browser.get("/me").await;
    assert_eq!((answer.status, answer.set_cookies.len()), (503, 0));
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(browser.post("/logout").await.status, 503);
    store.cut(false);
    assert_eq!(browser.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_strict_route_asks_the_store_and_memory_learns_from_it() {
    let (app, store) = leased().await;
    let other = beside(&app, &store).await;
    let mut browser = held(&app).await;
    let asked = store.finds();
    for more in 1..=3 {
        assert_eq!((browser.get("/strict").await.status, store.finds()), (200, asked + more));
    }
    store.cut_feed(true); // nobody hears of it
    assert_eq!(browser.at(&other).post("/logout").await.status, 204);
    assert_eq!(browser.get("/me").await.status, 200, "within the lease");
    assert_eq!(browser.get("/strict").await.status, 401);
    assert_eq!(browser.get("/me").await.status, 401, "and from then on nowhere here");
}

#[tokio::test]
async fn a_strict_route_asks_once_where_the_request_was_loaded() {
    let (app, store) = leased().await;
    let mut browser = app.logged_in("ada").await;
    assert_eq!(browser.get("/strict").await.status, 200);
    // A load may have been joined, so it is not enough.
    assert_eq!(store.finds(), 2);
}

#[tokio::test]
async fn only_yes_is_held() {
    let (app, store) = leased().await;
    let mut nobody = app.browser().with_cookie(COOKIE_NAME, &format!("ck1_{}", "A".repeat(43)));
    for asked in 1..=3 {
        assert_eq!((nobody.get("/me").await.status, store.finds()), (401, asked));
    }
    assert_eq!(app.sessions.follow_counts().held, 0);
}

#[tokio::test]
async fn of_two_cookies_exactly_one_usable_is_served_from_memory_too() {
    let (app, store) = leased().await;
    let (ada, bob) = (held(&app).await, app.logged_in("bob").await);
    let mut two = app.browser().with_cookie(COOKIE_NAME, ada.token()).with_cookie(COOKIE_NAME, bob.token());
    for _ in 0..3 {
        assert_eq!(two.get("/me").await.status, 401);
    }
    assert_eq!(store.finds(), 2, "bob's once");
    let nobody = format!("ck1_{}", "A".repeat(43));
    let mut one = app.browser().with_cookie(COOKIE_NAME, &nobody).with_cookie(COOKIE_NAME, ada.token());
    for asked in 3..=5 {
        assert_eq!((one.get("/me").await.body.as_str(), store.finds()), ("ada", asked));
    }
}

#[tokio::test]
async fn two_cookies_on_a_strict_route_lose_nobodys_use() {
    let (app, store) = leased().await;
    let (mut ada, bob) = (held(&app).await, app.logged_in("bob").await);
    app.advance(2 * MINUTE);
    polled(&store).await;
    assert_eq!(ada.get("/me").await.status, 200);
    assert_eq!(app.sessions.touches_pending(), 1);
    let mut two = app.browser().with_cookie(COOKIE_NAME, ada.token()).with_cookie(COOKIE_NAME, bob.token());
    assert_eq!(two.get("/strict").await.status, 401);
    app.sessions.flush().await.unwrap();
    assert_eq!(store.touches(), 1);
}

#[tokio::test]
async fn what_memory_thinks_idle_may_have_been_used_on_another_instance() {
    let policy = Policy { idle_timeout: 10 * MINUTE, ..Policy::default() };
    let (app, store) = leased_with(policy).await;
    let other = beside(&app, &store).await;
    let mut here = held(&app).await;
    app.advance(8 * MINUTE);
    assert_eq!(here.at(&other).get("/me").await.status, 200);
    other.sessions.flush().await.unwrap();
    app.advance(4 * MINUTE);
    until("a lease", || app.sessions.has_lease() == Some(true)).await;
    let before = store.finds();
    assert_eq!((here.get("/me").await.status, store.finds()), (200, before + 1));
    app.advance(10 * MINUTE);
    let answer = here.get("/me").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("session_idle"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_use_is_written_once_however_many_requests_there_are() {
    // Later, by the sweep; and within the request.
    for idle in [10 * MINUTE, Duration::from_secs(9)] {
        let policy = Policy { idle_timeout: idle, touch_every: Duration::ZERO, ..Policy::default() };
        let (app, store) = leased_with(policy).await;
        let browser = held(&app).await;
        for uses in 1..=5 {
            app.advance(Duration::from_secs(1));
            let requests: Vec<_> = (0..50).map(|_| asks(&browser)).collect();
            for request in requests {
                assert_eq!(request.await.unwrap(), 200);
            }
            app.sessions.flush().await.unwrap();
            until("the sweep", || app.sessions.touches_pending() == 0).await;
            assert_eq!(store.touches(), uses, "idle timeout {idle:?}");
        }
    }
}

#[tokio::test]
async fn an_own_logout_counts_at_once() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    let mut thief = browser.clone();
    store.cut_feed(true);
    assert_eq!(browser.post("/logout").await.status, 204);
    assert_eq!(thief.get("/me").await.status, 401);
}

#[tokio::test]
async fn an_own_replacement_counts_at_once() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    let mut old = browser.clone();
    store.cut_feed(true);
    assert_eq!(browser.post("/replace").await.status, 204);
    assert_eq!((old.get("/me").await.status, browser.get("/me").await.status), (401, 200));
}

#[tokio::test]
async fn what_this_instance_ended_by_another_name_is_refused_when_the_answer_comes() {
    let (app, _store) = leased().await;
    let (mut one, mut other) = (held(&app).await, held(&app).await);
    let id = newest(&mut one).await;
    assert_eq!(other.get("/me").await.status, 200);
    assert_eq!(one.post(&format!("/end/{id}")).await.status, 204);
    assert_eq!((other.get("/me").await.status, one.get("/me").await.status), (401, 200));
    let mut others = held(&app).await;
    assert_eq!(one.post("/others").await.body, "1");
    assert_eq!((others.get("/me").await.status, one.get("/me").await.status), (401, 200));
    let mut others = held(&app).await;
    app.sessions.end_everyone().await.unwrap();
    assert_eq!((others.get("/me").await.status, one.get("/me").await.status), (401, 401));
}

/// Without a lease nothing is answered from memory; a reply that was on its way must not change that for what ended here.
#[tokio::test]
async fn a_late_reply_does_not_bring_back_what_this_instance_ended_without_a_lease() {
    let (app, store) = leased().await;
    let (mut one, mut other) = (held(&app).await, held(&app).await);
    let id = newest(&mut one).await;
    assert_eq!(other.get("/me").await.status, 200);
    store.cut_feed(true);
    let errors = app.sessions.follow_counts().errors;
    until("a poll that fails", || app.sessions.follow_counts().errors > errors).await;
    app.advance(LEASE / 2);
    store.poll_gate.shut();
    store.cut_feed(false);
    let before = store.polls();
    until("a poll on its way", || store.polls() > before).await;
    app.advance(LEASE / 2);
    assert_eq!(app.sessions.has_lease(), Some(false));
    let mut ender = one.clone();
    let ending = tokio::spawn(async move { ender.post(&format!("/end/{id}")).await.status });
    let sessions = app.sessions.clone();
    let ada = cloakroom::Subject::new("ada").unwrap();
    while sessions.list(&ada, None, 3).await.unwrap().len() > 1 {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await; // whoever would answer now does
    }
    store.poll_gate.let_one_pass();
    until("the next poll", || store.polls() > before + 1).await;
    if !ending.is_finished() {
        store.poll_gate.open();
    }
    assert_eq!(ending.await.unwrap(), 204);
    assert_eq!((other.get("/me").await.status, one.get("/me").await.status), (401, 200));
}

#[tokio::test]
async fn everywhere_waits_for_every_lease() {
    let short = LeaseTerms { lease: Duration::from_millis(100), ..terms() };
    let (app, _store) = App::watched(Policy::default(), Validation::Leased(short));
    let takes = app.sessions.everywhere_takes();
    assert!(takes > short.lease);
    let sessions = app.sessions.clone();
    let waiting = tokio::spawn(async move { sessions.everywhere().await });
    for _ in 0..4 {
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        app.advance(takes / 4);
    }
    app.advance(Duration::from_nanos(3)); // what the quarters lack
    let waited = waiting.await.unwrap();
    assert!(waited >= takes, "{waited:?}");
    assert_eq!(App::new().sessions.everywhere().await, Duration::ZERO, "strict validation has none");
}
