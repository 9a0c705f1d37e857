//! Searching everybody's sessions, a bounded number of rows at a time, and ending what matches.

use std::collections::BTreeSet;

use super::{ALL, events_with, id_of, ids_on, link, listed, subject_of, text, world};
use crate::client::{Answer, Client};
use crate::process::{Place, Server};

/// So many sessions of nobody's account, older than all others; `n` of them is `old N`.
fn add_old_sessions(place: &Place, count: u32) {
    place.sqlite(&format!(
        "INSERT INTO session_subjects (subject) VALUES ('app');
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}),
              clock(now) AS (SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000)
         INSERT INTO sessions SELECT randomblob(32), printf('018f0000-%04x-7000-8000-%012x', i / 4096, i), 'app',
                now - 60000, now - 60000, now - 60000, NULL, now + 600000, 'passkey', 'old ' || i, '198.51.100.7'
         FROM n, clock"
    ));
}

/// Each with a browser, address, method and age of its own; their ids by name.
fn different_sessions(place: &Place, server: &Server) -> [(Client, String); 3] {
    let mut clients = [("ada", "Firefox/1"), ("ada", "curl/8"), ("bob", "Firefox/2")].map(|(name, browser)| {
        let mut client = server.client().with_header(&format!("user-agent: {browser}"));
        assert_eq!(client.log_in(name, crate::process::PASSWORD).status, 200);
        let id = id_of(&mut client);
        (client, id)
    });
    for (index, (ip, method)) in
        [("203.0.113.7", "password"), ("203.0.113.8", "passkey"), ("2001:db8::1", "passkey")].into_iter().enumerate()
    {
        let (client, id) = &mut clients[index];
        let older = format!("018f0000-000{index}{}", &id[13..]);
        place.sqlite(&format!(
            "UPDATE sessions SET ip = '{ip}', auth_method = '{method}', id = '{older}', created_at = \
             created_at - {index} * 86400000 - 3600000 WHERE id = '{id}'"
        ));
        assert_eq!(id_of(client), older);
        *id = older;
    }
    clients
}

#[test]
fn each_filter_finds_what_it_says_on_the_page_and_over_json() {
    let (place, server) = world();
    let [(mut ada, first), (_, second), (mut bob, third)] = different_sessions(&place, &server);
    let mut root = server.logged_in("root");
    let (adas, bobs) = (subject_of(&mut ada), subject_of(&mut bob));
    let all = [&third, &second, &first];
    for (query, wanted) in [
        (format!("subject={adas}"), vec![&second, &first]),
        (format!("subject={bobs}"), vec![&third]),
        ("subject=nobody".to_owned(), vec![]),
        ("network=203.0.113.0%2F24".to_owned(), vec![&second, &first]),
        ("network=203.0.113.8".to_owned(), vec![&second]),
        ("network=2001:db8::%2F32".to_owned(), vec![&third]),
        ("browser=firefox".to_owned(), vec![&third, &first]),
        ("auth_method=passkey".to_owned(), vec![&third, &second]),
        ("older_than=30m".to_owned(), all.to_vec()),
        ("older_than=1d".to_owned(), vec![&third, &second]),
        ("older_than=400d".to_owned(), vec![]),
        (format!("subject={adas}&browser=curl&auth_method=passkey&network=203.0.113.0/24"), vec![&second]),
        (format!("subject={adas}&browser=Firefox&auth_method=passkey"), vec![]),
    ] {
        let wanted: Vec<String> = wanted.into_iter().cloned().collect();
        assert_eq!(listed(&root.get(&format!("{ALL}?{query}"))), wanted, "{query}");
        let page = root.get(&format!("/admin/sessions?{query}"));
        assert_eq!((page.status, ids_on(&page)), (200, wanted), "{query}");
    }
    assert_eq!(ids_on(&root.get("/admin/sessions?who=%20ADA")), [second, first], "by login name");
    assert_eq!(ids_on(&root.get(&format!("/admin/sessions?who={bobs}"))), [third], "by subject");
    let created_before = "created_before=2000-01-01T00:00:00Z";
    assert!(listed(&root.get(&format!("{ALL}?{created_before}"))).is_empty());
    let page = root.get("/admin/sessions");
    assert!(text(&page).contains("root this session") && ids_on(&page).len() == 3, "no button for one's own");
    for (query, field) in [("network=10.1.1.1/8", "network"), ("older_than=soon", "older_than"), ("x=1", "x")] {
        assert_eq!(root.get(&format!("{ALL}?{query}")).fields(), [field]);
        let page = root.get(&format!("/admin/sessions?{query}"));
        assert!(page.status == 422 && page.body.contains("class=\"error\""), "{query}: {page:?}");
    }
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let (place, server) = world();
    add_old_sessions(&place, 120);
    let mut root = server.logged_in("root");
    let (mut path, mut seen, mut pages) = ("/admin/sessions?network=198.51.100.7".to_owned(), Vec::new(), 0);
    loop {
        let page = root.get(&path);
        seen.extend(ids_on(&page));
        pages += 1;
        match link(&page, "Older") {
            Some(older) => path = older,
            None => break,
        }
    }
    let different: BTreeSet<_> = seen.iter().collect();
    assert_eq!((pages, seen.len(), different.len()), (3, 120, 120));
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "newest first");
}

