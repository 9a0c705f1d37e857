//! ASVS 5.0 3.4.1, 3.5.1 and 3.5.2: headers that depend on https, signals of a browser that contradict each other, and bodies
//! that other sites can send without asking.

use crate::process::{PASSWORD, Place};

#[test]
fn https_is_asked_for_over_https_only() {
    let paths = ["/", "/login", "/account", "/nowhere", "/api/v1/session", "/healthz", "/readyz", "/api/v1/logout"];
    let place = Place::new().with("PUBLIC_URL", "https://login.example.org");
    let server = place.serve();
    for path in paths {
        let answer = server.client().get(path);
        let asked = answer.header("strict-transport-security").unwrap_or_default();
        assert_eq!(asked, "max-age=63072000; includeSubDomains", "{path} {}", answer.status);
    }
    let refused = server.client().with_header("origin: https://evil.example").post("/login");
    assert!(refused.status == 403 && refused.header("strict-transport-security").is_some());
    let place = Place::new();
    let server = place.serve();
    for path in paths {
        assert_eq!(server.client().get(path).header("strict-transport-security"), None, "{path}");
    }
}

/// Every route that changes something, with its method.
const UNSAFE: &[(&str, &str)] = &[
    ("POST", "/login"),
    ("POST", "/logout"),
    ("POST", "/setup/x"),
    ("POST", "/language"),
    ("POST", "/account/not-me"),
    ("POST", "/account/password"),
    ("POST", "/account/sessions/end-others"),
    ("POST", "/account/sessions/end-all"),
    ("POST", "/confirm"),
    ("POST", "/account/sessions/01890000-0000-7000-8000-000000000000/end"),
    ("POST", "/api/v1/login"),
    ("POST", "/api/v1/logout"),
    ("POST", "/api/v1/confirm"),
    ("POST", "/confirm"),
    ("POST", "/api/v1/confirm"),
    ("DELETE", "/api/v1/admin/sessions?subject=x"),
    ("DELETE", "/api/v1/admin/sessions/01890000-0000-7000-8000-000000000000"),
    ("POST", "/api/v1/admin/accounts/x/disable"),
    ("POST", "/api/v1/admin/accounts/x/enable"),
    ("DELETE", "/api/v1/admin/accounts/x"),
    ("POST", "/admin/sessions/01890000-0000-7000-8000-000000000000/end"),
    ("POST", "/admin/sessions/end"),
    ("POST", "/admin/accounts/x/end-all"),
    ("POST", "/admin/accounts/x/disable"),
    ("POST", "/admin/accounts/x/enable"),
    ("POST", "/admin/accounts/x/unlock"),
    ("DELETE", "/api/v1/sessions?scope=all"),
    ("DELETE", "/api/v1/sessions?scope=others"),
    ("DELETE", "/api/v1/sessions/01890000-0000-7000-8000-000000000000"),
];

#[test]
fn every_route_that_changes_something_refuses_other_sites() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let client = server.logged_in("ada");
    for (method, path) in UNSAFE {
        for lines in [
            "sec-fetch-site: cross-site",
            "sec-fetch-site: same-site",
            "sec-fetch-site: nonsense",
            "origin: https://evil.example",
            "origin: null",
            "sec-fetch-site: cross-site\r\nsec-fetch-site: same-origin",
            "sec-fetch-site: same-origin\r\nsec-fetch-site: cross-site",
            "origin: https://evil.example\r\norigin: http://127.0.0.1",
        ] {
            let answer = client.clone().with_header(lines).send(method, path, None, b"");
            assert_eq!(answer.status, 403, "{method} {path} {lines:?}");
            assert!(answer.set_cookies().is_empty(), "{method} {path} {lines:?}");
        }
    }
    assert_eq!((client.clone().status(), place.rows()), (200, 1));
}

#[test]
fn programs_interface_refuses_what_a_form_can_send() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let client = server.logged_in("ada");
    let body = format!(r#"{{"login_name":"ada","password":"{PASSWORD}"}}"#);
    for content_type in [
        "text/plain",
        "Text/Plain; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ] {
        for path in ["/api/v1/login", "/api/v1/logout", "/api/v1/confirm"] {
            let answer = client.clone().send("POST", path, Some(content_type), body.as_bytes());
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (415, "unsupported_media_type"),
                "{path} {content_type}"
            );
        }
    }
    assert_eq!((client.clone().status(), place.rows()), (200, 1));
    assert_eq!(client.clone().post("/api/v1/logout").status, 204, "without a body it needs none");
}
