//! Logging in over the JSON interface: one row, one cookie, one answer for every refusal.

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn login_creates_exactly_one_row_and_the_token_is_only_in_the_cookie() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.client();
    let answer = client.log_in("  ADA ", PASSWORD);
    assert_eq!((answer.status, place.rows()), (200, 1));
    let [cookie] = answer.set_cookies()[..] else { panic!("one cookie: {answer:?}") };
    assert!(cookie.starts_with("cloakroom=ck1_"));
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!answer.body.contains("ck1_"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let session = &answer.json()["session"];
    let mut keys: Vec<_> = session.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    assert_eq!(
        keys.join(" "),
        "absolute_expires_at auth_method authenticated_at created_at current id idle_expires_at last_seen_at subject"
    );
    let again = client.get("/api/v1/session");
    assert_eq!((again.status, &again.json()["session"]["id"]), (200, &session["id"]));
    assert_eq!(again.json()["session"]["current"], true);
    assert_eq!(place.rows(), 1);
}

#[test]
fn logging_in_over_an_older_session_ends_it_and_a_planted_cookie_is_not_adopted() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let planted = format!("ck1_{}", "A".repeat(43));
    let mut client = server.client();
    client.token = Some(planted.clone());
    assert_eq!(client.status(), 401);
    client.log_in("ada", PASSWORD);
    assert_ne!(client.token(), planted);
    let mut older = client.clone();
    client.log_in("bob", PASSWORD);
    assert_eq!((client.status(), older.status(), place.rows()), (200, 401, 1));
    assert_eq!(older.get("/api/v1/session").code(), "session_revoked");
}

#[test]
fn every_refusal_looks_the_same() {
    let place = Place::new().with_account("ada").with_account("gone");
    assert!(place.run(&["account", "disable", "gone", "--yes"]).status.success());
    let server = place.serve();
    let refused = |name: &str, password: &str| {
        let mut answer = server.client().log_in(name, password);
        answer.headers.retain(|(name, _)| name != "x-request-id" && name != "date");
        let mut body = answer.json();
        body["request_id"] = "".into();
        (answer.status, answer.headers, body)
    };
    let wrong = refused("ada", OTHER_PASSWORD);
    assert_eq!((wrong.0, wrong.2["code"].as_str()), (401, Some("invalid_credentials")));
    assert!(wrong.1.iter().any(|(name, _)| name == "www-authenticate"));
    assert_eq!(refused("nobody", PASSWORD), wrong);
    assert_eq!(refused("gone", PASSWORD), wrong);
    assert_eq!(refused("gone", OTHER_PASSWORD), wrong);
    assert_eq!(place.rows(), 0);
}

#[test]
fn the_cap_holds_exactly_under_concurrent_logins() {
    let place = Place::new().with("SESSION__MAX_PER_SUBJECT", "3").with_account("ada");
    let server = place.serve();
    let clients: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = (0..12).map(|_| scope.spawn(|| server.logged_in("ada"))).collect();
        logins.into_iter().map(|login| login.join().unwrap()).collect()
    });
    let usable = clients.into_iter().filter_map(|mut client| (client.status() == 200).then_some(())).count();
    assert_eq!((usable, place.rows()), (3, 3));
}

#[test]
fn a_login_from_another_site_is_refused() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    for line in ["sec-fetch-site: cross-site", "origin: https://evil.example", "origin: null"] {
        let answer = server.client().with_header(line).log_in("ada", PASSWORD);
        assert_eq!((answer.status, answer.code().as_str()), (403, "cross_site"), "{line}");
    }
    assert_eq!(place.rows(), 0);
}
