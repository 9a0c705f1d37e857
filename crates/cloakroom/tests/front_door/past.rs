//! When a session will end, and how one ended: said of the session of the request, and of nobody else's.

use std::time::Duration;

use cloakroom::{Policy, Subject};

use crate::app::{App, Browser, COOKIE_NAME};

const MILLISECOND: Duration = Duration::from_millis(1);
/// When every application's clock starts.
const BEGAN: i64 = 1_790_000_000_000;

const fn minute(minutes: i64) -> i64 {
    BEGAN + minutes * 60_000
}

fn policy() -> Policy {
    Policy { idle_timeout: Duration::from_mins(20), absolute_timeout: Duration::from_mins(30), ..Policy::default() }
}

async fn unused_until(browser: &mut Browser) -> i64 {
    let body = browser.get("/unused-until").await.body;
    body.parse().unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[tokio::test]
async fn it_ends_when_it_was_said_to_end() {
    let app = App::with_policy(policy());
    let mut browser = app.logged_in("ada").await;
    assert_eq!(unused_until(&mut browser).await, minute(20));
    app.advance(Duration::from_secs(30));
    assert_eq!(unused_until(&mut browser).await, minute(20), "a use so soon is not recorded");
    app.advance(Duration::from_secs(30));
    assert_eq!(unused_until(&mut browser).await, minute(21), "and this one is");
    app.sessions.flush().await.unwrap(); // as the sweep does within a second
    app.advance(Duration::from_mins(20).checked_sub(MILLISECOND).unwrap());
    assert_eq!(browser.get("/me").await.status, 200, "a millisecond before");
    assert_eq!(unused_until(&mut browser).await, minute(30), "whatever the use");
    app.advance(Duration::from_mins(9).checked_add(MILLISECOND).unwrap());
    assert_eq!(browser.get("/me").await.status, 401);
}

#[tokio::test]
async fn why_and_when_is_said_to_who_has_the_token() {
    let app = App::with_policy(policy());
    let (mut idle, mut revoked) = (app.logged_in("ada").await, app.logged_in("bob").await);
    app.advance(Duration::from_mins(5));
    app.sessions.end_all_of(&Subject::new("bob").unwrap()).await.unwrap();
    assert_eq!(revoked.get("/past").await.body, format!("subject_wide {} None", minute(5)));
    assert_eq!(idle.get("/past").await.body, "", "it goes on");
    app.advance(Duration::from_mins(20));
    // Asking whether it goes on was a use.
    assert_eq!(idle.get("/past").await.body, format!("idle {} Some(1200s)", minute(25)));
    app.advance(Duration::from_mins(20));
    assert_eq!(
        idle.get("/past").await.body,
        format!("absolute {} Some(1800s)", minute(30)),
        "the verdict says so then"
    );
    for value in ["", "ck1_", "01890000-0000-7000-8000-000000000000"] {
        let mut other = app.browser().with_cookie(COOKIE_NAME, value);
        assert_eq!(other.get("/past").await.body, "", "{value}");
    }
}
