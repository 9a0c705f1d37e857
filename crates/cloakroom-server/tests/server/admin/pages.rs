//! Who gets the administrators' pages, and what is on them.

use super::{an_hour_passes, id_of, ids_on, subject_of, text, world};
use crate::client::Client;
use crate::process::{PASSWORD, Place, Server};

/// Every page of administrators, about a subject.
pub(super) fn pages(subject: &str) -> Vec<String> {
    vec![
        "/admin".to_owned(),
        "/admin/sessions".to_owned(),
        "/admin/sessions?network=127.0.0.0%2F8".to_owned(),
        "/admin/sessions/end?who=ada".to_owned(),
        "/admin/accounts".to_owned(),
        format!("/admin/accounts/{subject}"),
        format!("/admin/accounts/{subject}/end-all"),
        format!("/admin/accounts/{subject}/disable"),
        "/admin/service-tokens".to_owned(),
        "/admin/service-tokens/remove?name=shop".to_owned(),
    ]
}

/// Every form on them, about a session and a subject, with what is in it.
pub(super) fn forms(id: &str, subject: &str) -> Vec<(String, Vec<(&'static str, &'static str)>)> {
    vec![
        (format!("/admin/sessions/{id}/end"), vec![("back", "/admin/sessions?network=127.0.0.1")]),
        ("/admin/sessions/end".to_owned(), vec![("network", "127.0.0.0/8"), ("browser", "victim")]),
        (format!("/admin/accounts/{subject}/end-all"), vec![]),
        (format!("/admin/accounts/{subject}/disable"), vec![]),
        (format!("/admin/accounts/{subject}/enable"), vec![]),
        (format!("/admin/accounts/{subject}/unlock"), vec![]),
        ("/admin/service-tokens".to_owned(), vec![("name", "till"), ("scope", "sessions")]),
        ("/admin/service-tokens/remove".to_owned(), vec![("name", "shop")]),
    ]
}

/// Signed in from a browser called victim, which the forms are about.
pub(super) fn victim(server: &Server, name: &str) -> Client {
    let mut client = server.client().with_header("user-agent: victim/1.0");
    assert_eq!(client.log_in(name, PASSWORD).status, 200);
    client
}

fn refuses_everything(client: &mut Client, id: &str, subject: &str) {
    let own = client.form_token();
    for page in pages(subject) {
        let answer = client.get(&page);
        assert!(answer.status == 403 && answer.body.contains("Not allowed"), "{page}: {answer:?}");
    }
    for (action, typed) in forms(id, subject) {
        let answer = client.form(&action, &[&typed[..], &[("form_token", &own)]].concat());
        assert!(answer.status == 403 && answer.body.contains("Not allowed"), "{action}: {answer:?}");
    }
}

#[test]
fn people_get_no_pages_of_administrators() {
    let (place, server) = world();
    super::service_tokens::add(&place, "shop", "sessions");
    let (mut root, mut ada, mut bob) = (server.logged_in("root"), server.logged_in("ada"), victim(&server, "bob"));
    let (id, subject) = (id_of(&mut bob), subject_of(&mut bob));
    assert!(root.get("/account").body.contains("href=\"/admin\""));
    assert!(!ada.get("/account").body.contains("/admin"), "no way there is shown");
    refuses_everything(&mut ada, &id, &subject);
    an_hour_passes(&place);
    refuses_everything(&mut ada, &id, &subject);
    for page in pages(&subject) {
        let answer = server.client().get(&page);
        assert!(answer.status == 303 && answer.header("location").unwrap().starts_with("/login?"), "{answer:?}");
    }
    for (action, typed) in forms(&id, &subject) {
        assert_eq!(server.client().form(&action, &typed).header("location"), Some("/login?return_to=%2Faccount"));
    }
    assert_eq!((bob.status(), place.rows()), (200, 3));
    assert_eq!(place.sqlite("SELECT count(*) FROM accounts WHERE disabled_at IS NOT NULL"), "0");
    assert_eq!(place.sqlite("SELECT name FROM service_tokens"), "shop");
}

#[test]
fn a_demoted_administrator_gets_no_page_any_more() {
    for validation in ["strict", "leased"] {
        let place = Place::new().with("SESSION__VALIDATION", validation).with_account("bob");
        super::add_administrator(&place, "root");
        super::service_tokens::add(&place, "shop", "sessions");
        let server = place.serve();
        let (mut root, mut bob) = (server.logged_in("root"), victim(&server, "bob"));
        let (id, subject) = (id_of(&mut bob), subject_of(&mut bob));
        assert_eq!(root.get("/admin").status, 200);
        place.sqlite("UPDATE accounts SET role = 'person' WHERE login_name = 'root'");
        refuses_everything(&mut root, &id, &subject);
        assert_eq!((root.status(), bob.status()), (200, 200));
    }
}

