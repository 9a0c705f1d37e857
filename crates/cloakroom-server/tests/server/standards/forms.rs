//! NIST SP 800-63B-4 5.1: every form of a signed-in page carries the form token of its session, and without it, or with
//! another's, nothing is changed.

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

fn id_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned()
}

/// Pages of a signed-in person.
fn pages(client: &mut Client) -> Vec<Answer> {
    let refused = [("current_password", OTHER_PASSWORD), ("new_password", "short")];
    vec![
        client.get("/account"),
        client.submit("/account/password", &refused),
        client.get("/account/not-me"),
        client.get("/confirm"),
    ]
}

#[test]
fn every_form_of_every_page_carries_the_form_token_of_its_session() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    let (own, other) = (here.form_token(), there.form_token());
    assert!(own.len() == 43 && own != other, "a value of each session's own");
    let mut seen = 0;
    for page in pages(&mut here) {
        for form in page.body.split("<form ").skip(1) {
            let action = form.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
            if action == "/language" {
                continue; // of no session, and the same on pages of none
            }
            let hidden = page.hidden(action);
            let tokens: Vec<_> =
                hidden.iter().filter(|(name, _)| name == "form_token").map(|(_, value)| value).collect();
            assert_eq!(tokens, [&own], "{action}");
            seen += 1;
        }
    }
    assert!(seen >= 12, "{seen} forms");
}

/// The forms of administrators' pages, about a session and an account.
fn forms_of_administrators(id: &str, subject: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    vec![
        (format!("/admin/sessions/{id}/end"), vec![("back", "/admin/sessions")]),
        ("/admin/sessions/end".to_owned(), vec![("network", "127.0.0.1")]),
        (format!("/admin/accounts/{subject}/end-all"), vec![]),
        (format!("/admin/accounts/{subject}/disable"), vec![]),
        (format!("/admin/accounts/{subject}/enable"), vec![]),
        (format!("/admin/accounts/{subject}/unlock"), vec![]),
    ]
}

#[test]
fn an_administrators_form_carries_the_form_token_too_and_changes_nothing_without_it() {
    let (place, server) = world();
    let added = place.run_with_input(&["account", "add", "root", "--admin", "--password-stdin"], PASSWORD);
    assert!(added.status.success(), "{added:?}");
    let (mut here, mut there, mut bob) = (server.logged_in("root"), server.logged_in("root"), server.logged_in("bob"));
    let subject = bob.get("/api/v1/session").json()["session"]["subject"].as_str().unwrap().to_owned();
    let (own, other, bobs) = (here.form_token(), there.form_token(), bob.form_token());
    let before = everything(&place);
    for (path, typed) in forms_of_administrators(&id_of(&mut bob), &subject) {
        for wrong in ["", "x", &own[..42], &other, &bobs] {
            let answer = here.form(&path, &[&typed[..], &[("form_token", wrong)]].concat());
            assert!(is_refused(&answer), "{path} {wrong:?}: {answer:?}");
        }
        assert!(is_refused(&here.form(&path, &typed)), "{path}: missing");
        assert!(is_refused(&here.post(&path)), "{path}: nothing at all");
        assert!(is_refused(&here.form(&format!("{path}?form_token={own}"), &typed)), "{path}: in the address");
        let more = [&typed[..], &[("form_token", own.as_str()), ("x", "")]].concat();
        assert_eq!(here.form(&path, &more).status, 422, "{path}: with more");
    }
    assert_eq!((everything(&place), bob.status()), (before, 200));
    let account = format!("/admin/accounts/{subject}");
    let mut seen = 0;
    for path in [
        "/admin",
        "/admin/sessions",
        "/admin/sessions/end?who=bob",
        "/admin/accounts",
        &account,
        &format!("{account}/end-all"),
        &format!("{account}/disable"),
    ] {
        let page = here.get(path);
        for form in page.body.split("<form method=\"post\"").skip(1) {
            let form = form.split("</form>").next().unwrap();
            if form.contains("action=\"/language\"") {
                continue; // of no session, and the same on pages of none
            }
            assert!(form.contains(&format!("name=\"form_token\" value=\"{own}\"")), "{path}: {form}");
            seen += 1;
        }
    }
    assert!(seen >= 13, "{seen} forms");
}

/// Everything that could change: sessions by their tokens and times, and the password.
fn everything(place: &Place) -> String {
    place.sqlite(
        "SELECT hex(token_digest), authenticated_at FROM sessions ORDER BY 1; SELECT password_hash FROM accounts",
    )
}

