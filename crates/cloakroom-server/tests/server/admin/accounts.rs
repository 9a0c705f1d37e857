//! Accounts on the administrators' pages and over JSON: found, disabled, enabled, unlocked, removed.

use super::{add_administrator, events_with, ids_on, link, subject_of, text, world};
use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

const ALL: &str = "/api/v1/admin/accounts";

fn names_on(page: &Answer) -> Vec<String> {
    let links = page.body.split("<a href=\"/admin/accounts/").skip(1);
    let names = links.filter_map(|rest| rest.split_once('>')).filter_map(|(_, said)| said.split_once("</a>"));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn names_of(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let accounts = answer.json()["accounts"].as_array().unwrap().clone();
    accounts.iter().map(|account| account["login_name"].as_str().unwrap().to_owned()).collect()
}

fn subject(place: &Place, name: &str) -> String {
    place.sqlite(&format!("SELECT subject FROM accounts WHERE login_name = '{name}'"))
}

/// `m01` to `m60`, which nobody logs in to.
fn add_many(place: &Place) {
    place.sqlite(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         INSERT INTO accounts SELECT 'many ' || i, printf('m%02d', i), password_hash, 'person', created_at, created_at, NULL
         FROM accounts, n WHERE login_name = 'ada'",
    );
}

#[test]
fn accounts_are_found_by_how_their_login_name_begins() {
    let (place, server) = world();
    add_many(&place);
    let mut root = server.logged_in("root");
    let mut wanted: Vec<_> =
        (1..=60).map(|i| format!("m{i:02}")).chain(["ada", "bob", "root"].map(str::to_owned)).collect();
    wanted.sort();
    let (mut path, mut seen) = ("/admin/accounts".to_owned(), Vec::new());
    let mut pages = 1;
    loop {
        let page = root.get(&path);
        seen.extend(names_on(&page));
        let Some(next) = link(&page, "Next") else { break };
        (path, pages) = (next, pages + 1);
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, wanted);
    for (name, found) in [
        ("ada", vec!["ada"]),
        ("AD", vec!["ada"]),
        ("m5", vec!["m50", "m51", "m52", "m53", "m54", "m55", "m56", "m57", "m58", "m59"]),
        ("m50", vec!["m50"]),
        ("mm", vec![]),
        ("%25", vec![]),
    ] {
        assert_eq!(names_on(&root.get(&format!("/admin/accounts?name={name}"))), found, "{name}");
        assert_eq!(names_of(&root.get(&format!("{ALL}?prefix={name}"))), found, "{name}");
    }
    let page = root.get("/admin/accounts?name=m");
    let next = link(&page, "Next").unwrap();
    assert_eq!((names_on(&page).len(), names_on(&root.get(&next))[0].as_str()), (25, "m26"));
    assert_eq!(names_of(&root.get(&format!("{ALL}?login_name=m5"))), Vec::<String>::new());
    let first = root.get(&format!("{ALL}?limit=2"));
    assert_eq!(
        (names_of(&first), &first.json()["next_cursor"]),
        (vec!["ada".to_owned(), "bob".to_owned()], &"bob".into())
    );
    assert_eq!(names_of(&root.get(&format!("{ALL}?limit=1&cursor=bob"))), ["m01"]);
    assert_eq!(root.get(&format!("{ALL}?limit=0&x=1")).fields(), ["limit", "x"]);
}

#[test]
fn the_page_of_an_account_shows_its_sessions_and_what_happened() {
    let (place, server) = world();
    let (mut root, mut ada) = (server.logged_in("root"), server.logged_in("ada"));
    let _second = server.logged_in("ada");
    server.logged_in("bob");
    assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
    let path = format!("/admin/accounts/{}", subject_of(&mut ada));
    let page =
        (0..400).map(|_| root.get(&path)).find(|page| page.body.contains("Failed attempt")).expect("its activity");
    assert_eq!(ids_on(&page).len(), 2, "hers and nobody else's");
    for words in ["Account created", "Person", "Disabled No", "Locked No"] {
        assert!(text(&page).contains(words), "{words}: {}", text(&page));
    }
    let list = root.get("/admin/accounts");
    assert!(text(&list).contains("ada Person"), "{}", text(&list));
    assert_eq!(root.get("/admin/accounts/nobody").status, 404);
    let done = root.submit_from(&page, &format!("/admin/sessions/{}/end", ids_on(&page)[0]), &[]);
    assert!(done.header("location").unwrap().starts_with(&path.replace('-', "%2D")), "{done:?}");
    let page = root.get(&format!("{path}/end-all"));
    assert!(text(&page).contains("(living now: 1)"), "{}", text(&page));
    let done = root.submit_from(&page, &format!("{}/end-all", path.replace('-', "%2D")), &[]);
    assert!(text(&root.get(done.header("location").unwrap())).contains("One session was ended"));
    assert_eq!((ada.status(), place.rows()), (401, 2));
}

#[test]
fn disabling_ends_the_sessions_and_keeps_them_out_until_enabled() {
    let (place, server) = world();
    let (mut root, mut ada, mut bob) = (server.logged_in("root"), server.logged_in("ada"), server.logged_in("bob"));
    let whose = subject_of(&mut ada);
    let path = format!("/admin/accounts/{}", whose.replace('-', "%2D"));
    let question = root.get(&link(&root.clone().get(&path), "Disable the account").unwrap());
    assert!(text(&question).contains("ada cannot sign in any more") && text(&question).contains("living now: 1"));
    assert_eq!(ada.status(), 200, "asking disables nobody");
    let done = root.submit_from(&question, &format!("{path}/disable"), &[]);
    let page = root.get(done.header("location").unwrap());
    assert!(text(&page).contains("The account is disabled, and its session was ended"), "{}", text(&page));
    assert_eq!((ada.status(), bob.status(), server.client().log_in("ada", PASSWORD).status), (401, 200, 401));
    let enabled = root.submit_from(&page, &format!("{path}/enable"), &[]);
    assert!(text(&root.get(enabled.header("location").unwrap())).contains("The account is enabled"));
    assert_eq!((ada.status(), server.client().log_in("ada", PASSWORD).status), (401, 200));
    let events = events_with(&place, "user_updated", 2);
    for words in ["disable", "enable", "disabled", "enabled"] {
        assert!(events.contains(words), "{words}: {events}");
    }
    let about = events.lines().filter(|line| line.contains("user_updated") && line.contains(&whose)).count();
    let by = events.lines().filter(|line| line.contains("authz_admin") && line.contains(&subject(&place, "root")));
    assert_eq!((about, by.count()), (2, 2), "who did it to whom: {events}");
}

#[test]
fn unlocking_forgets_failed_attempts() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    for _ in 0..5 {
        assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
    }
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 429);
    place.sqlite("UPDATE attempt_counters SET failures = 100 WHERE failures = 5 AND until_at > changed_at");
    let path = format!("/admin/accounts/{}", subject(&place, "ada").replace('-', "%2D"));
    let page = root.get(&path);
    assert!(text(&page).contains("Locked After too many failed attempts"), "{}", text(&page));
    let done = root.submit_from(&page, &format!("{path}/unlock"), &[]);
    let page = root.get(done.header("location").unwrap());
    assert!(text(&page).contains("Failed attempts are forgotten") && text(&page).contains("Locked No"));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
    assert!(events_with(&place, "unlocked", 1).contains("user_updated"));
}

