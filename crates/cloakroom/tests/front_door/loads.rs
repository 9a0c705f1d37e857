//! Loads: what memory cannot answer is asked once for everybody who wants it, and nobody is told what is too old.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::{EndReason, Target};
use cloakroom_core::token::TokenDigest;

use crate::leased::{LEASE, asks, held, leased, newest, until};
use crate::watched::Handed;

/// The load has read the session; then it ends; whoever asks after that must not be told what was read before.
#[tokio::test]
async fn nobody_joins_a_load_from_before_an_own_ending() {
    let (app, store) = leased().await;
    let mut one = held(&app).await;
    app.advance(Duration::from_millis(1));
    let other = app.logged_in("ada").await;
    let id = newest(&mut one).await;
    store.find_gate.shut();
    let before = store.finds();
    let early = asks(&other);
    until("a load", || store.finds() > before).await;
    assert_eq!(one.post(&format!("/end/{id}")).await.status, 204);
    let late = asks(&other);
    let counts = || app.sessions.validation_counts();
    until("the late request", || counts().joined > 0 || store.finds() > before + 1).await;
    store.find_gate.open();
    assert_eq!((early.await.unwrap(), late.await.unwrap()), (200, 401));
}

#[tokio::test]
async fn a_load_that_raced_with_an_ending_elsewhere_is_not_held() {
    let (app, store) = leased().await;
    let other = app.beside(Arc::new(Handed(Arc::clone(&store))));
    let browser = app.logged_in("ada").await;
    store.find_gate.shut();
    let load = asks(&browser);
    until("a load", || store.finds() == 1).await;
    other.sessions.end_all_of(&cloakroom::Subject::new("ada").unwrap()).await.unwrap();
    let seen = || app.sessions.follow_counts().delays.iter().map(|(_, counted)| counted).sum::<u64>();
    until("the ending is seen", || seen() > 0).await;
    store.find_gate.open();
    assert_eq!(load.await.unwrap(), 200, "it began before");
    assert_eq!(browser.clone().get("/me").await.status, 401);
    assert_eq!(app.sessions.follow_counts().held, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_herd_is_one_load() {
    let (app, store) = leased().await;
    let browser = app.logged_in("ada").await;
    store.find_gate.shut();
    let herd: Vec<_> = (0..200).map(|_| asks(&browser)).collect();
    until("the herd", || app.sessions.validation_counts().joined == 199).await;
    store.find_gate.open();
    for request in herd {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!((store.finds(), app.sessions.validation_counts().loads), (1, 1));
}

#[tokio::test]
async fn a_load_that_outlives_its_lease_is_asked_again_and_then_given_up() {
    let (app, store) = leased().await;
    let browser = app.logged_in("ada").await;
    store.find_gate.shut();
    for (is_late_again, status) in [(false, 200), (true, 503)] {
        app.sessions.catch_up().await;
        let before = store.finds();
        let mut asker = browser.clone();
        let request = tokio::spawn(async move { asker.get("/me").await });
        until("a load", || store.finds() > before).await;
        app.advance(LEASE);
        store.find_gate.let_one_pass();
        until("another", || store.finds() > before + 1).await;
        app.advance(if is_late_again { LEASE } else { LEASE.saturating_sub(Duration::from_nanos(1)) });
        store.find_gate.let_one_pass();
        let answer = request.await.unwrap();
        assert_eq!((answer.status, store.finds(), answer.set_cookies.len()), (status, before + 2, 0));
        if is_late_again {
            assert!(answer.headers.contains_key("retry-after"));
        } else {
            // So that it is loaded again.
            app.advance(2 * LEASE);
            store.cut_feed(true);
        }
    }
}

#[tokio::test]
async fn a_request_that_goes_away_takes_its_load_with_it_from_nobody() {
    let (app, store) = leased().await;
    let browser = app.logged_in("ada").await;
    store.find_gate.shut();
    let first = asks(&browser);
    until("a load", || store.finds() == 1).await;
    let second = asks(&browser);
    until("somebody joins", || app.sessions.validation_counts().joined == 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    store.find_gate.open();
    assert_eq!((second.await.unwrap(), store.finds()), (200, 1));
    assert_eq!((browser.clone().get("/me").await.status, store.finds()), (200, 1), "and it is held");
}

#[tokio::test]
async fn logging_out_with_tokens_that_never_were_keeps_no_load_from_being_held() {
    let (app, store) = leased().await;
    let browser = app.logged_in("ada").await;
    store.find_gate.shut();
    let load = asks(&browser);
    until("a load", || store.finds() == 1).await;
    let never = TokenDigest::from_bytes([7; 32]);
    assert_eq!(app.sessions.end(Target::Token(never), EndReason::Logout).await.unwrap(), 0);
    store.find_gate.open();
    assert_eq!((load.await.unwrap(), app.sessions.follow_counts().held), (200, 1));
}

#[tokio::test]
async fn a_load_that_fails_is_nobodys_later() {
    let (app, store) = leased().await;
    let mut browser = app.logged_in("ada").await;
    store.cut(true);
    assert_eq!(browser.get("/me").await.status, 503);
    store.cut(false);
    assert_eq!(browser.get("/me").await.status, 200);
}

#[tokio::test]
async fn a_load_that_fails_after_its_time_is_not_asked_again() {
    let (app, store) = leased().await;
    let mut browser = app.logged_in("ada").await;
    store.find_gate.shut();
    let request = tokio::spawn(async move { browser.get("/me").await });
    until("a load", || store.finds() == 1).await;
    app.advance(2 * LEASE);
    store.cut(true);
    store.find_gate.let_one_pass();
    let answer = request.await.unwrap();
    assert_eq!((answer.status, app.sessions.validation_counts().loads), (503, 1));
    assert!(answer.body.contains(r#""code":"unavailable""#), "{}", answer.body);
}