/// Every form of a signed-in page, with what is typed into it.
fn forms(other_id: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    let change =
        vec![("current_password", PASSWORD), ("new_password", OTHER_PASSWORD), ("new_password_again", OTHER_PASSWORD)];
    vec![
        ("/account/password".to_owned(), change),
        ("/confirm".to_owned(), vec![("password", PASSWORD), ("then", "end-all")]),
        (format!("/account/sessions/{other_id}/end"), vec![]),
        ("/account/sessions/end-others".to_owned(), vec![]),
        ("/account/not-me".to_owned(), vec![]),
        ("/account/sessions/end-all".to_owned(), vec![]),
    ]
}

fn is_refused(answer: &Answer) -> bool {
    answer.status == 403 && answer.set_cookies().is_empty() && answer.body.contains("another site")
}

fn world() -> (Place, Server) {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    (place, server)
}

#[test]
fn a_form_without_its_form_token_or_with_another_changes_nothing() {
    let (place, server) = world();
    let (mut here, mut there, mut bob) = (server.logged_in("ada"), server.logged_in("ada"), server.logged_in("bob"));
    let own = here.form_token();
    let token = here.token().to_owned();
    let before = everything(&place);
    let (other, bobs) = (there.form_token(), bob.form_token());
    let cut = &own[..42];
    for (path, typed) in forms(&id_of(&mut there)) {
        for wrong in ["", "x", cut, &format!("{own} "), &own.to_uppercase(), &other, &bobs, &token] {
            let fields = [&typed[..], &[("form_token", wrong)]].concat();
            let answer = here.form(&path, &fields);
            assert!(is_refused(&answer), "{path} {wrong:?}: {answer:?}");
        }
        assert!(is_refused(&here.form(&path, &typed)), "{path}: missing");
        assert!(is_refused(&here.post(&path)), "{path}: nothing at all");
        assert!(is_refused(&here.form(&format!("{path}?form_token={own}"), &typed)), "{path}: in the address");
        let twice = [&typed[..], &[("form_token", own.as_str()), ("form_token", own.as_str())]].concat();
        assert_eq!(here.form(&path, &twice).status, 422, "{path}: twice");
        assert_eq!(here.form(&path, &[&typed[..], &[("form_token", &own), ("x", "")]].concat()).status, 422, "{path}");
    }
    assert_eq!(everything(&place), before);
    for (path, typed) in forms(&id_of(&mut there)).into_iter().rev().take(1) {
        assert_eq!(here.submit(&path, &typed).status, 303, "and with its own it is done");
    }
    assert_eq!((there.status(), bob.status()), (401, 200));
}

#[test]
fn a_form_of_before_the_token_was_replaced_is_refused() {
    let (_place, server) = world();
    let mut here = server.logged_in("ada");
    let stale = here.get("/account");
    let typed =
        [("current_password", PASSWORD), ("new_password", OTHER_PASSWORD), ("new_password_again", OTHER_PASSWORD)];
    assert_eq!(here.submit("/account/password", &typed).status, 303);
    assert!(is_refused(&here.submit_from(&stale, "/account/sessions/end-all", &[])));
    assert_eq!((here.status(), here.submit("/account/sessions/end-all", &[]).status), (200, 303));
}

#[test]
fn logging_out_needs_no_form_token_but_not_another_sessions() {
    let (_place, server) = world();
    let mut bob = server.logged_in("bob");
    let bobs = bob.form_token();
    let mut here = server.logged_in("ada");
    assert!(is_refused(&here.form("/logout", &[("form_token", &bobs)])));
    assert_eq!(here.status(), 200);
    let old = here.clone();
    assert_eq!((here.submit("/logout", &[]).status, here.status()), (303, 401), "with its own");
    assert_eq!(
        old.clone().form("/logout", &[("form_token", &bobs)]).status,
        303,
        "of an ended session: whose it was is gone"
    );
    for ways in [None, Some("application/x-www-form-urlencoded"), Some("application/json")] {
        let mut here = server.logged_in("ada");
        assert_eq!((here.send("POST", "/logout", ways, b"").status, here.status()), (303, 401), "{ways:?}");
    }
    let two = format!("cookie: cloakroom={}; cloakroom={}", server.logged_in("ada").token(), bob.token());
    let answer = server.client().with_header(&two).form("/logout", &[("form_token", "x")]);
    assert_eq!((answer.status, bob.status()), (303, 401), "of two sessions none is told apart, and both end");
}
