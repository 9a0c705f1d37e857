//! Step-up: ending other sessions asks for the password where it was proven too long ago, and is done after it (ASVS 5.0 7.5.2, 7.5.3,
//! 7.2.4; NIST SP 800-63B-4 5.2).

use std::collections::BTreeSet;

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";
/// After so many tries a test that waits has failed.
const TRIES_MAX: usize = 50_000;

fn world() -> (Place, Server) {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    (place, server)
}

fn id_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned()
}

/// As if everybody had signed in an hour earlier.
fn an_hour_passes(place: &Place) {
    place.sqlite(
        "UPDATE sessions SET created_at = created_at - 3600000, authenticated_at = authenticated_at - 3600000, \
         last_seen_at = last_seen_at - 3600000, absolute_expires_at = absolute_expires_at - 3600000",
    );
}

/// Everything a confirmation could change.
fn everything(place: &Place) -> String {
    place.sqlite("SELECT hex(token_digest), hex(id), authenticated_at, absolute_expires_at FROM sessions ORDER BY 1")
}

/// The times of the one session, in milliseconds: authenticated, last used, absolute timeout.
fn times(place: &Place, id: &str) -> [i64; 3] {
    let columns = "authenticated_at || ' ' || last_seen_at || ' ' || absolute_expires_at";
    let hex = id.replace('-', "");
    let row = place.sqlite(&format!("SELECT {columns} FROM sessions WHERE lower(hex(id)) = '{hex}' OR id = '{id}'"));
    let parts: Vec<i64> = row.split(' ').map(|text| text.parse().unwrap()).collect();
    parts.try_into().unwrap()
}

fn asks_for_the_password(answer: &Answer, then: &str) -> bool {
    let hidden = answer.hidden("/confirm");
    let carries = hidden.iter().any(|(name, value)| name == "then" && value == then);
    answer.set_cookies().is_empty() && carries && answer.body.contains("type=\"password\"")
}

/// The three forms that end other sessions, with what each carries through the detour.
fn forms(other: &str) -> [(String, String); 3] {
    [
        (format!("/account/sessions/{other}/end"), format!("end:{other}")),
        ("/account/sessions/end-others".to_owned(), "end-others".to_owned()),
        ("/account/sessions/end-all".to_owned(), "end-all".to_owned()),
    ]
}

#[test]
fn ending_other_sessions_asks_for_the_password_and_is_done_after_it() {
    let place = Place::new().with("SESSION__RECENT", "2s").with_account("ada");
    let server = place.serve();
    for way in 0..3 {
        let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
        let (id, other) = (id_of(&mut here), id_of(&mut there));
        let (action, then) = &forms(&other)[way];
        // Until the login is not recent any more. Asking ends nothing.
        let probe = format!("/api/v1/sessions/{NOBODYS}");
        let not_recent = (0..TRIES_MAX).map(|_| here.delete(&probe)).find(|answer| answer.status != 404).unwrap();
        assert_eq!((not_recent.status, not_recent.code().as_str()), (403, "step_up_required"));

        let before = everything(&place);
        let asked = here.submit(action, &[]);
        assert!(asked.status == 403 && asks_for_the_password(&asked, then), "{action}: {asked:?}");
        let wrong = here.submit_from(&asked, "/confirm", &[("password", OTHER_PASSWORD)]);
        assert!(wrong.status == 422 && asks_for_the_password(&wrong, then), "{action}: {wrong:?}");
        assert!(wrong.body.contains("aria-invalid") && !wrong.body.contains(OTHER_PASSWORD), "{action}: {wrong:?}");
        assert_eq!((everything(&place), there.status()), (before, 200), "{action}: nothing is changed");

        let (old, earlier) = (here.clone(), times(&place, &id));
        let done = here.submit_from(&wrong, "/confirm", &[("password", PASSWORD)]);
        assert_eq!((done.status, done.set_cookies().len()), (303, 1), "{action}: {done:?}");
        assert_eq!(
            (old.clone().status(), there.status()),
            (401, 401),
            "{action}: the old token, and the other session"
        );
        if action.ends_with("end-all") {
            assert_eq!((done.header("location"), here.token.is_none(), place.rows()), (Some("/login"), true, 0));
            continue;
        }
        assert!(done.header("location").unwrap().starts_with("/account"), "{action}: {done:?}");
        assert_eq!((id_of(&mut here), here.token() == old.token()), (id.clone(), false), "{action}: the same session");
        let later = times(&place, &id);
        assert!(later.iter().zip(earlier).all(|(later, earlier)| *later > earlier), "{later:?} after {earlier:?}");
        assert_eq!(later[2] - later[0], earlier[2] - earlier[0], "{action}: as long as it was made for");
        assert_eq!(here.post("/logout").status, 303);
    }
}

