//! The front door as a client meets it: logging in, being recognised, logging out, and what it never does.

use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, COOKIE_NAME};
use cloakroom::{CookieSettings, EndReason, Policy, Subject};
use cloakroom_core::store::memory::MemoryStore;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

#[tokio::test]
async fn login_makes_one_row_and_one_cookie() {
    let app = App::new();
    let mut browser = app.browser();
    let answer = browser.post("/login/ada").await;
    assert_eq!((answer.status, app.rows().await), (204, 1));
    let [cookie] = &answer.set_cookies[..] else { panic!("one Set-Cookie, found {:?}", answer.set_cookies) };
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
    assert!(!answer.body.contains("ck1_"));
    let answer = browser.get("/me").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ada"));
    assert_eq!(answer.cache_control.as_deref(), Some("no-store"));
    assert!(answer.set_cookies.is_empty());
}

#[tokio::test]
async fn keep_me_signed_in_makes_the_cookie_persistent() {
    let app = App::new();
    let mut browser = app.browser();
    let answer = browser.post("/keep/ada").await;
    assert!(answer.set_cookies[0].ends_with("; Max-Age=2592000"), "{:?}", answer.set_cookies);
    app.advance(SECOND * 86_400);
    let answer = browser.post("/replace").await;
    assert!(answer.set_cookies[0].ends_with("; Max-Age=2505600"), "{:?}", answer.set_cookies);
}

#[tokio::test]
async fn without_a_session_nothing_is_marked_and_nothing_stored() {
    let app = App::new();
    let answer = app.browser().get("/public").await;
    assert_eq!((answer.status, answer.cache_control, answer.set_cookies.len()), (200, None, 0));
    let answer = app.browser().get("/me").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains(r#""code":"login_required""#), "{}", answer.body);
    assert!(answer.headers.contains_key("www-authenticate"));
    assert_eq!(app.browser().get("/maybe").await.body, "nobody");
    assert_eq!(app.rows().await, 0);
}

#[tokio::test]
async fn logout_deletes_the_row_and_the_copied_cookie_is_refused() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    let mut thief = browser.clone();
    assert_eq!(thief.get("/me").await.status, 200);
    let answer = browser.post("/logout").await;
    assert_eq!((answer.status, app.rows().await), (204, 0));
    assert!(answer.set_cookies[0].contains("Max-Age=0"));
    assert!(browser.cookies.is_empty());
    for path in ["/me", "/peek", "/list"] {
        let answer = thief.get(path).await;
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains(r#""code":"session_revoked""#), "{}", answer.body);
        assert!(answer.set_cookies.is_empty());
    }
    assert_eq!(thief.get("/outcome").await.body, "Ended(Logout)");
    assert_eq!(thief.post("/logout").await.status, 401);
    assert_eq!(thief.post("/logout-anyway").await.status, 204);
    assert_eq!(app.browser().post("/logout-anyway").await.status, 204);
}

#[tokio::test]
async fn a_planted_cookie_is_never_adopted_and_an_older_session_ends() {
    let app = App::new();
    let planted = format!("ck1_{}", "A".repeat(43));
    let mut browser = app.browser().with_cookie(COOKIE_NAME, &planted);
    assert_eq!(browser.get("/me").await.status, 401);
    browser.post("/login/ada").await;
    assert_ne!(browser.token(), planted);
    let mut older = browser.clone();
    browser.post("/login/bob").await;
    assert_eq!((browser.get("/me").await.body.as_str(), app.rows().await), ("bob", 1));
    assert_eq!(older.get("/outcome").await.body, "Ended(NewLogin)");
}

#[tokio::test]
async fn of_several_cookies_exactly_one_usable_is_served() {
    let app = App::new();
    let (one, other) = (app.logged_in("ada").await, app.logged_in("bob").await);
    let mut gone = app.logged_in("eve").await;
    let gone_token = gone.token().to_owned();
    gone.post("/logout").await;
    let both = app.browser().with_cookie(COOKIE_NAME, &gone_token).with_cookie(COOKIE_NAME, one.token());
    assert_eq!(both.clone().get("/me").await.body, "ada");
    let mut two = both.with_cookie(COOKIE_NAME, other.token());
    let answer = two.get("/me").await;
    assert_eq!((answer.status, answer.set_cookies.len()), (401, 0));
    assert_eq!(two.get("/outcome").await.body, "Anonymous");
    let mut twice = app.browser().with_cookie(COOKIE_NAME, one.token()).with_cookie(COOKIE_NAME, one.token());
    assert_eq!(twice.get("/me").await.body, "ada");
    // Logging in again ends both.
    two.post("/login/ada").await;
    assert_eq!((two.get("/me").await.status, app.rows().await), (200, 1));
}

#[tokio::test]
async fn a_cookie_of_another_kind_is_not_ours() {
    let plain = App::with(Policy::default(), CookieSettings::insecure_for_plain_http(), Arc::new(MemoryStore::new()));
    let browser = plain.logged_in("ada").await;
    let token = browser.token().to_owned();
    assert_eq!(plain.browser().with_cookie("cloakroom", &token).get("/me").await.status, 200);
    for name in ["Cloakroom", "__Host-cloakroom", "__Secure-cloakroom", " cloakroo"] {
        assert_eq!(plain.browser().with_cookie(name, &token).get("/me").await.status, 401, "{name}");
    }
}

#[tokio::test]
async fn the_idle_timeout_holds_to_the_millisecond_and_use_prolongs_it() {
    let policy = Policy { idle_timeout: 3 * SECOND, ..Policy::default() };
    let app = App::with_policy(policy);
    let mut browser = app.logged_in("ada").await;
    for _ in 0..5 {
        app.advance(Duration::from_millis(2_999));
        assert_eq!(browser.get("/me").await.status, 200);
    }
    app.advance(3 * SECOND);
    let answer = browser.get("/me").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("session_idle"), "{}", answer.body);
}

