//! Logging out: the row is gone, the copied cookie is refused on every route, whatever was in flight.

use crate::process::Place;

#[test]
fn logout_deletes_the_row_and_the_copied_cookie_is_refused_everywhere() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let mut thief = client.clone();
    let id = client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    assert_eq!(thief.status(), 200);
    let answer = client.post("/api/v1/logout");
    assert_eq!((answer.status, place.rows(), client.token.is_none()), (204, 0, true));
    for (method, path) in [
        ("GET", "/api/v1/session".to_owned()),
        ("GET", "/api/v1/sessions".to_owned()),
        ("DELETE", format!("/api/v1/sessions/{id}")),
        ("DELETE", "/api/v1/sessions?scope=all".to_owned()),
        ("POST", "/api/v1/confirm".to_owned()),
    ] {
        let answer = thief.send(method, &path, None, b"");
        assert_eq!((answer.status, answer.code().as_str()), (401, "session_revoked"), "{path}");
        assert!(answer.set_cookies().is_empty(), "a refusal leaves the cookie alone");
    }
    for (method, path) in [
        ("GET", "/account".to_owned()),
        ("POST", format!("/account/sessions/{id}/end")),
        ("POST", "/account/sessions/end-others".to_owned()),
        ("POST", "/account/sessions/end-all".to_owned()),
        ("POST", "/account/password".to_owned()),
        ("POST", "/account/not-me".to_owned()),
        ("POST", "/confirm".to_owned()),
    ] {
        let answer = thief.send(method, &path, None, b"");
        assert_eq!(answer.status, 303, "{path}: {answer:?}");
        assert_eq!(answer.header("location"), Some("/login?return_to=%2Faccount"), "{path}");
    }
    assert_eq!(client.post("/api/v1/logout").status, 204, "repeated");
    assert_eq!(thief.post("/api/v1/logout").status, 204);
}

#[test]
fn the_form_logs_out_too_and_get_does_not() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let answer = client.get("/logout");
    assert_eq!((answer.status, answer.header("allow"), client.status()), (405, Some("POST"), 200));
    for _ in 0..2 {
        let answer = client.post("/logout");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
        assert_eq!(answer.header("clear-site-data"), Some(r#""storage""#));
        assert_eq!(place.rows(), 0);
    }
}

#[test]
fn requests_in_flight_bring_nothing_back() {
    // So short that every use is written within its request.
    let place = Place::new()
        .with("SESSION__IDLE_TIMEOUT", "5s")
        .with("SESSION__TOUCH_EVERY", "0s")
        .with("LOG__FILTER", "warn")
        .with_account("ada");
    let server = place.serve();
    for _ in 0..20 {
        let client = server.logged_in("ada");
        std::thread::scope(|scope| {
            let requests: Vec<_> = (0..6)
                .map(|_| {
                    let mut client = client.clone();
                    scope.spawn(move || client.get("/api/v1/sessions").status)
                })
                .collect();
            assert_eq!(client.clone().post("/api/v1/logout").status, 204);
            assert_eq!(client.clone().status(), 401, "served after logout returned");
            for request in requests {
                assert!(matches!(request.join().unwrap(), 200 | 401));
            }
        });
        assert_eq!((client.clone().status(), place.rows()), (401, 0), "brought back");
    }
}
