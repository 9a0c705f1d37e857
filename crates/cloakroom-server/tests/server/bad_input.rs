//! Bad input: each gets its documented code with the field named, in bounded work. None is a 500 and nothing is lost.

use crate::process::{PASSWORD, Place};

#[test]
fn bodies_of_every_kind() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let long = format!(r#"{{"login_name":"{}","password":"x"}}"#, "x".repeat(10_000));
    let nested = "[".repeat(60_000);
    let many: Vec<_> = (0..3_000).map(|n| format!(r#""f{n}":1"#)).collect();
    let many = format!("{{{}}}", many.join(","));
    for (body, code, field) in [
        (&b"\xff\xfe\x00"[..], "invalid_input", "body"),
        (b"", "invalid_input", "body"),
        (b"null", "invalid_input", "body"),
        (b"[]", "invalid_input", "body"),
        (b"{\"login_name\":\"ada\"", "invalid_input", "body"),
        (nested.as_bytes(), "invalid_input", "body"),
        (b"{}", "invalid_input", "login_name"),
        (br#"{"login_name":"ada"}"#, "invalid_input", "password"),
        (br#"{"login_name":7,"password":"x"}"#, "invalid_input", "login_name"),
        (br#"{"login_name":null,"password":"x"}"#, "invalid_input", "login_name"),
        (br#"{"login_name":"a","password":["x"]}"#, "invalid_input", "password"),
        (br#"{"login_name":"a","login_name":"b","password":"x"}"#, "invalid_input", "login_name"),
        (br#"{"login_name":"a","password":"x","is_admin":true}"#, "invalid_input", "is_admin"),
        (b"{\"login_name\":\"a\\u0000b\",\"password\":\"x\"}", "invalid_input", "login_name"),
        (b"{\"login_name\":\"\\u202eada\",\"password\":\"x\"}", "invalid_input", "login_name"),
        (b"{\"login_name\":\"\\ud800\",\"password\":\"x\"}", "invalid_input", "body"),
        (long.as_bytes(), "invalid_input", "login_name"),
        (many.as_bytes(), "invalid_input", "f0"),
    ] {
        let answer = server.client().json("/api/v1/login", body);
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!((answer.status, answer.code().as_str()), (422, code), "{shown}");
        assert!(answer.fields().contains(&field.to_owned()), "{shown}: {:?}", answer.fields());
        assert!(answer.body.len() < 10_000, "{shown}");
    }
    let large = format!(r#"{{"login_name":"{}"}}"#, "x".repeat(70_000));
    let answer = server.client().json("/api/v1/login", large.as_bytes());
    assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"));
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")] {
        let answer = server.client().send("POST", "/api/v1/login", kind, b"{}");
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"), "{kind:?}");
    }
    let answer = server.client().json("/login", b"{}");
    assert_eq!(answer.status, 415);
    assert_eq!(server.client().form("/login", &[("login_name", "ada")]).status, 422);
    assert_eq!(server.logged_in("ada").status(), 200, "nothing was lost");
}

#[test]
fn cookies_of_any_bytes_length_and_number() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let good = server.logged_in("ada");
    let token = good.token();
    let raw = |cookies: &[&[u8]]| {
        let mut request = b"GET /api/v1/session HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
        for cookie in cookies {
            request.extend_from_slice(b"cookie: ");
            request.extend_from_slice(cookie);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\n");
        server.client().raw(&request).status
    };
    let pair = format!("cloakroom={token}");
    let long = format!("cloakroom={}", "A".repeat(9_000));
    let many = (0..300).map(|n| format!("cloakroom={n}")).collect::<Vec<_>>().join("; ");
    for (cookies, status) in [
        (vec![pair.as_bytes()], 200),
        (vec![b"\xff\xfe=\x80; cloakroom=\xf0\x28".as_slice(), pair.as_bytes()], 200),
        (vec![long.as_bytes(), pair.as_bytes()], 200),
        (vec![many.as_bytes(), pair.as_bytes()], 200),
        (vec![pair.as_bytes(), pair.as_bytes()], 200),
        (vec![b"cloakroom".as_slice()], 401),
        (vec![b"cloakroom=".as_slice()], 401),
        (vec![b";;;===;;;".as_slice()], 401),
        (vec![long.as_bytes()], 401),
        (vec![pair.to_uppercase().as_bytes()], 401),
        (vec![format!("{pair}x").as_bytes()], 401),
    ] {
        assert_eq!(raw(&cookies), status, "{:?}", String::from_utf8_lossy(&cookies[0][..cookies[0].len().min(40)]));
    }
    let mut two = good.clone();
    two.token = Some(format!("{token}; cloakroom={}", server.logged_in("ada").token()));
    let answer = two.get("/api/v1/session");
    assert_eq!((answer.status, answer.code().as_str()), (401, "login_required"), "two usable ones are refused");
}

#[test]
fn return_targets_of_every_evil_shape() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let log_in = |target: &str| {
        let fields = [("login_name", "ada"), ("password", PASSWORD), ("return_to", target)];
        let answer = server.client().form("/login", &fields);
        (answer.status, answer.header("location").unwrap_or_default().to_owned())
    };
    assert_eq!(log_in("/account?tab=devices"), (303, "/account?tab=devices".to_owned()));
    for evil in [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/%2f%2fevil.example",
        "/a\r\nset-cookie: x=y",
        "\u{202e}/account",
        "",
        &"/a".repeat(5_000),
    ] {
        assert_eq!(log_in(evil), (303, "/account".to_owned()), "{evil:.40}");
        let query = percent_encoding::utf8_percent_encode(evil, percent_encoding::NON_ALPHANUMERIC).to_string();
        let page = server.client().get(&format!("/login?return_to={query}"));
        assert!(page.status == 200 && !page.body.contains("evil"), "{evil:.40}");
    }
}

#[test]
fn ids_that_are_not_ids_and_parameters_that_are_not_allowed() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let own = client.form_token();
    for id in ["1", "%00", "..%2f..%2fetc", "%27%20OR%201=1--", "%ff", &"a".repeat(4_000)] {
        let answer = client.delete(&format!("/api/v1/sessions/{id}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{id:.40}");
        assert_eq!(
            client.form(&format!("/account/sessions/{id}/end"), &[("form_token", &own)]).status,
            404,
            "{id:.40}"
        );
    }
    for (method, path, field) in [
        ("DELETE", "/api/v1/sessions", "scope"),
        ("DELETE", "/api/v1/sessions?scope=everyone", "scope"),
        ("DELETE", "/api/v1/sessions?scope=all&scope=others", "scope"),
        ("DELETE", "/api/v1/sessions?scope=all&force=1", "force"),
        ("GET", "/api/v1/sessions?limit=0", "limit"),
        ("GET", "/api/v1/sessions?limit=-1", "limit"),
        ("GET", "/api/v1/sessions?limit=99999999999999", "limit"),
        ("GET", "/api/v1/sessions?cursor=x", "cursor"),
        ("GET", "/api/v1/sessions?page=2", "page"),
        ("GET", "/api/v1/sessions?cursor=%ff", "body"),
    ] {
        let answer = client.send(method, path, None, b"");
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_input"), "{path}");
        assert_eq!(answer.fields(), [field], "{path}");
    }
    assert_eq!((client.status(), place.rows()), (200, 1), "nothing ended");
}

#[test]
fn wrong_methods_and_unknown_paths() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    for (method, path, allowed) in [
        ("GET", "/api/v1/login", "POST"),
        ("GET", "/api/v1/logout", "POST"),
        ("GET", "/api/v1/confirm", "POST"),
        ("POST", "/api/v1/session", "GET,HEAD"),
        ("PUT", "/api/v1/sessions", "GET,HEAD,DELETE"),
        ("GET", "/api/v1/sessions/1", "DELETE"),
    ] {
        let answer = client.send(method, path, None, b"");
        assert_eq!((answer.status, answer.code().as_str()), (405, "method_not_allowed"), "{path}");
        let allow = answer.header("allow").unwrap_or_default().replace(' ', "");
        assert!(allowed.split(',').all(|method| allow.contains(method)), "{path}: {allow}");
    }
    for path in ["/api/v1/nowhere", "/api/", "/api/v1/login/"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
    let page = client.get("/nowhere");
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
    for method in ["DELETE", "TRACE", "FOO"] {
        assert_eq!(client.send(method, "/account", None, b"").status, 405, "{method}");
    }
    assert_eq!(client.status(), 200);
}
