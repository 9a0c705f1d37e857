//! Tokens that travel another way than in a cookie: issued for somebody else's client, verified by themselves, as the layer would.

use std::net::IpAddr;
use std::time::Duration;

use cloakroom::{ClientFacts, EndReason, Outcome, Policy, Subject, Target, Token};

use crate::app::App;
use crate::leased;

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

/// A session issued for a client elsewhere.
async fn issued(app: &App, subject: &str) -> Token {
    let attempt = app.sessions.begin().await.unwrap().client(ClientFacts::new(Some("curl/8"), Some(CLIENT)));
    let issued = attempt.issue_token(subject).await.unwrap();
    assert_eq!((issued.principal().subject().as_str(), issued.over_cap()), (subject, 0));
    assert!(!format!("{issued:?}").contains(issued.token().reveal().as_str()), "it shows its token");
    Token::parse(&issued.token().reveal()).unwrap()
}

fn is_active(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Active(_))
}

#[tokio::test]
async fn a_token_is_verified_until_its_session_ends() {
    for app in [App::new(), leased::leased().await.0] {
        let (token, other) = (issued(&app, "ada").await, issued(&app, "ada").await);
        let record = app.sessions.list(&Subject::new("ada").unwrap(), None, 1).await.unwrap().remove(0);
        assert_eq!((record.client.ip(), record.client.user_agent()), (Some(CLIENT), Some("curl/8")));
        assert!(is_active(&app.sessions.verify(&token).await));
        assert!(is_active(&app.sessions.verify_without_use(&other).await));
        app.sessions.end(Target::Token(token.digest()), EndReason::Logout).await.unwrap();
        assert!(matches!(app.sessions.verify(&token).await, Outcome::Ended(EndReason::Logout)));
        assert!(is_active(&app.sessions.verify(&other).await), "another session");
        let nobody = Token::parse(&format!("ck1_{}", "A".repeat(43))).unwrap();
        assert!(matches!(app.sessions.verify(&nobody).await, Outcome::Anonymous));
    }
}

#[tokio::test]
async fn verifying_is_a_use_and_asking_in_the_background_is_none() {
    let policy = Policy { idle_timeout: Duration::from_mins(10), ..Policy::default() };
    let app = App::with_policy(policy);
    let (used, watched) = (issued(&app, "ada").await, issued(&app, "bob").await);
    for _ in 0..3 {
        app.advance(Duration::from_mins(4));
        assert!(is_active(&app.sessions.verify(&used).await));
        let _asked = app.sessions.verify_without_use(&watched).await;
        app.sessions.flush().await.unwrap();
    }
    assert!(matches!(app.sessions.verify_without_use(&watched).await, Outcome::Ended(EndReason::Idle)));
    assert!(is_active(&app.sessions.verify(&used).await));
}

#[tokio::test]
async fn a_login_that_was_revoked_meanwhile_gets_no_token() {
    let app = App::new();
    let attempt = app.sessions.begin().await.unwrap();
    app.sessions.end_all_of(&Subject::new("ada").unwrap()).await.unwrap();
    assert!(attempt.issue_token("ada").await.unwrap_err().is_overtaken());
    assert_eq!(app.rows().await, 0);
}