#[tokio::test]
async fn asking_for_ones_own_session_is_no_use() {
    for idle in [3 * SECOND, 7_200 * SECOND] {
        let app = App::with_policy(Policy { idle_timeout: idle, ..Policy::default() });
        let mut browser = app.logged_in("ada").await;
        for _ in 0..9 {
            app.advance(idle / 10);
            assert_eq!(browser.get("/peek").await.status, 200);
        }
        app.advance(idle / 10);
        assert!(browser.get("/peek").await.body.contains("session_idle"));
    }
}

#[tokio::test]
async fn the_absolute_timeout_holds_to_the_millisecond_however_much_it_is_used() {
    let policy = Policy { absolute_timeout: 10 * SECOND, idle_timeout: 10 * SECOND, ..Policy::default() };
    let app = App::with_policy(policy);
    let mut browser = app.logged_in("ada").await;
    for _ in 0..9 {
        app.advance(SECOND);
        assert_eq!(browser.get("/me").await.status, 200);
    }
    app.advance(Duration::from_millis(999));
    assert_eq!(browser.get("/me").await.status, 200);
    app.advance(MILLI);
    assert!(browser.get("/me").await.body.contains("session_absolute"));
}

#[tokio::test]
async fn a_pending_use_is_written_by_flush() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    app.advance(7_000 * SECOND);
    assert_eq!(browser.get("/me").await.status, 200);
    app.sessions.flush().await.unwrap();
    let mut elsewhere = browser.at(&app.beside(Arc::clone(&app.store)));
    app.advance(7_000 * SECOND);
    assert_eq!(elsewhere.get("/me").await.status, 200, "the use counts on another instance");
}

#[tokio::test]
async fn a_use_that_is_written_too_late_revives_nothing() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    app.advance(7_000 * SECOND);
    browser.get("/me").await;
    app.advance(1_000 * SECOND); // a process that was stopped in between: the store has seen the session expire
    assert_eq!(browser.get("/me").await.status, 200, "here the use is known");
    app.sessions.flush().await.unwrap();
    assert!(browser.get("/me").await.body.contains("session_idle"));
}

