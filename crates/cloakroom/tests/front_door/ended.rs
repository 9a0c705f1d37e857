//! Waiting for the end of a session, as a WebSocket does (G10): under strict and under leased validation.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{Policy, Validation};
use cloakroom_core::store::{Purge, SessionStore as _};
use tokio::task::JoinHandle;

use crate::app::{App, Browser};
use crate::leased::{LEASE, polled, terms, until};
use crate::watched::{Handed, Watched};

const MINUTE: Duration = Duration::from_mins(1);

fn modes() -> [Validation; 2] {
    [Validation::Strict, Validation::Leased(terms())]
}

/// An instance with somebody logged in whose connection waits for the end.
struct World {
    app: App,
    store: Arc<Watched>,
    browser: Browser,
    connection: JoinHandle<String>,
}

impl World {
    async fn new(validation: Validation, policy: Policy) -> Self {
        let (app, store) = App::watched(policy, validation);
        let browser = app.logged_in("ada").await;
        let connection = opened(&browser);
        let world = Self { app, store, browser, connection };
        world.waits(1).await;
        polled(&world.store).await;
        world
    }

    async fn waits(&self, connections: u64) {
        until("it waits", || self.app.sessions.follow_counts().waiting == connections).await;
    }
}

fn opened(browser: &Browser) -> JoinHandle<String> {
    let mut browser = browser.clone();
    tokio::spawn(async move {
        let answer = browser.get("/until-ended").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    })
}

#[tokio::test]
async fn a_logout_here_or_elsewhere_closes_every_connection() {
    for mode in modes() {
        let mut world = World::new(mode, Policy::default()).await;
        let second = opened(&world.browser);
        world.waits(2).await;
        assert_eq!(world.browser.post("/logout").await.status, 204);
        assert_eq!(world.connection.await.unwrap(), "Because(Logout)", "{mode:?}");
        assert_eq!(second.await.unwrap(), "Because(Logout)");

        let world = World::new(mode, Policy::default()).await;
        let other = world.app.beside(Arc::new(Handed(Arc::clone(&world.store))));
        assert_eq!(world.browser.at(&other).post("/all").await.status, 200);
        assert_eq!(world.connection.await.unwrap(), "Because(SubjectWide)", "{mode:?}");
        assert_eq!(world.app.sessions.follow_counts().waiting, 0);
    }
}

#[tokio::test]
async fn other_sessions_are_left_alone() {
    for mode in modes() {
        let mut world = World::new(mode, Policy::default()).await;
        let mut other = world.app.logged_in("ada").await;
        assert_eq!(other.post("/logout").await.status, 204);
        assert_eq!(world.app.logged_in("bob").await.post("/all").await.status, 200);
        polled(&world.store).await;
        assert!(!world.connection.is_finished());
        assert_eq!(world.browser.post("/logout").await.status, 204);
        world.connection.await.unwrap();
    }
}

#[tokio::test]
async fn timeouts_close_it_and_use_prolongs_it() {
    for mode in modes() {
        let policy = Policy { idle_timeout: 10 * MINUTE, absolute_timeout: 30 * MINUTE, ..Policy::default() };
        let mut world = World::new(mode, policy.clone()).await;
        world.app.advance(9 * MINUTE);
        assert_eq!(world.browser.get("/me").await.status, 200);
        until("a lease", || world.app.sessions.follow_counts().lease_age < Some(MINUTE)).await;
        world.app.advance(10 * MINUTE);
        assert_eq!(world.connection.await.unwrap(), "Because(Idle)", "{mode:?}");

        let world = World::new(mode, Policy { idle_timeout: 30 * MINUTE, ..policy }).await;
        world.app.advance(30 * MINUTE);
        assert_eq!(world.connection.await.unwrap(), "Because(Absolute)", "{mode:?}");
    }
}

#[tokio::test]
async fn a_session_with_a_new_token_lives_on() {
    for mode in modes() {
        let mut world = World::new(mode, Policy::default()).await;
        assert_eq!(world.browser.post("/replace").await.status, 204);
        polled(&world.store).await;
        polled(&world.store).await;
        assert!(!world.connection.is_finished(), "{mode:?}: {:?}", world.connection.await);
        assert_eq!(world.browser.post("/logout").await.status, 204);
        assert_eq!(world.connection.await.unwrap(), "Because(Logout)", "{mode:?}");
    }
}

/// The feed cannot name what ended: whoever waits asks.
#[tokio::test]
async fn an_ending_that_nobody_names_closes_it_too() {
    for mode in modes() {
        let world = World::new(mode, Policy::default()).await;
        let other = world.app.beside(Arc::new(Handed(Arc::clone(&world.store))));
        world.store.cut_feed(true);
        other.sessions.end_everyone().await.unwrap();
        let later = world.app.sessions.policy().feed_retention;
        let now = cloakroom_core::world::Clock::now(&*world.app.clock).plus(later);
        let purge = Purge { ended_before: now, feed_before: now, chunk: 100, at: now };
        Handed(Arc::clone(&world.store)).purge(purge).await.unwrap();
        world.store.cut_feed(false);
        assert_eq!(world.connection.await.unwrap(), "Because(ByHand)", "{mode:?}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_closes_it_when_the_lease_is_over() {
    for mode in modes() {
        let mut world = World::new(mode, Policy::default()).await;
        world.store.cut(true);
        let errors = world.app.sessions.follow_counts().errors;
        until("a poll that fails", || world.app.sessions.follow_counts().errors > errors).await;
        assert!(!world.connection.is_finished(), "within the lease");
        world.app.advance(LEASE);
        assert_eq!(world.connection.await.unwrap(), "Unknown", "{mode:?}");
        world.store.cut(false);
        assert_eq!(world.browser.get("/me").await.status, 200, "nobody was logged out");
    }
}

#[tokio::test]
async fn a_session_that_ended_before_anybody_waited_is_over_at_once() {
    for mode in modes() {
        let (app, store) = App::watched(Policy::default(), mode);
        let browser = app.logged_in("ada").await;
        store.find_gate.shut();
        let connection = opened(&browser);
        until("it is validated", || store.finds() == 1).await;
        app.sessions.end_everyone().await.unwrap();
        store.find_gate.open();
        assert_eq!(connection.await.unwrap(), "Because(Everyone)", "{mode:?}");
    }
}
