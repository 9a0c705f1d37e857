//! Every request is counted once, by how it was validated and what came of it.

use cloakroom::Policy;
use cloakroom::Validation;

use crate::app::App;
use crate::leased::{held, leased};

/// What was counted: mode, outcome, how often.
fn counted(app: &App) -> Vec<(&'static str, &'static str, u64)> {
    let requests = app.sessions.validation_counts().requests;
    assert_eq!(requests.len(), 8, "a closed list, always whole");
    requests.iter().filter(|r| r.count > 0).map(|r| (r.mode, r.outcome, r.count)).collect()
}

#[tokio::test]
async fn leased_requests() {
    let (app, _store) = leased().await;
    let mut browser = held(&app).await; // a login and a load
    for _ in 0..100 {
        browser.get("/me").await;
    }
    app.browser().get("/me").await;
    let mut copied = browser.clone();
    browser.post("/logout").await;
    copied.get("/me").await;
    let counts = counted(&app);
    assert_eq!(counts, [("leased", "active", 102), ("leased", "anonymous", 2), ("leased", "ended", 1)]);
}

#[tokio::test]
async fn strict_requests() {
    let (app, _store) = App::watched(Policy::default(), Validation::Strict);
    let mut browser = app.logged_in("ada").await;
    for _ in 0..100 {
        browser.get("/me").await;
    }
    let mut copied = browser.clone();
    browser.post("/logout").await;
    copied.get("/me").await;
    assert_eq!(counted(&app), [("strict", "active", 101), ("strict", "anonymous", 1), ("strict", "ended", 1)]);
    let timed: u64 = app.sessions.validation_counts().latency.buckets.iter().map(|(_, count)| count).sum();
    assert!(timed >= 102, "each that presents a token waited here: {timed}");
}
