//! The account page's forms: a password change ends the others, replaces this token, and refuses what it should.

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn a_password_change_ends_the_others_and_replaces_the_token() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    let mut old = here.clone();
    let answer = here.submit(
        "/account/password",
        &[("current_password", PASSWORD), ("new_password", OTHER_PASSWORD), ("new_password_again", OTHER_PASSWORD)],
    );
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!((here.status(), old.status(), there.status(), place.rows()), (200, 401, 401, 1));
    assert_eq!(there.get("/api/v1/session").code(), "session_revoked");
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 401);
    assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 200);
}

#[test]
fn a_refused_password_change_changes_nothing() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    for (current, new, again) in [
        (OTHER_PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD),
        (PASSWORD, OTHER_PASSWORD, PASSWORD),
        (PASSWORD, "short", "short"),
        (PASSWORD, "passwordpassword", "passwordpassword"),
        (PASSWORD, "ada ada ada ada ada", "ada ada ada ada ada"),
        ("", "", ""),
    ] {
        let fields = [("current_password", current), ("new_password", new), ("new_password_again", again)];
        let answer = here.submit("/account/password", &fields);
        assert_eq!(answer.status, 422, "{new}: {answer:?}");
        assert!(answer.body.contains("aria-invalid"), "the field is marked: {}", answer.body);
        for secret in [current, new].iter().filter(|secret| secret.len() > 5) {
            assert!(!answer.body.contains(secret), "a password comes back");
        }
    }
    assert_eq!((here.status(), there.status(), place.rows()), (200, 200, 2));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
}

#[test]
fn the_forms_end_one_others_and_all() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (mut here, mut there, mut third) = (server.logged_in("ada"), server.logged_in("ada"), server.logged_in("ada"));
    let id = there.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    let (end, mut bob) = (format!("/account/sessions/{id}/end"), server.logged_in("bob"));
    let own = bob.form_token();
    assert_eq!(bob.form(&end, &[("form_token", &own)]).status, 404);
    let answer = here.submit(&end, &[]);
    assert_eq!(answer.status, 303);
    assert!(answer.header("location").unwrap().starts_with("/account"));
    assert_eq!((there.status(), third.status()), (401, 200));
    assert_eq!(here.submit("/account/sessions/end-others", &[]).status, 303);
    assert_eq!((third.status(), here.status()), (401, 200));
    let answer = here.submit("/account/sessions/end-all", &[]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert!(here.token.is_none());
    assert_eq!(
        place.sqlite("SELECT count(*) FROM sessions JOIN accounts USING (subject) WHERE login_name = 'ada'"),
        "0"
    );
}