#[test]
fn a_search_looks_at_a_bounded_number_of_rows_and_says_so() {
    let (place, server) = world();
    add_old_sessions(&place, 2_050);
    let mut root = server.logged_in("root");
    let page = root.get("/admin/sessions?browser=old%201&network=198.51.100.7&who=app&auth_method=passkey");
    assert!(ids_on(&page).len() == 50 && link(&page, "Older").is_some(), "{}", text(&page));
    // The oldest is the first that was added: beyond the bound.
    place.sqlite("UPDATE sessions SET user_agent = 'zebra' WHERE user_agent = 'old 1'");
    let page = root.get("/admin/sessions?browser=zebra");
    assert!(ids_on(&page).is_empty() && text(&page).contains("as many sessions as one page does"), "{}", text(&page));
    let page = root.get(&link(&page, "Look further").expect("it offers to go on"));
    assert_eq!((ids_on(&page).len(), link(&page, "Look further")), (1, None));
    let preview = root.get("/admin/sessions/end?browser=zebra");
    assert!(text(&preview).contains("1 of 2,051 living sessions match"), "{}", text(&preview));
    assert!(text(&root.get("/admin/sessions/end?browser=nothing")).contains("0 of 2,051"));
}

fn end_matching(root: &mut Client, query: &str) -> (Answer, Answer) {
    let list = root.get(&format!("/admin/sessions?{query}"));
    let preview = root.get(&link(&list, "End all that match…").expect("a way to end them"));
    assert_eq!(preview.status, 200, "{preview:?}");
    let done = root.submit_from(&preview, "/admin/sessions/end", &[]);
    (preview, done)
}

