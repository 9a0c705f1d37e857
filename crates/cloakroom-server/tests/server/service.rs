//! The service API: an application that checks credentials itself issues sessions, asks whose a token is, and ends them. Evil tokens,
//! wrong scopes, removed ones, and what nobody should get.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::process::{Place, Server};

const SESSIONS: &str = "/api/v1/service/sessions";

/// A new service token of this scope, as the command line prints it.
fn add(place: &Place, name: &str, scope: &str) -> String {
    let output = place.run(&["service-token", "add", name, "--scope", scope]);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An application that sends this.
fn application(server: &Server, authorization: &str) -> Client {
    server.client().with_header(&format!("authorization: {authorization}"))
}

fn world() -> (Place, Server, Client, String) {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let token = add(&place, "shop", "sessions");
    let shop = application(&server, &format!("Bearer {token}"));
    (place, server, shop, token)
}

fn ask(client: &mut Client, what: &str, body: &Value) -> Answer {
    client.json(&format!("{SESSIONS}{what}"), body.to_string().as_bytes())
}

/// The token of a new session of this subject.
fn issue(client: &mut Client, subject: &str) -> String {
    let answer = ask(client, "", &json!({ "subject": subject }));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["token"].as_str().unwrap().to_owned()
}

fn is(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
}

#[test]
fn an_application_issues_verifies_lists_and_ends() {
    let (place, server, mut shop, _) = world();
    let body = json!({ "subject": "user:7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "ip": "203.0.113.9", "auth_method": "passkey" });
    let answer = ask(&mut shop, "", &body);
    assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
    let (issued, token) = (answer.json()["session"].clone(), answer.json()["token"].as_str().unwrap().to_owned());
    assert_eq!((&issued["subject"], &issued["auth_method"]), (&json!("user:7"), &json!("passkey")));
    assert!(token.starts_with("ck1_") && answer.set_cookies().is_empty(), "no cookie of ours: {answer:?}");
    assert_eq!(place.sqlite("SELECT subject, ip, auth_method FROM sessions"), "user:7|203.0.113.9|passkey");

    let verified = ask(&mut shop, "/verify", &json!({ "token": token }));
    assert_eq!((verified.status, &verified.json()["session"]["id"]), (200, &issued["id"]));
    // The same token in the cookie: the person's own pages and the application agree.
    let mut browser = server.client();
    browser.token = Some(token.clone());
    assert_eq!(browser.get("/api/v1/session").json()["session"]["id"], issued["id"]);

    let other = issue(&mut shop, "user:7");
    issue(&mut shop, "user:8");
    let listed = shop.get(&format!("{SESSIONS}?subject=user%3A7"));
    let sessions = listed.json()["sessions"].as_array().unwrap().clone();
    assert_eq!((listed.status, sessions.len(), &sessions[1]["ip"]), (200, 2, &json!("203.0.113.9")));

    for ended in [1, 0] {
        let answer = ask(&mut shop, "/end", &json!({ "token": token }));
        assert_eq!((answer.status, answer.json()["ended"].clone()), (200, json!(ended)), "again is as welcome");
    }
    is(&ask(&mut shop, "/verify", &json!({ "token": token })), 401, "session_revoked");
    assert_eq!(browser.status(), 401);
    let id = ask(&mut shop, "/verify", &json!({ "token": other })).json()["session"]["id"].clone();
    assert_eq!(ask(&mut shop, "/end", &json!({ "id": id })).json()["ended"], json!(1));
    assert_eq!(ask(&mut shop, "/end", &json!({ "subject": "user:8" })).json()["ended"], json!(1));
    assert_eq!(place.rows(), 0);
}

#[test]
fn many_are_verified_at_once_in_their_order() {
    let (_place, _server, mut shop, _) = world();
    let (first, second) = (issue(&mut shop, "a"), issue(&mut shop, "b"));
    ask(&mut shop, "/end", &json!({ "token": second }));
    let asked = json!({ "tokens": [first, "nonsense", second, first] });
    let answer = ask(&mut shop, "/verify", &asked);
    let sessions = answer.json()["sessions"].as_array().unwrap().clone();
    let said: Vec<_> = sessions
        .iter()
        .map(|one| one["session"]["subject"].as_str().or(one["code"].as_str()).unwrap().to_owned())
        .collect();
    assert_eq!(
        (answer.status, said),
        (200, ["a", "login_required", "session_revoked", "a"].map(str::to_owned).to_vec())
    );
    assert_eq!(ask(&mut shop, "/verify", &json!({ "tokens": [] })).json()["sessions"], json!([]));
    assert_eq!(ask(&mut shop, "/verify", &json!({ "tokens": vec!["x"; 1_000] })).status, 200);
    let too_many = ask(&mut shop, "/verify", &json!({ "tokens": vec!["x"; 1_001] }));
    assert_eq!((too_many.status, too_many.fields()), (422, vec!["tokens".to_owned()]));
    is(&ask(&mut shop, "/verify", &json!({ "tokens": vec![first; 20_000] })), 413, "too_large");
}

#[test]
fn a_verified_token_is_used_and_one_asked_in_the_background_is_not() {
    let place = Place::new().with("SESSION__TOUCH_EVERY", "0s").with_account("ada");
    let server = place.serve();
    let mut shop = application(&server, &format!("Bearer {}", add(&place, "shop", "sessions")));
    let token = issue(&mut shop, "a");
    place.sqlite("UPDATE sessions SET last_seen_at = last_seen_at - 60000, created_at = created_at - 60000, authenticated_at = authenticated_at - 60000");
    let seen = |client: &mut Client, background: bool| {
        let answer = ask(client, "/verify", &json!({ "token": token, "background": background }));
        answer.json()["session"]["last_seen_at"].as_str().unwrap().to_owned()
    };
    let before = seen(&mut shop, true);
    assert_eq!(seen(&mut shop, true), before, "asking is no use");
    assert_eq!(seen(&mut shop, false), before, "what was recorded before this use");
    assert!(seen(&mut shop, true) > before, "verifying was one");
}

#[test]
fn nobody_without_a_service_token_of_the_scope_gets_anything() {
    let (place, server, mut shop, token) = world();
    let session = issue(&mut shop, "user:7");
    let admin = add(&place, "ops", "admin");
    let mut ada = server.logged_in("ada");
    let rows = place.rows();
    let flipped = format!("{}{}", &token[..47], if token.ends_with('A') { "E" } else { "A" });
    let evil = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer {flipped}"),
        format!("Bearer {session}"),
        format!("Bearer {token}x"),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {}", "x".repeat(7_000)),
    ];
    let attempts = |client: &mut Client| {
        [
            ask(client, "", &json!({ "subject": "user:7" })),
            ask(client, "/verify", &json!({ "token": session })),
            ask(client, "/end", &json!({ "subject": "user:7" })),
            client.get(&format!("{SESSIONS}?subject=user%3A7")),
        ]
    };
    for authorization in evil {
        for answer in attempts(&mut application(&server, &authorization)) {
            is(&answer, 401, "login_required");
            assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="cloakroom""#));
        }
    }
    let mut twice = shop.clone().with_header(&format!("authorization: Bearer {token}"));
    // Being logged in is no service token, and neither is one of another scope.
    for answer in attempts(&mut twice).iter().chain(&attempts(&mut ada)) {
        is(answer, 401, "login_required");
    }
    for answer in &attempts(&mut application(&server, &format!("Bearer {admin}"))) {
        is(answer, 403, "forbidden");
    }
    assert_eq!(place.rows(), rows, "nothing was issued or ended");
    assert_eq!(
        ask(&mut application(&server, &format!("bearer  {token}")), "/verify", &json!({ "token": session })).status,
        200
    );
}

#[test]
fn a_removed_service_token_is_refused_on_the_next_request() {
    for mode in ["strict", "leased"] {
        let place = Place::new().with("SESSION__VALIDATION", mode).with("SESSION__LEASE", "300ms").with_account("ada");
        let server = place.serve();
        let mut shop = application(&server, &format!("Bearer {}", add(&place, "shop", "sessions")));
        let token = issue(&mut shop, "user:7");
        let output = place.run(&["service-token", "remove", "shop"]);
        assert_eq!(output.status.code(), Some(1), "it asks for --yes");
        assert_eq!(ask(&mut shop, "/verify", &json!({ "token": token })).status, 200);
        assert!(place.run(&["service-token", "remove", "shop", "--yes"]).status.success());
        let status = |client: &mut Client| ask(client, "/verify", &json!({ "token": token })).status;
        // Under a lease of 300 ms some requests are still served; ten thousand take longer than that.
        let tries = if mode == "leased" { 10_000 } else { 1 };
        let last = (0..tries).map(|_| status(&mut shop)).find(|status| *status != 200).unwrap_or(200);
        assert_eq!(last, 401, "{mode}");
        // What it issued lives on, and a new one of the name is another one.
        let mut again = application(&server, &format!("Bearer {}", add(&place, "shop", "sessions")));
        assert_eq!((status(&mut again), status(&mut shop)), (200, 401));
    }
}

#[test]
fn the_command_line_shows_a_service_token_once() {
    let (place, _server, mut shop, token) = world();
    issue(&mut shop, "user:7");
    assert!(token.starts_with("cks1_") && token.len() == 48);
    let again = place.run(&["service-token", "add", "shop"]);
    assert_eq!(again.status.code(), Some(1));
    for (command, code) in [(["service-token", "add", "a b"], 2), (["service-token", "remove", "nobody"], 1)] {
        assert_eq!(place.run(&command).status.code(), Some(code), "{command:?}");
    }
    let listed = String::from_utf8(place.run(&["service-token", "list", "--json"]).stdout).unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((listed[0]["name"].as_str(), listed[0]["scope"].as_str()), (Some("shop"), Some("sessions")));
    assert!(listed[0]["last_used_at"].is_string() && listed[0].get("token").is_none());
    let file = String::from_utf8_lossy(&std::fs::read(place.file("cloakroom.db")).unwrap()).into_owned();
    assert!(!file.contains(&token) && !file.contains(&token[5..]), "the secret is in the database");
    let made = place.run(&["service-token", "add", "other", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["token"].as_str().unwrap().starts_with("cks1_"));
}

#[test]
fn bad_input_names_its_field_and_changes_nothing() {
    let (place, _server, mut shop, _) = world();
    let session = issue(&mut shop, "user:7");
    for (what, body, field) in [
        ("", json!({}), "subject"),
        ("", json!({ "subject": "" }), "subject"),
        ("", json!({ "subject": "x".repeat(256) }), "subject"),
        ("", json!({ "subject": 7 }), "subject"),
        ("", json!({ "subject": "a", "ip": "300.1.1.1" }), "ip"),
        ("", json!({ "subject": "a", "auth_method": "x".repeat(33) }), "auth_method"),
        ("", json!({ "subject": "a", "keep": "perhaps" }), "keep"),
        ("", json!({ "subject": "a", "keep": "true" }), "keep"),
        ("/verify", json!({ "token": "x", "background": "on" }), "background"),
        ("", json!({ "subject": "a", "admin": true }), "admin"),
        ("/verify", json!({}), "token"),
        ("/verify", json!({ "tokens": "x" }), "tokens"),
        ("/verify", json!({ "tokens": [1] }), "tokens"),
        ("/verify", json!({ "token": "x", "tokens": [] }), "token"),
        ("/end", json!({}), "token"),
        ("/end", json!({ "id": "x" }), "id"),
        ("/end", json!({ "token": session, "subject": "user:7" }), "token"),
        ("/end", json!({ "subject": "user:7", "everywhere": "soon" }), "everywhere"),
    ] {
        let answer = ask(&mut shop, what, &body);
        assert_eq!((answer.status, answer.fields().first().map(String::as_str)), (422, Some(field)), "{what} {body}");
    }
    is(&shop.clone().form(SESSIONS, &[("subject", "a")]), 415, "unsupported_media_type");
    is(&shop.get(SESSIONS), 422, "invalid_input");
    assert_eq!(shop.get(&format!("{SESSIONS}/verify")).status, 405);
    assert_eq!(place.rows(), 1);
}