#[test]
fn a_recent_login_is_not_asked_again_and_a_confirmation_counts_as_one() {
    let (place, server) = world();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    assert_eq!((here.submit("/account/sessions/end-others", &[]).status, there.status()), (303, 401));
    let mut there = server.logged_in("ada");
    an_hour_passes(&place);
    assert_eq!(here.submit("/account/sessions/end-others", &[]).status, 403);
    let page = here.get("/confirm");
    assert_eq!((page.status, page.hidden("/confirm").iter().any(|(name, _)| name == "then")), (200, false));
    let done = here.submit_from(&page, "/confirm", &[("password", PASSWORD)]);
    assert_eq!((done.status, done.header("location"), there.status()), (303, Some("/account"), 200));
    assert_eq!((here.submit("/account/sessions/end-others", &[]).status, there.status()), (303, 401));
}

#[test]
fn what_to_do_afterwards_is_one_of_a_closed_list() {
    let (place, server) = world();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    an_hour_passes(&place);
    let (own, before) = (here.form_token(), everything(&place));
    let this = format!("end:{}", id_of(&mut here));
    let other = format!("end:{}/", id_of(&mut there));
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "/account/sessions/end-all",
        "end-everyone",
        "END-ALL",
        "end-all ",
        "end:",
        "end:1",
        &other,
        &this, // logging out needs no confirmation
        &"x".repeat(5_000),
    ] {
        let answer = here.form("/confirm", &[("form_token", &own), ("password", PASSWORD), ("then", evil)]);
        assert_eq!((answer.status, answer.set_cookies().len()), (422, 0), "{evil:.40}");
        assert!(!answer.body.contains("evil"), "{evil:.40}");
    }
    let twice = [("form_token", own.as_str()), ("password", PASSWORD), ("then", "end-others"), ("then", "end-all")];
    assert_eq!(here.form("/confirm", &twice).status, 422);
    let more = [("form_token", own.as_str()), ("password", PASSWORD), ("return_to", "/login")];
    assert_eq!(here.form("/confirm", &more).status, 422);
    assert_eq!(here.form("/confirm", &[("form_token", &own), ("then", "end-all")]).status, 422, "no password");
    assert!(!here.get("/confirm?then=end-all").body.contains("end-all"), "an address carries nothing");
    assert_eq!((everything(&place), there.status()), (before, 200));
}

#[test]
fn the_new_token_is_handed_over_even_if_what_follows_fails() {
    let (place, server) = world();
    let (mut here, mut bob) = (server.logged_in("ada"), server.logged_in("bob"));
    an_hour_passes(&place);
    for gone in [NOBODYS.to_owned(), id_of(&mut bob)] {
        let (old, own) = (here.clone(), here.form_token());
        let then = format!("end:{gone}");
        let answer = here.form("/confirm", &[("form_token", &own), ("password", PASSWORD), ("then", &then)]);
        assert_eq!((answer.status, answer.set_cookies().len()), (404, 1), "{answer:?}");
        assert_eq!((here.status(), old.clone().status(), bob.status()), (200, 401, 200));
    }
}

