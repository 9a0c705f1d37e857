//! Form tokens: each belongs to one token of one session, whatever else the request presents.

use crate::app::{App, Browser, COOKIE_NAME};
use crate::leased::{held, leased};

async fn form_token(browser: &mut Browser) -> String {
    let answer = browser.get("/form-token").await;
    assert_eq!((answer.status, answer.body.len()), (200, 43), "{answer:?}");
    answer.body
}

async fn matches(browser: &mut Browser, sent: &str) -> bool {
    browser.post(&format!("/form/{sent}")).await.body == "true"
}

#[tokio::test]
async fn it_is_the_sessions_own_and_nobody_elses() {
    let app = App::new();
    let (mut ada, mut again, mut bob) =
        (app.logged_in("ada").await, app.logged_in("ada").await, app.logged_in("bob").await);
    let own = form_token(&mut ada).await;
    assert_eq!(own, form_token(&mut ada).await, "every page of a session has the same");
    assert!(matches(&mut ada, &own).await);
    assert!(!matches(&mut again, &own).await, "the same person's other session");
    assert!(!matches(&mut bob, &own).await);
}

#[tokio::test]
async fn cookies_around_change_nothing() {
    let app = App::new();
    let mut ada = app.logged_in("ada").await;
    let own = form_token(&mut ada).await;
    let planted = format!("ck1_{}", "A".repeat(43));
    let mut behind = app.browser().with_cookie(COOKIE_NAME, &planted).with_cookie(COOKIE_NAME, ada.token());
    let mut before = app.browser().with_cookie(COOKIE_NAME, ada.token()).with_cookie(COOKIE_NAME, &planted);
    assert_eq!((form_token(&mut behind).await, form_token(&mut before).await), (own.clone(), own));
}

#[tokio::test]
async fn a_replaced_token_takes_its_form_tokens_with_it() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    for way in ["/replace", "/step-up"] {
        let own = form_token(&mut browser).await;
        browser.post(way).await;
        assert!(!matches(&mut browser, &own).await, "{way}");
        assert_ne!(form_token(&mut browser).await, own, "{way}");
    }
}

#[tokio::test]
async fn the_answer_that_replaces_a_token_can_be_a_page_with_forms() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    let shown = browser.post("/step-up-then/page").await.body;
    assert!(matches(&mut browser, &shown).await);
}

#[tokio::test]
async fn without_a_session_there_is_none_and_an_outage_is_no_logout() {
    let (app, store) = leased().await;
    let mut browser = held(&app).await;
    let mut old = browser.clone();
    assert_eq!(form_token(&mut browser).await, form_token(&mut old).await, "from memory too");
    browser.post("/logout").await;
    assert_eq!((old.get("/form-token").await.status, app.browser().get("/form-token").await.status), (401, 401));
    let mut unknown = app.logged_in("ada").await;
    store.cut(true);
    assert_eq!(unknown.get("/form-token").await.status, 503);
}