#[test]
fn what_matches_ends_as_its_preview_says_and_nothing_else() {
    let (place, server) = world();
    let [(mut first, _), (mut second, _), (mut third, _)] = different_sessions(&place, &server);
    let mut root = server.logged_in("root");
    assert_eq!(link(&root.get("/admin/sessions"), "End all that match…"), None, "everybody's are for the command line");
    let (preview, done) = end_matching(&mut root, "network=203.0.113.0/24&older_than=30m");
    let said = text(&preview);
    for words in ["2 of 4 living sessions match", "From the network: 203.0.113.0/24", "Signed in before: 20"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(done.status, 303, "{done:?}");
    let page = root.get(done.header("location").unwrap());
    assert!(text(&page).contains("2 sessions were ended"), "{}", text(&page));
    assert_eq!((first.status(), second.status(), third.status(), root.status()), (401, 401, 200, 200));
    assert_eq!(place.sqlite("SELECT DISTINCT reason FROM session_feed WHERE kind = 'ended'"), "administrator");
    assert_eq!(first.get("/api/v1/session").code(), "session_revoked");
    let events = events_with(&place, "end_matching", 1);
    assert!(events.contains("authz_admin") && events.contains("authn_token_revoked"), "{events}");

    let json = root.delete(&format!("{ALL}?auth_method=passkey&browser=firefox&everywhere=true"));
    assert_eq!((json.status, &json.json()["ended"], third.status()), (200, &1.into(), 401), "{json:?}");
}

#[test]
fn what_ends_is_refused_on_the_next_request_under_leased_validation_too() {
    let place = Place::new().with("SESSION__VALIDATION", "leased").with_account("ada").with_account("bob");
    super::add_administrator(&place, "root");
    let server = place.serve();
    let (mut root, mut bob) = (server.logged_in("root"), server.logged_in("bob"));
    let mut curl = server.client().with_header("user-agent: curl/8");
    assert_eq!(curl.log_in("ada", crate::process::PASSWORD).status, 200);
    for client in [&mut root, &mut bob, &mut curl] {
        assert_eq!((client.status(), client.status()), (200, 200), "from memory by now");
    }
    let done = root.delete(&format!("{ALL}?browser=curl"));
    assert_eq!((&done.json()["ended"], curl.status(), bob.status()), (&1.into(), 401, 200));
    let bobs = subject_of(&mut bob);
    let done = root.post(&format!("/api/v1/admin/accounts/{bobs}/disable"));
    assert_eq!((&done.json()["ended"], bob.status(), root.status()), (&1.into(), 401, 200));
}

#[test]
fn nobodys_session_ends_because_a_filter_was_left_out() {
    let (place, server) = world();
    let (mut root, _bob) = (server.logged_in("root"), server.logged_in("bob"));
    let own = root.form_token();
    assert_eq!(root.get("/admin/sessions/end").status, 422);
    for typed in [vec![], vec![("subject", "")], vec![("subject", " ")], vec![("network", " ")], vec![("who", "bob")]] {
        let answer = root.form("/admin/sessions/end", &[&typed[..], &[("form_token", &own)]].concat());
        assert_eq!(answer.status, 422, "{typed:?}");
    }
    for (query, fields) in [
        ("", vec!["subject"]),
        ("?subject=", vec!["subject"]),
        ("?everywhere=true", vec!["subject"]),
        ("?network=+&browser=", vec!["network", "browser"]),
        // Whose Firefox it is came out empty: everybody's was not meant.
        ("?subject=&browser=firefox", vec!["subject"]),
    ] {
        assert_eq!(root.delete(&format!("{ALL}{query}")).fields(), fields, "{query}");
    }
    assert_eq!(place.rows(), 2);
}

#[test]
fn an_administrator_whose_own_session_matches_is_told_and_signed_out() {
    let (place, server) = world();
    let (mut root, mut bob) = (server.logged_in("root"), server.logged_in("bob"));
    let (preview, done) = end_matching(&mut root, "network=127.0.0.1");
    assert!(text(&preview).contains("2 of 2 living sessions match"), "{}", text(&preview));
    assert!(text(&preview).contains("Your own session is one of them"), "{}", text(&preview));
    assert_eq!((done.status, done.header("location"), root.token.is_none()), (303, Some("/login"), true));
    assert_eq!((bob.status(), place.rows()), (401, 0));
}

#[test]
fn ending_one_leads_back_to_the_page_it_was_asked_on() {
    let (place, server) = world();
    let (mut root, mut ada, mut bob) = (server.logged_in("root"), server.logged_in("ada"), server.logged_in("bob"));
    let (id, subject) = (id_of(&mut ada), subject_of(&mut ada));
    let page = root.get("/admin/sessions?network=127.0.0.0%2F8");
    let action = format!("/admin/sessions/{id}/end");
    let done = root.submit_from(&page, &action, &[]);
    let target = done.header("location").unwrap();
    assert!(done.status == 303 && target.starts_with("/admin/sessions?network=127"), "{done:?}");
    assert!(text(&root.get(target)).contains("One session was ended"));
    assert_eq!((ada.status(), bob.status()), (401, 200), "on the next request");
    assert_eq!(root.submit_from(&page, &action, &[]).status, 404, "it is gone");
    let own = root.form_token();
    for evil in ["https://evil.example/admin", "/account", "//evil.example"] {
        let answer = root.form(&action, &[("form_token", &own), ("back", evil)]);
        assert_eq!(answer.status, 422, "{evil}");
    }
    let events = events_with(&place, "end_one", 1);
    let revoked = events.lines().find(|line| line.contains("authn_token_revoked")).unwrap_or_default();
    assert!(revoked.contains(&subject), "to whom: {events}");
}