#[test]
fn an_ended_session_confirms_nothing_and_neither_does_another_persons_password() {
    let (place, server) = world();
    let changed = place.run_with_input(&["account", "password", "bob", "--password-stdin"], OTHER_PASSWORD);
    assert!(changed.status.success());
    let mut here = server.logged_in("ada");
    an_hour_passes(&place);
    let page = here.get("/confirm");
    assert_eq!(here.submit_from(&page, "/confirm", &[("password", OTHER_PASSWORD)]).status, 422);
    let mut copy = here.clone();
    assert_eq!(here.post("/logout").status, 303);
    let answer = copy.submit_from(&page, "/confirm", &[("password", PASSWORD)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?return_to=%2Faccount")));
    assert_eq!((answer.set_cookies().len(), place.rows()), (0, 0));
}

#[test]
fn logging_out_never_asks_for_the_password() {
    let (place, server) = world();
    for way in 0..4 {
        let mut here = server.logged_in("ada");
        an_hour_passes(&place);
        let (id, own) = (id_of(&mut here), here.form_token());
        let answer = match way {
            0 => here.submit("/logout", &[]),
            1 => here.form(&format!("/account/sessions/{id}/end"), &[("form_token", &own)]),
            2 => here.post("/api/v1/logout"),
            _ => here.delete(&format!("/api/v1/sessions/{id}")),
        };
        assert!(matches!(answer.status, 303 | 204), "{way}: {answer:?}");
        assert_eq!((here.token.is_none(), place.rows()), (true, 0), "{way}");
    }
}

#[test]
fn programs_are_told_to_confirm_and_do_it() {
    let (place, server) = world();
    let (mut here, mut there) = (server.logged_in("ada"), server.logged_in("ada"));
    an_hour_passes(&place);
    let other = format!("/api/v1/sessions/{}", id_of(&mut there));
    let before = everything(&place);
    for path in [&other, "/api/v1/sessions?scope=others", "/api/v1/sessions?scope=all"] {
        let answer = here.delete(path);
        assert_eq!((answer.status, answer.code().as_str()), (403, "step_up_required"), "{path}");
    }
    let wrong = format!(r#"{{"password":"{OTHER_PASSWORD}"}}"#);
    for (body, field) in [
        (wrong.as_str(), "password"),
        ("{}", "password"),
        (r#"{"password":7}"#, "password"),
        (r#"{"password":"x","then":"y"}"#, "then"),
    ] {
        let answer = here.json("/api/v1/confirm", body.as_bytes());
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_input"), "{body}");
        assert_eq!((answer.fields(), answer.set_cookies().len()), (vec![field.to_owned()], 0), "{body}");
    }
    let right = format!(r#"{{"password":"{PASSWORD}"}}"#);
    assert_eq!(server.client().json("/api/v1/confirm", right.as_bytes()).status, 401, "without a session");
    assert_eq!((everything(&place), there.status()), (before, 200));

    let old = here.clone();
    let answer = here.json("/api/v1/confirm", right.as_bytes());
    assert_eq!((answer.status, answer.set_cookies().len(), answer.body.as_str()), (204, 1, ""));
    assert_eq!((here.status(), old.clone().status()), (200, 401));
    assert_eq!((here.delete(&other).status, there.status()), (204, 401));
    assert_eq!((here.delete("/api/v1/sessions?scope=all").status, place.rows()), (200, 0));
}

#[test]
fn who_finds_hashing_full_gets_the_page_again() {
    let place = Place::new().with("LOGIN__CONCURRENCY", "1").with("LOG__FILTER", "warn").with_account("ada");
    let server = place.serve();
    let mut here = server.logged_in("ada");
    an_hour_passes(&place);
    let asked = here.submit("/account/sessions/end-all", &[]);
    let one = |mut client: Client| client.submit_from(&asked, "/confirm", &[("password", OTHER_PASSWORD)]);
    let mut busy = 0;
    for _ in 0..20 {
        std::thread::scope(|scope| {
            let trying: Vec<_> = (0..60).map(|_| scope.spawn(|| one(here.clone()))).collect();
            for answer in trying.into_iter().map(|trying| trying.join().unwrap()) {
                assert!(matches!(answer.status, 422 | 429 | 503), "{answer:?}");
                assert!(asks_for_the_password(&answer, "end-all"), "{answer:?}");
                assert_eq!(answer.header("retry-after").is_some(), answer.status != 422);
                busy += usize::from(answer.status == 503);
            }
        });
        if busy > 0 {
            break;
        }
        place.sqlite("DELETE FROM attempt_counters"); // they are to wait for each other once more
    }
    assert!(busy > 0, "sixty at once, and room for thirty-three");
    assert_eq!(here.status(), 200);
}

#[test]
fn the_page_says_what_it_is_for_in_both_languages() {
    let (place, server) = world();
    let mut said = BTreeSet::new();
    for language in ["en", "ja"] {
        let mut here = server.logged_in("ada").with_header(&format!("accept-language: {language}"));
        let other = id_of(&mut server.logged_in("ada"));
        an_hour_passes(&place);
        let mut pages = vec![here.get("/confirm").body];
        pages.extend(forms(&other).iter().map(|(action, _)| here.submit(action, &[]).body));
        for page in pages {
            assert!(page.contains(&format!("<html lang=\"{language}\"")), "{page}");
            said.insert(page.split("</h1>").nth(1).unwrap().split("</p>").next().unwrap().to_owned());
        }
    }
    assert_eq!(said.len(), 8, "{said:?}");
}
