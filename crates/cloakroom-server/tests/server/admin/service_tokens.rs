//! Service tokens on the administrators' pages: shown once, used, removed; and where the secret of one must not be.

use super::{an_hour_passes, events_with, link, text, world};
use crate::client::{Answer, Client};
use crate::process::{PASSWORD, Place, Server};

const ALL: &str = "/admin/service-tokens";
const REMOVE: &str = "/admin/service-tokens/remove";

/// A service token that the command line makes.
pub(super) fn add(place: &Place, name: &str, scope: &str) {
    let output = place.run(&["service-token", "add", name, "--scope", scope]);
    assert!(output.status.success(), "{output:?}");
}

/// One made on the page, as the answer shows it.
fn made(root: &mut Client, name: &str) -> (Answer, String) {
    let page = root.get(ALL);
    let answer = root.submit_from(&page, ALL, &[("name", name), ("scope", "sessions")]);
    let token = shown(&answer);
    (answer, token)
}

fn shown(answer: &Answer) -> String {
    let token = answer.body.split("<code class=\"secret\">").nth(1).unwrap_or_else(|| panic!("no token: {answer:?}"));
    token.split('<').next().unwrap().to_owned()
}

/// The status of what an application asks with this token.
fn asks(server: &Server, token: &str) -> u16 {
    let mut shop = server.client().with_header(&format!("authorization: Bearer {token}"));
    shop.json("/api/v1/service/sessions", br#"{"subject":"user:7"}"#).status
}

fn names(place: &Place) -> String {
    place.sqlite("SELECT name || ' ' || scope FROM service_tokens ORDER BY 1")
}

fn names_on(page: &Answer) -> Vec<String> {
    let links = page.body.split("/admin/service-tokens/remove?name=").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().replace("%2E", ".").replace("%2D", "-")).collect()
}

#[test]
fn one_is_added_shown_once_used_and_removed() {
    for validation in ["strict", "leased"] {
        let place = Place::new().with("SESSION__VALIDATION", validation).with("SESSION__LEASE", "300ms");
        super::add_administrator(&place, "root");
        let server = place.serve();
        let mut root = server.logged_in("root");
        assert!(text(&root.get(ALL)).contains("There are none."));
        let (answer, token) = made(&mut root, "till");
        assert_eq!(
            (answer.status, answer.header("cache-control"), answer.header("location")),
            (200, Some("no-store"), None)
        );
        assert!(token.starts_with("cks1_") && token.len() == 48 && answer.body.matches(&token).count() == 1);
        assert_eq!(asks(&server, &token), 201);

        let list = text(&root.get(ALL));
        for words in ["till", "Sessions: an application makes", "just now just now Remove"] {
            assert!(list.contains(words), "{words}: {list}");
        }
        let question = root.get(&format!("{REMOVE}?name=till"));
        assert!(text(&question).contains("Whoever uses it is refused from then on"), "{}", text(&question));
        assert_eq!(asks(&server, &token), 201, "asking removes nothing");
        let removed = root.submit_from(&question, REMOVE, &[]);
        assert_eq!(asks(&server, &token), 401, "{validation}: refused when the answer is there");
        let page = root.get(removed.header("location").unwrap());
        assert!(text(&page).contains("No server accepts it any more") && names(&place).is_empty(), "{page:?}");
        assert_eq!(root.submit_from(&question, REMOVE, &[]).status, 404, "it is gone");
        assert_eq!(root.get(&format!("{REMOVE}?name=till")).status, 404);
    }
}

#[test]
fn the_form_survives_the_detour_over_the_password() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    let page = root.get(ALL);
    an_hour_passes(&place);
    let asked = root.submit_from(&page, ALL, &[("name", "till"), ("scope", "admin")]);
    assert!(asked.status == 403 && asked.body.contains("type=\"password\""), "{asked:?}");
    assert_eq!(names(&place), "", "asking makes none");
    let done = root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert_eq!((done.status, done.set_cookies().len(), names(&place).as_str()), (200, 1, "till admin"));
    assert!(shown(&done).starts_with("cks1_"));
    let again = root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert!(again.status == 403 && !again.body.contains("cks1_"), "sent once more it is refused: {again:?}");

    let question = root.get(&format!("{REMOVE}?name=till"));
    an_hour_passes(&place);
    let asked = root.submit_from(&question, REMOVE, &[]);
    assert_eq!((asked.status, names(&place).as_str()), (403, "till admin"));
    let done = root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert!(text(&root.get(done.header("location").unwrap())).contains("The service token is removed."), "{done:?}");
    assert_eq!(names(&place), "");

    // The page that shows a token after the detour has forms of the new session token.
    let page = root.get(ALL);
    an_hour_passes(&place);
    let asked = root.submit_from(&page, ALL, &[("name", "again"), ("scope", "sessions")]);
    let done = root.submit_from(&asked, "/confirm", &[("password", PASSWORD)]);
    assert_eq!(root.submit_from(&done, "/logout", &[]).status, 303);
    assert_eq!(root.status(), 401, "signed out from it");
}