#[tokio::test]
async fn ending_others_all_and_one() {
    let app = App::new();
    let mut here = app.logged_in("ada").await;
    let (mut there, mut bob) = (app.logged_in("ada").await, app.logged_in("bob").await);
    assert_eq!(here.post("/others").await.body, "1");
    assert_eq!(there.get("/outcome").await.body, "Ended(OtherDevice)");
    let bobs = bob.get("/list").await.body;
    assert_eq!(here.post(&format!("/end/{bobs}")).await.status, 404);
    assert_eq!(bob.get("/me").await.status, 200);
    app.advance(MILLI); // ids sort by the millisecond
    let mut again = app.logged_in("ada").await;
    let ids = here.get("/list").await.body;
    let (newest, _) = ids.split_once(' ').unwrap();
    assert_eq!(here.post(&format!("/end/{newest}")).await.status, 204);
    assert_eq!(again.get("/me").await.status, 401);
    assert_eq!(here.post("/all").await.body, "1");
    assert_eq!((here.get("/me").await.status, app.rows().await), (401, 1));
    let why: Vec<_> = app.sessions.history(&Subject::new("ada").unwrap(), 10).await.unwrap();
    let why: Vec<_> = why.iter().map(|ending| ending.reason).collect();
    assert_eq!(why, [EndReason::SubjectWide, EndReason::OtherDevice, EndReason::OtherDevice]);
}

#[tokio::test]
async fn replacing_the_token_refuses_the_old_one() {
    let app = App::new();
    let mut browser = app.logged_in("ada").await;
    let mut copy = browser.clone();
    assert_eq!(browser.post("/replace").await.status, 204);
    assert_eq!((browser.get("/me").await.status, copy.get("/me").await.status), (200, 401));
    assert_eq!(app.rows().await, 1);
}

#[tokio::test]
async fn the_oldest_session_ends_over_the_cap() {
    let app = App::with_policy(Policy { max_per_subject: 2, ..Policy::default() });
    let mut first = app.logged_in("ada").await;
    app.advance(SECOND);
    let mut second = app.logged_in("ada").await;
    app.advance(SECOND);
    app.logged_in("ada").await;
    assert_eq!(first.get("/outcome").await.body, "Ended(OverCap)");
    assert_eq!((second.get("/me").await.status, app.rows().await), (200, 2));
}

#[tokio::test]
async fn a_login_overtaken_by_a_revocation_gets_nothing() {
    let app = App::new();
    let attempt = app.sessions.begin().await.unwrap();
    app.sessions.end_all_of(&Subject::new("ada").unwrap()).await.unwrap();
    let error = attempt.issue("ada").await.unwrap_err();
    assert!(error.is_overtaken());
    assert_eq!((error.code().as_str(), app.rows().await), ("session_revoked", 0));
}

#[tokio::test]
async fn subjects_that_cannot_be_are_errors() {
    let app = App::new();
    for evil in ["", &"x".repeat(256), "a\0b"] {
        let error = app.sessions.begin().await.unwrap().issue(evil).await.unwrap_err();
        assert!(error.is_not_a_subject(), "{evil:?}");
    }
    let _ = app.sessions.begin().await.unwrap().issue(&42).await.unwrap();
}

#[tokio::test]
async fn a_forgotten_layer_is_a_clear_mistake() {
    let router = axum::Router::new().route("/me", axum::routing::get(async |_: cloakroom::Principal| ""));
    let request = http::Request::get("/me").body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), 500);
}

#[test]
fn a_policy_out_of_range_is_refused_at_construction() {
    let error = cloakroom::Sessions::builder().policy(Policy { max_per_subject: 0, ..Policy::default() }).in_memory();
    assert!(error.unwrap_err().to_string().starts_with("session.max_per_subject"));
}
