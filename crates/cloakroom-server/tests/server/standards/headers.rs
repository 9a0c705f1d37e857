//! ASVS 5.0 3.4, 14.3.2 and 16.5.1: the headers of every class of answer, and what logging out asks the browser to forget.

use crate::process::{PASSWORD, Place};

const ALWAYS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
];

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const JSON: Option<&str> = Some("application/json");

#[test]
fn every_class_of_answer_carries_every_header() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let own = format!("form_token={}", client.form_token());
    let large = "x".repeat(100_000);
    let login = format!("login_name=ada&password={}", PASSWORD.replace(' ', "+"));
    for (status, method, path, kind, body) in [
        (200, "GET", "/account", None, ""),
        (200, "GET", "/account/not-me", None, ""),
        (200, "GET", "/confirm", None, ""),
        (200, "GET", "/api/v1/session", None, ""),
        (200, "GET", "/healthz", None, ""),
        (200, "GET", "/login", None, ""),
        (303, "GET", "/", None, ""),
        (303, "POST", "/language", FORM, "language=ja"),
        (422, "POST", "/language", FORM, "language=fr"),
        (401, "POST", "/login", FORM, "login_name=ada&password=no"),
        (401, "POST", "/api/v1/login", JSON, r#"{"login_name":"ada","password":"no"}"#),
        (404, "GET", "/nowhere", None, ""),
        (404, "GET", "/api/v1/nowhere", None, ""),
        (403, "POST", "/account/password", FORM, "current_password=x"),
        (404, "POST", "/account/sessions/x/end", FORM, own.as_str()),
        (405, "GET", "/logout", None, ""),
        (405, "PATCH", "/account", None, ""),
        (413, "POST", "/login", FORM, large.as_str()),
        (415, "POST", "/api/v1/login", FORM, "a=b"),
        (415, "POST", "/login", JSON, "{}"),
        (422, "POST", "/api/v1/login", JSON, "{}"),
        (422, "POST", "/account/password", FORM, own.as_str()),
        (422, "POST", "/confirm", FORM, own.as_str()),
        (303, "POST", "/login", FORM, login.as_str()), // ends the older session of this browser
        (401, "GET", "/api/v1/session", None, ""),
        (303, "GET", "/account", None, ""),
    ] {
        let answer = client.clone().send(method, path, kind, body.as_bytes());
        let what = format!("{method} {path}: {}", answer.status);
        assert_eq!(answer.status, status, "{what}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.header(name), Some(*value), "{what}");
        }
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{what}");
        let is_sensitive = path.starts_with("/account")
            || path == "/confirm"
            || path.starts_with("/login")
            || path.starts_with("/api/");
        if is_sensitive || !answer.set_cookies().is_empty() {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        }
        assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{what}");
    }
    let refused = client.clone().with_header("origin: https://evil.example").post("/logout");
    assert_eq!(refused.status, 403);
    assert!(ALWAYS.iter().all(|(name, value)| refused.header(name) == Some(*value)), "{refused:?}");
}

#[test]
fn login_pages_are_stored_nowhere_and_logging_out_clears_what_is() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    for path in ["/login", "/login?return_to=%2Faccount", "/api/v1/session"] {
        assert_eq!(server.client().get(path).header("cache-control"), Some("no-store"), "{path}");
    }
    for mut client in [server.logged_in("ada"), server.client()] {
        let answer = client.post("/logout");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
        // Not "cookies", which would log siblings out, nor "cache", which takes seconds.
        assert_eq!(answer.header("clear-site-data"), Some("\"storage\""));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}