#[test]
fn the_overview_says_how_the_server_is() {
    let place = Place::new().with("SESSION__VALIDATION", "leased").with("LOGIN__CONCURRENCY", "2");
    super::add_administrator(&place, "root");
    let server = place.serve();
    let mut root = server.logged_in("root");
    let page = root.get("/admin");
    assert_eq!(page.status, 200);
    let said = text(&page);
    for words in [
        "Takes requests Yes.",
        "Waiting to be written Uses of sessions: ",
        "Database Answers.",
        "Migrations All 2 have been applied.",
        "Validation Leased for 1,000 ms",
        "Logins being checked or waiting 0 of at most 66",
        "Last sweep",
        env!("CARGO_PKG_VERSION"),
        "Started just now",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for path in ["/admin", "/admin/sessions", "/admin/accounts", "/admin/service-tokens", "/admin/charts"] {
        assert!(page.body.contains(&format!("href=\"{path}\"")), "{path}");
        assert!(root.get(path).body.contains("id=\"leaving\""), "{path}");
    }
}

#[test]
fn the_overview_says_why_the_server_takes_no_more() {
    let place = Place::new().with("STOP__DELAY", "50s");
    super::add_administrator(&place, "root");
    let server = place.serve();
    let mut root = server.logged_in("root");
    server.signal("-TERM");
    let stopping = "Takes requests Attention No: it was told to stop.";
    let said = (0..400).map(|_| text(&root.get("/admin"))).find(|said| said.contains(stopping));
    assert!(said.is_some(), "{}", text(&root.get("/admin")));
}

#[test]
fn what_strangers_chose_is_escaped() {
    let (place, server) = world();
    let evil = "<script>alert(1)</script>\"'><img src=x>";
    let mut eve = server.client().with_header(&format!("user-agent: {evil}"));
    assert_eq!(eve.log_in("bob", PASSWORD).status, 200);
    let mut root = server.logged_in("root");
    // A session of an application's own, whose subject is whatever it likes.
    place.sqlite(&format!(
        "INSERT INTO session_subjects (subject) VALUES ('{0}'); UPDATE sessions SET subject = '{0}' WHERE user_agent IS NOT NULL",
        evil.replace('\'', "''")
    ));
    let encoded = percent_encoding::utf8_percent_encode(evil, percent_encoding::NON_ALPHANUMERIC).to_string();
    for path in [
        "/admin/sessions".to_owned(),
        format!("/admin/sessions?who={encoded}"),
        format!("/admin/sessions?network={encoded}&browser={encoded}"),
        format!("/admin/sessions?{encoded}=1"),
        format!("/admin/sessions/end?who={encoded}"),
        format!("/admin/accounts?name={encoded}"),
    ] {
        let page = root.get(&path);
        assert!(matches!(page.status, 200 | 422), "{path}: {page:?}");
        assert!(!page.body.contains("<script>") && !page.body.contains("<img src=x"), "{path}: {}", page.body);
    }
    let page = root.get(&format!("/admin/sessions?who={encoded}"));
    assert!(page.body.contains("&#60;script&#62;"), "{}", page.body);
    assert_eq!(ids_on(&page).len(), 1, "and it is found");
}

#[test]
fn every_page_speaks_both_languages_and_its_tables_are_for_everybody() {
    let (place, server) = world();
    super::service_tokens::add(&place, "shop", "sessions");
    let mut bob = server.logged_in("bob");
    let subject = subject_of(&mut bob);
    for (language, words) in
        [("en", ["Overview", "Sessions", "Accounts"]), ("ja", ["概要", "セッション", "アカウント"])]
    {
        let mut root = server.logged_in("root").with_header(&format!("accept-language: {language}"));
        for path in pages(&subject) {
            let page = root.get(&path);
            assert_eq!(page.status, 200, "{path}");
            let body = &page.body;
            assert!(body.contains(&format!("<html lang=\"{language}\"")), "{path}");
            assert!(words.iter().all(|word| body.contains(word)), "{path}: {body}");
            assert!(!body.contains("admin-") && !body.contains("confirm-"), "{path}: a message is missing: {body}");
            assert!(!body.contains("style=") && !body.contains("onclick"), "{path}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
            assert!(body.contains("id=\"leaving\""), "{path}: nothing warns of the end of this session");
            for table in body.split("<table").skip(1) {
                let table = table.split("</table>").next().unwrap();
                assert!(table.contains("<caption>") && table.contains("scope=\"row\""), "{path}: {table}");
                let headings = table.matches("<th").count() - table.matches("<thead").count();
                assert_eq!(table.matches("scope=\"").count(), headings, "{path}: {table}");
            }
            for input in body.split("<input ").skip(1).filter(|input| !input.contains("type=\"hidden\"")) {
                let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
                assert!(body.contains(&format!("<label for=\"{id}\"")), "{path}: {id} has no label");
            }
        }
    }
}