#[test]
fn the_token_is_in_no_log_no_event_and_no_second_answer() {
    let place = Place::new().with("LOG__FILTER", "trace");
    super::add_administrator(&place, "root");
    let server = place.serve();
    let mut root = server.logged_in("root");
    let (_, token) = made(&mut root, "till");
    assert_eq!(asks(&server, &token), 201);
    let page = root.get(ALL);
    let twice = root.submit_from(&page, ALL, &[("name", "till"), ("scope", "sessions")]);
    assert!(twice.status == 422 && text(&twice).contains("There is one of this name already"), "{twice:?}");
    let later = [ALL, "/admin/service-tokens/remove?name=till", "/admin", "/account"].map(|path| root.get(path));
    let question = &later[1];
    let removed = root.submit_from(question, REMOVE, &[]);
    let events = events_with(&place, "authn_token_delete", 1);
    for text in later
        .iter()
        .chain([&page, &twice, &removed])
        .map(|answer| format!("{answer:?}"))
        .chain([events.clone(), server.log()])
    {
        assert!(!text.contains(&token[5..]), "{text}");
    }
    let subject = place.sqlite("SELECT subject FROM accounts");
    for (kind, word) in [
        ("authz_admin", "add_service_token"),
        ("authn_token_created", "administrator"),
        ("authz_admin", "remove_service_token"),
        ("authn_token_delete", "administrator"),
    ] {
        let found = events.lines().filter(|line| [kind, word, subject.as_str()].iter().all(|part| line.contains(part)));
        assert_eq!(found.count(), 1, "who did {kind} {word}: {events}");
    }
}

#[test]
fn what_is_wrong_is_said_beside_its_field_and_markup_is_text() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    let evil = "<script>alert(1)</script>\"'><img src=x>";
    let page = root.get(ALL);
    for (name, scope, said) in [
        (evil, "sessions", "This is none of the values that are allowed."),
        ("", "sessions", "This is needed."),
        ("a b", "sessions", "This is none of the values that are allowed."),
        (&"n".repeat(65), "sessions", "This is too long."),
        ("till", evil, "This is none of the values that are allowed."),
        ("till", "", "This is needed."),
    ] {
        let answer = root.submit_from(&page, ALL, &[("name", name), ("scope", scope)]);
        assert!(answer.status == 422 && text(&answer).contains(said), "{name} {scope}: {answer:?}");
        assert!(!answer.body.contains("<script>") && !answer.body.contains("<img src=x"), "{}", answer.body);
    }
    let answer = root.submit_from(&page, ALL, &[("name", "till"), ("scope", "sessions"), ("more", "1")]);
    assert!(answer.status == 422 && text(&answer).contains("more: This field is not known here."), "{answer:?}");
    assert_eq!(root.get("/admin/service-tokens?after=x").status, 422);
    // Nothing is shown before the password is proven, and nothing is made without the form token or from elsewhere.
    add(&place, "shop", "sessions");
    let own = root.form_token();
    let typed = [("name", "till"), ("scope", "sessions"), ("form_token", own.as_str())];
    assert_eq!(root.form(ALL, &typed[..2]).status, 403);
    assert_eq!(root.clone().with_header("origin: https://evil.example").form(ALL, &typed).status, 403);
    assert_eq!(root.form(REMOVE, &[("name", "shop")]).status, 403);
    an_hour_passes(&place);
    let refused = root.form(ALL, &[("name", "a b"), ("scope", "sessions"), ("form_token", &own)]);
    assert!(refused.status == 422 && !refused.body.contains("shop"), "{refused:?}");
    assert_eq!(names(&place), "shop sessions");
}

#[test]
fn a_name_that_looks_like_a_path_is_removed_too() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    for name in [".", "..", "-", "a.b-c_d"] {
        made(&mut root, name);
        let page = root.get(ALL);
        let question = root.get(&link(&page, "Remove").unwrap());
        assert_eq!(root.submit_from(&question, REMOVE, &[]).status, 303, "{name}");
        assert_eq!(names(&place), "", "{name}");
    }
}

#[test]
fn pages_are_bounded_newest_first_without_gap_or_overlap() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    // Two of each moment.
    place.sqlite(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO service_tokens (name, digest, scope, created_at)
         SELECT printf('t%04d', 1001 - i), randomblob(32), 'sessions', 1700000000000 + i / 2 FROM n",
    );
    let wanted = place.sqlite("SELECT name FROM service_tokens ORDER BY created_at DESC, name");
    let wanted: Vec<_> = wanted.lines().map(str::to_owned).collect();
    let (mut path, mut seen, mut pages) = (ALL.to_owned(), Vec::new(), 0);
    loop {
        let page = root.get(&path);
        let found = names_on(&page);
        assert!(found.len() <= 50);
        seen.extend(found);
        pages += 1;
        let Some(next) = link(&page, "Older") else { break };
        path = next;
    }
    assert_eq!((pages, seen), (20, wanted));
    let page = root.get(ALL);
    let full = root.submit_from(&page, ALL, &[("name", "one-more"), ("scope", "sessions")]);
    assert!(full.status == 422 && text(&full).contains("as many as there can be"), "{full:?}");
}
