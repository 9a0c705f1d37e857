//! A recent authentication: how long it counts, and what proving the credential again does to the session.

use std::time::Duration;

use cloakroom::Policy;

use crate::app::App;
use crate::leased::{held, leased};

const RECENT: Duration = Duration::from_mins(10);
const MILLISECOND: Duration = Duration::from_millis(1);

fn policy() -> Policy {
    Policy { recent: RECENT, ..Policy::default() }
}

#[tokio::test]
async fn it_is_recent_to_the_millisecond_whatever_the_use() {
    let app = App::with_policy(policy());
    let mut browser = app.logged_in("ada").await;
    app.advance(RECENT.checked_sub(MILLISECOND).unwrap());
    assert_eq!((browser.get("/recent").await.status, browser.get("/me").await.status), (200, 200));
    app.advance(MILLISECOND);
    let refused = browser.get("/recent").await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("step_up_required"), "{}", refused.body);
    assert_eq!(browser.get("/me").await.status, 200, "the session goes on");
}

#[tokio::test]
async fn nobody_without_a_session_is_recent() {
    let app = App::with_policy(policy());
    assert_eq!(app.browser().get("/recent").await.status, 401);
    let mut browser = app.logged_in("ada").await;
    browser.post("/logout").await;
    assert_eq!(browser.get("/recent").await.status, 401);
}

#[tokio::test]
async fn a_proof_replaces_the_token_and_restarts_both_timers() {
    let app = App::with_policy(policy());
    let mut browser = app.logged_in("ada").await;
    let mut old = browser.clone();
    app.advance(RECENT);
    assert_eq!(browser.get("/recent").await.status, 403);
    let before = app.only_record().await;
    let answer = browser.post("/step-up").await;
    assert_eq!((answer.status, browser.get("/recent").await.status, old.get("/me").await.status), (204, 200, 401));
    let after = app.only_record().await;
    assert_eq!((after.id, &after.subject, after.created_at), (before.id, &before.subject, before.created_at));
    assert_eq!(after.authenticated_at, before.authenticated_at.plus(RECENT));
    assert_eq!(after.last_seen_at, after.authenticated_at);
    assert_eq!(after.absolute_expires_at, before.absolute_expires_at.plus(RECENT));
    assert_eq!(old.post("/step-up").await.status, 401, "an old token proves nothing");
}

#[tokio::test]
async fn a_kept_session_stays_kept() {
    let app = App::with_policy(policy());
    let mut browser = app.browser();
    browser.post("/keep/ada").await;
    app.advance(RECENT);
    let answer = browser.post("/step-up").await;
    let month = Policy::default().keep_absolute_timeout.as_secs();
    assert!(answer.set_cookies[0].ends_with(&format!("; Max-Age={month}")), "{}", answer.set_cookies[0]);
    let record = app.only_record().await;
    assert_eq!(record.absolute_expires_at, record.authenticated_at.plus(Policy::default().keep_absolute_timeout));
}

#[tokio::test]
async fn an_ended_session_is_not_brought_back_by_a_proof() {
    let app = App::with_policy(policy());
    let mut browser = app.logged_in("ada").await;
    let mut copy = browser.clone();
    browser.post("/logout").await;
    assert_eq!((copy.post("/step-up").await.status, app.rows().await), (401, 0));
}

#[tokio::test]
async fn a_limit_lowered_since_makes_no_visit_a_kept_session() {
    let app = App::with_policy(policy());
    let browser = app.logged_in("ada").await;
    let made_for = Policy::default().absolute_timeout;
    let lowered = Policy { absolute_timeout: made_for / 24, idle_timeout: made_for / 24, ..policy() };
    let stricter = app.under(lowered);
    assert_eq!(browser.at(&stricter).post("/step-up").await.status, 204);
    let record = app.only_record().await;
    assert_eq!(record.absolute_expires_at, record.authenticated_at.plus(made_for), "as long as it was made for");
}

#[tokio::test]
async fn what_cannot_be_read_afterwards_loses_no_cookie() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    let mut old = browser.clone();
    store.cut(true); // what is held still answers, and this store replaces a token all the same
    let answer = browser.post("/step-up-then/nothing").await;
    store.cut(false);
    assert_eq!((answer.status, answer.set_cookies.len()), (200, 1));
    assert_eq!(answer.body, "true", "what follows would be done to the new token's session");
    assert_eq!((browser.get("/me").await.status, old.get("/me").await.status), (200, 401));
}

#[tokio::test]
async fn what_follows_in_the_same_request_is_done_to_the_session_with_its_new_token() {
    let app = App::with_policy(policy());
    let (mut here, mut there) = (app.logged_in("ada").await, app.logged_in("ada").await);
    let answer = here.post("/step-up-then/others").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "1"), "the other one, and not this one");
    assert_eq!((here.get("/me").await.status, there.get("/me").await.status), (200, 401));
    for what in ["all", "logout"] {
        let mut here = app.logged_in("ada").await;
        let answer = here.post(&format!("/step-up-then/{what}")).await;
        assert_eq!(answer.status, 204, "{what}");
        assert!(answer.set_cookies.len() == 1 && answer.set_cookies[0].contains("Max-Age=0"), "{what}: {answer:?}");
    }
    assert_eq!(app.rows().await, 0, "`all` ended the first one too, and a logout the new token's session");
}