#[test]
fn nobody_disables_the_own_account() {
    let (place, server) = world();
    let mut root = server.logged_in("root");
    let own = subject_of(&mut root);
    let path = format!("/admin/accounts/{own}");
    let page = root.get(&path);
    assert!(text(&page).contains("This is your own account") && link(&page, "Disable the account").is_none());
    let question = root.get(&format!("{path}/disable"));
    assert!(text(&question).contains("Another administrator can disable it"), "{}", text(&question));
    let token = root.form_token();
    for act in ["disable", "enable"] {
        let answer = root.form(&format!("{path}/{act}"), &[("form_token", &token)]);
        assert!(answer.status == 422 && answer.body.contains("This is your own account"), "{act}: {answer:?}");
        let answer = root.post(&format!("{ALL}/{own}/{act}"));
        assert_eq!((answer.status, answer.fields()), (422, vec!["subject".to_owned()]), "{act}");
    }
    assert_eq!(root.delete(&format!("{ALL}/{own}")).fields(), ["subject"]);
    assert_eq!(
        (root.status(), place.sqlite("SELECT count(*) FROM accounts WHERE disabled_at IS NULL")),
        (200, "3".into())
    );
}

#[test]
fn of_administrators_who_disable_each_other_one_is_left() {
    let place = Place::new();
    add_administrator(&place, "one");
    add_administrator(&place, "two");
    let server = place.serve();
    let subjects = ["one", "two"].map(|name| subject(&place, name));
    for round in 0..6 {
        place.sqlite("UPDATE accounts SET disabled_at = NULL");
        let clients = ["one", "two"].map(|name| server.logged_in(name));
        std::thread::scope(|scope| {
            for (client, other) in clients.iter().zip(subjects.iter().rev()) {
                scope.spawn(move || client.clone().post(&format!("{ALL}/{other}/disable")));
            }
        });
        assert_eq!(place.sqlite("SELECT count(*) FROM accounts WHERE disabled_at IS NULL"), "1", "round {round}");
    }
}

#[test]
fn programs_disable_enable_and_remove() {
    let (place, server) = world();
    let (mut root, mut ada, mut bob) = (server.logged_in("root"), server.logged_in("ada"), server.logged_in("bob"));
    let (adas, bobs) = (subject_of(&mut ada), subject_of(&mut bob));
    let done = root.post(&format!("{ALL}/{adas}/disable"));
    assert_eq!((done.status, &done.json()["ended"], ada.status()), (200, &1.into(), 401));
    let shown = root.get(&format!("{ALL}?login_name=ADA")).json()["accounts"][0].clone();
    assert_eq!((&shown["subject"], &shown["role"]), (&adas.as_str().into(), &"person".into()));
    assert!(shown["disabled_at"].is_string() && shown.get("password_hash").is_none(), "{shown}");
    assert_eq!(root.post(&format!("{ALL}/{adas}/enable")).status, 200);
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
    let removed = root.delete(&format!("{ALL}/{bobs}?everywhere=true"));
    assert_eq!((removed.status, &removed.json()["ended"], bob.status()), (200, &1.into(), 401));
    assert_eq!(place.sqlite("SELECT count(*) FROM accounts"), "2");
    for answer in [
        root.delete(&format!("{ALL}/{bobs}")),
        root.post(&format!("{ALL}/nobody/disable")),
        root.post(&format!("{ALL}/nobody/enable")),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{answer:?}");
    }
    let mut person = server.logged_in("ada");
    for answer in [
        person.get(ALL),
        person.post(&format!("{ALL}/{adas}/disable")),
        person.post(&format!("{ALL}/{adas}/enable")),
        person.delete(&format!("{ALL}/{adas}")),
    ] {
        assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{answer:?}");
    }
    super::an_hour_passes(&place);
    for answer in [root.get(ALL), root.post(&format!("{ALL}/{adas}/disable")), root.delete(&format!("{ALL}/{adas}"))] {
        assert_eq!((answer.status, answer.code().as_str()), (403, "step_up_required"), "{answer:?}");
    }
    assert!(events_with(&place, "user_deleted", 1).contains("remove"));
}
