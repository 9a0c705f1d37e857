//! Everybody's sessions, for administrators alone: the role is read with each request, and the password was proven a moment ago.

mod accounts;
mod detour;
mod pages;
mod postgres;
mod search;
mod service_tokens;

use crate::client::{Answer, Client, unescaped};
use crate::process::{PASSWORD, Place, Server};

const ALL: &str = "/api/v1/admin/sessions";

/// A server with the administrator root and the persons ada and bob.
fn world() -> (Place, Server) {
    let place = Place::new().with_account("ada").with_account("bob");
    add_administrator(&place, "root");
    let server = place.serve();
    (place, server)
}

fn add_administrator(place: &Place, name: &str) {
    let added = place.run_with_input(&["account", "add", name, "--admin", "--password-stdin"], PASSWORD);
    assert!(added.status.success(), "{added:?}");
}

/// As if everybody had signed in an hour earlier.
fn an_hour_passes(place: &Place) {
    place
        .sqlite("UPDATE sessions SET authenticated_at = authenticated_at - 3600000, created_at = created_at - 3600000");
}

/// What a page says, without its tags.
fn text(page: &Answer) -> String {
    let mut text = String::new();
    for part in page.body.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, said)| said));
        text.push(' ');
    }
    unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The ids of the sessions a page has a button for, in its order.
fn ids_on(page: &Answer) -> Vec<String> {
    let actions = page.body.split("action=\"/admin/sessions/").skip(1);
    actions.filter_map(|rest| rest.split_once("/end\"")).map(|(id, _)| id.to_owned()).collect()
}

/// The address behind the link with this text.
fn link(page: &Answer, said: &str) -> Option<String> {
    let before = page.body.split(&format!("\">{said}</a>")).next().filter(|before| before.len() < page.body.len())?;
    before.rsplit("href=\"").next().map(|link| unescaped(link.split('"').next().unwrap_or_default()))
}

fn id_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned()
}

fn subject_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["subject"].as_str().unwrap().to_owned()
}

fn listed(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let sessions = answer.json()["sessions"].as_array().unwrap().clone();
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

/// Every way to administrate, about this session and subject.
fn attempts(client: &mut Client, id: &str, subject: &str) -> [Answer; 3] {
    [client.get(ALL), client.delete(&format!("{ALL}/{id}")), client.delete(&format!("{ALL}?subject={subject}"))]
}

fn refused(answers: &[Answer], status: u16, code: &str) {
    for answer in answers {
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{answer:?}");
    }
}

/// What is recorded, once a word is in it so often, or after many tries: rows are written a moment after their lines.
fn events_with(place: &Place, word: &str, times: usize) -> String {
    let list = || String::from_utf8(place.run(&["event", "list"]).stdout).unwrap();
    let found = (0..400).map(|_| list()).find(|events| events.matches(word).count() == times);
    found.unwrap_or_else(list)
}

#[test]
fn an_administrator_lists_and_ends_everybodys_sessions() {
    let (place, server) = world();
    let (mut root, mut ada) = (server.logged_in("root"), server.logged_in("ada"));
    let (mut bob, mut other) = (server.logged_in("bob"), server.logged_in("bob"));
    let ids = [id_of(&mut other), id_of(&mut bob), id_of(&mut ada), id_of(&mut root)];
    assert_eq!(listed(&root.get(ALL)), ids, "newest first");
    let subject = subject_of(&mut bob);
    assert_eq!(listed(&root.get(&format!("{ALL}?subject={subject}"))), ids[..2]);
    let page = root.get(&format!("{ALL}?limit=1"));
    assert_eq!(listed(&page), ids[..1]);
    let next = page.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(listed(&root.get(&format!("{ALL}?limit=9&cursor={next}"))), ids[1..]);
    assert_eq!(root.get(&format!("{ALL}?limit=101&cursor=x")).fields(), ["cursor", "limit"]);

    assert_eq!(root.delete(&format!("{ALL}/{}", ids[2])).status, 204);
    assert_eq!((ada.status(), bob.status(), root.status()), (401, 200, 200));
    assert_eq!(root.delete(&format!("{ALL}/{}", ids[2])).status, 404, "it is gone");
    let ended = root.delete(&format!("{ALL}?subject={subject}&everywhere=true"));
    assert_eq!((ended.status, &ended.json()["ended"]), (200, &2.into()));
    assert_eq!((bob.status(), other.status(), place.rows()), (401, 401, 1));
    assert_eq!(root.delete(ALL).fields(), ["subject"], "nobody is ended by leaving the subject out");
    assert!(!root.get(ALL).body.contains(root.token()));
}

#[test]
fn a_demoted_administrator_is_refused_on_the_next_request() {
    for validation in ["strict", "leased"] {
        let place = Place::new().with("SESSION__VALIDATION", validation).with_account("ada");
        assert!(
            place.run_with_input(&["account", "add", "root", "--admin", "--password-stdin"], PASSWORD).status.success()
        );
        let server = place.serve();
        let (mut root, mut ada) = (server.logged_in("root"), server.logged_in("ada"));
        let (id, subject) = (id_of(&mut ada), subject_of(&mut ada));
        assert_eq!(listed(&root.get(ALL)).len(), 2);
        place.sqlite("UPDATE accounts SET role = 'person' WHERE login_name = 'root'");
        refused(&attempts(&mut root, &id, &subject), 403, "forbidden");
        assert_eq!((root.status(), ada.status(), place.rows()), (200, 200, 2), "and nothing has changed");
    }
}

#[test]
fn nobody_else_administrates() {
    let (place, server) = world();
    let (mut ada, mut bob) = (server.logged_in("ada"), server.logged_in("bob"));
    let (id, subject) = (id_of(&mut bob), subject_of(&mut bob));
    refused(&attempts(&mut ada, &id, &subject), 403, "forbidden");
    refused(&attempts(&mut server.client(), &id, &subject), 401, "login_required");
    assert_eq!((bob.status(), place.rows()), (200, 2));
    let events = events_with(&place, "not_an_administrator", 3);
    assert_eq!(events.matches("not_an_administrator").count(), 3, "{events}");
}

#[test]
fn administration_asks_for_a_recent_authentication() {
    let (place, server) = world();
    let (mut root, mut ada) = (server.logged_in("root"), server.logged_in("ada"));
    let (id, subject) = (id_of(&mut ada), subject_of(&mut ada));
    an_hour_passes(&place);
    refused(&attempts(&mut root, &id, &subject), 403, "step_up_required");
    assert_eq!(ada.status(), 200);
    let body = serde_json::json!({ "password": PASSWORD }).to_string();
    assert_eq!(root.json("/api/v1/confirm", body.as_bytes()).status, 204);
    assert_eq!(root.delete(&format!("{ALL}/{id}")).status, 204);
    assert_eq!(ada.status(), 401);
    let events = events_with(&place, "authn_token_revoked", 1);
    let done = events.lines().filter(|line| line.contains("authz_admin") || line.contains("authn_token_revoked"));
    assert_eq!(done.count(), 2, "who did it, and to whom: {events}");
}
