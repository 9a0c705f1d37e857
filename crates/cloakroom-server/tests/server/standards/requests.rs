//! ASVS 5.0 V3, V8, V13 and V14, RFC 6265bis, RFC 9110: what a request can claim, and what an answer gives away.

use crate::process::{PASSWORD, Place};

#[test]
fn nothing_a_client_adds_makes_it_somebody_else() {
    let place = Place::new().with_account("ada").with_account("root");
    let server = place.serve();
    let mut ada = server.logged_in("ada");
    let subject = ada.get("/api/v1/session").json()["session"]["subject"].clone();
    for line in [
        "x-user: root",
        "remote-user: root",
        "x-forwarded-user: root",
        "x-remote-user: root",
        "authorization: Basic cm9vdDpyb290",
        "cookie: role=administrator; user=root; admin=1",
    ] {
        let answer = ada.clone().with_header(line).get("/api/v1/session");
        assert_eq!((answer.status, &answer.json()["session"]["subject"]), (200, &subject), "{line}");
        assert_eq!(server.client().with_header(line).status(), 401, "{line}");
    }
}

#[test]
fn every_flipped_character_of_a_token_is_refused() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let client = server.logged_in("ada");
    let token = client.token().to_owned();
    for at in 0..token.len() {
        let mut flipped = token.clone().into_bytes();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let mut other = client.clone();
        other.token = Some(String::from_utf8(flipped).unwrap());
        assert_eq!(other.status(), 401, "at {at}");
    }
    assert_eq!(client.clone().status(), 200);
}

#[test]
fn a_token_counts_only_in_the_cookie_of_its_exact_name() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let token = server.logged_in("ada").token().to_owned();
    for line in [
        format!("authorization: Bearer {token}"),
        format!("x-session: {token}"),
        format!("cookie: Cloakroom={token}"),
        format!("cookie: __Host-cloakroom={token}"),
        format!("cookie: __host-cloakroom={token}"),
        format!("cookie: cloakroom ={token}"),
    ] {
        assert_eq!(server.client().with_header(&line).status(), 401, "{}", line.replace(&token, "T"));
    }
    for path in ["sid", "token", "cloakroom", "session"].map(|name| format!("/api/v1/session?{name}={token}")) {
        assert_ne!(server.client().get(&path).status, 200);
    }
    let body = format!(r#"{{"cloakroom":"{token}"}}"#);
    assert_ne!(server.client().json("/api/v1/session", body.as_bytes()).status, 200);
    // RFC 6265bis 4.2.1: several Cookie lines are one list.
    let split = server.client().with_header("cookie: theme=dark").with_header(&format!("cookie: cloakroom={token}"));
    assert_eq!(split.clone().status(), 200);
}

#[test]
fn two_different_tokens_have_one_outcome_in_either_order() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (ada, bob) = (server.logged_in("ada").token().to_owned(), server.logged_in("bob").token().to_owned());
    let both = |first: &str, second: &str| {
        let line = format!("cookie: cloakroom={first}; cloakroom={second}");
        server.client().with_header(&line).status()
    };
    assert_eq!((both(&ada, &bob), both(&bob, &ada)), (401, 401), "two usable ones are refused");
    let planted = format!("ck1_{}", "A".repeat(43));
    assert_eq!((both(&planted, &ada), both(&ada, &planted)), (200, 200), "a planted one locks nobody out");
}

#[test]
fn no_get_starts_or_ends_a_session() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let query = format!("login_name=ada&password={}", PASSWORD.replace(' ', "+"));
    for method in ["GET", "HEAD", "OPTIONS"] {
        for path in [
            "/",
            "/login",
            "/logout",
            "/account",
            "/account/password",
            "/account/not-me",
            "/language",
            "/account/sessions/end-all",
            "/confirm",
            "/admin",
            "/admin/sessions/end",
            "/admin/accounts/ada/end-all",
            "/admin/accounts/ada/disable",
            "/api/v1/login",
            "/api/v1/logout",
            "/api/v1/confirm",
            "/api/v1/session",
            "/api/v1/sessions",
            "/healthz",
            "/readyz",
            "/nowhere",
        ] {
            let answer = server.client().send(method, &format!("{path}?{query}"), None, b"");
            assert!(answer.set_cookies().is_empty(), "{method} {path}: {answer:?}");
            assert!(client.send(method, path, None, b"").set_cookies().is_empty(), "{method} {path}");
        }
    }
    assert_eq!((client.status(), place.rows()), (200, 1));
}

#[test]
fn trace_is_refused_and_deceptive_paths_are_not_found() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    for path in ["/", "/account", "/login", "/api/v1/session"] {
        assert_eq!(client.send("TRACE", path, None, b"").status, 405, "{path}");
    }
    for path in ["/account/x.css", "/account.css", "/account;x.css", "/account%2fx.css", "/api/v1/session/x.js"] {
        let answer = client.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.body.contains("ada"), "{path}");
    }
}

#[test]
fn no_other_origin_may_read_an_answer() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada").with_header("origin: https://evil.example");
    for path in ["/account", "/api/v1/session", "/api/v1/sessions", "/nowhere"] {
        for method in ["GET", "OPTIONS"] {
            let answer = client.send(method, path, None, b"");
            assert!(!answer.headers.iter().any(|(name, _)| name.starts_with("access-control")), "{method} {path}");
        }
        assert_eq!(client.get(path).header("cross-origin-resource-policy"), Some("same-origin"), "{path}");
    }
}

#[test]
fn set_cookie_keeps_to_the_grammar_and_fits() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.client();
    let form = [("login_name", "ada"), ("password", PASSWORD), ("keep", "on")];
    let mut seen = Vec::new();
    for answer in [client.log_in("ada", PASSWORD), client.form("/login", &form), client.post("/logout")] {
        seen.extend(answer.set_cookies().into_iter().map(str::to_owned));
    }
    assert_eq!(seen.len(), 3);
    for cookie in &seen {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(name, "cloakroom");
        // cookie-octet: no control, space, quote, comma, semicolon or backslash.
        assert!(value.bytes().all(|b| b.is_ascii_graphic() && !b"\",;\\".contains(&b)), "{cookie}");
        assert!(cookie.len() <= 4096);
        for attribute in attributes.split("; ") {
            let known = ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"].contains(&attribute)
                || attribute.strip_prefix("Max-Age=").is_some_and(|age| age.bytes().all(|b| b.is_ascii_digit()));
            assert!(known, "{attribute}");
        }
    }
    assert!(!seen[0].contains("Max-Age"), "without keep it does not outlive the browser (NIST SP 800-63B-4 5.1)");
}

#[test]
fn a_refusal_carries_a_challenge_and_redirects_are_303() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let answer = server.client().get("/api/v1/session");
    assert!(answer.status == 401 && answer.header("www-authenticate").is_some(), "{answer:?}");
    let mut client = server.client();
    assert_eq!(client.form("/login", &[("login_name", "ada"), ("password", PASSWORD)]).status, 303);
    assert_eq!(client.post("/logout").status, 303);
}
