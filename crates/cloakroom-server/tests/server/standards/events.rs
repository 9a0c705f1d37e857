//! What security is about is recorded (ASVS 5.0 16.2.1 to 16.4.1, 6.3.5): one record an event, in the log and in the database, for
//! operators and for the person it is about; nothing that was typed is in it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

const FIREFOX: &str = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "user-agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/// What is recorded, oldest first, when everything is written.
fn events(place: &Place) -> Vec<Value> {
    let output = place.run(&["event", "list", "--json", "--limit", "5000"]);
    assert!(output.status.success(), "{output:?}");
    let mut events: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    events.reverse();
    events
}

/// The lines of the log about events, each whole and JSON.
fn lines(server: &Server) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    lines.filter(|line: &Value| line["message"] == "security event").collect()
}

/// The same once there are so many, or after many tries: rows are written a moment after their lines.
fn events_when(place: &Place, number: usize) -> Vec<Value> {
    let tries = (0..400).map(|_| events(place));
    tries.take_while(|events| events.len() != number).count();
    events(place)
}

/// The account page once it has these words, or after many tries.
fn page_with(client: &mut Client, words: &[&str]) -> String {
    let mut page = String::new();
    for _ in 0..400 {
        page = client.get("/account").body;
        if words.iter().all(|word| page.contains(word)) {
            break;
        }
    }
    page
}

fn names(events: &[Value]) -> Vec<String> {
    let word = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| format!("{} {}", word(event, "event"), word(event, "reason")).trim().to_owned()).collect()
}

fn request_id(answer: &Answer) -> &str {
    answer.header("x-request-id").unwrap()
}

/// Does everything once that is an event; returns the answers to ada's requests, the last one to somebody else's, and the id of
/// bob's session, which she tries to end.
fn everything_happens(server: &Server) -> (Vec<Answer>, String) {
    let from = |address: &str| server.client().with_header(FIREFOX).with_header(&format!("x-forwarded-for: {address}"));
    let mut ada = from("203.0.113.7");
    let mut ids = Vec::new();
    ids.push(ada.log_in("nobody", PASSWORD));
    ids.push(ada.log_in("ada", OTHER_PASSWORD));
    ids.push(ada.log_in("ada", PASSWORD));
    let bob = server.logged_in("bob");
    let bobs = bob.clone().get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    let confirm = |client: &mut Client, password: &str| {
        client.json("/api/v1/confirm", serde_json::json!({ "password": password }).to_string().as_bytes())
    };
    ids.push(confirm(&mut ada, OTHER_PASSWORD));
    ids.push(confirm(&mut ada, PASSWORD));
    ids.push(ada.delete(&format!("/api/v1/sessions/{bobs}")));
    ids.push(ada.clone().with_header("origin: https://evil.example").post("/api/v1/logout"));
    let change = |new: &str, current: &str| {
        [
            ("current_password", current.to_owned()),
            ("new_password", new.to_owned()),
            ("new_password_again", new.to_owned()),
        ]
    };
    let new = "quiet lanterns drift east at dawn";
    for current in [OTHER_PASSWORD, PASSWORD] {
        let typed = change(new, current);
        let typed: Vec<_> = typed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ids.push(ada.submit("/account/password", &typed));
    }
    ids.push(ada.delete("/api/v1/sessions?scope=others"));
    let old = ada.clone();
    ids.push(ada.post("/api/v1/logout"));
    ids.push(old.clone().get("/api/v1/session"));
    for _ in 0..5 {
        assert_eq!(from("203.0.113.8").log_in("eve", PASSWORD).status, 401);
    }
    ids.push(from("203.0.113.8").log_in("eve", PASSWORD));
    (ids, bobs)
}

#[test]
fn each_event_is_recorded_with_when_who_where_what_why_and_the_request() {
    let place = Place::new().with("LOG__FORMAT", "json").with("PROXY__TRUSTED", "127.0.0.1");
    let place = place.with_account("ada").with_account("bob");
    let server = place.serve();
    let (ids, bobs) = everything_happens(&server);
    let wanted = [
        "user_created operator",
        "user_created operator",
        "authn_login_fail unknown_name",
        "authn_login_fail wrong_password",
        "authn_login_success",
        "authn_login_success", // bob's
        "authn_login_fail step_up",
        "session_renewed",
        "authz_fail not_theirs",
        "malicious_csrf",
        "authn_password_change_fail step_up",
        "authn_password_change",
        "authn_token_revoked others",
        "session_logout",
        "session_use_after_expire session_revoked",
        "authn_login_fail unknown_name",
        "authn_login_fail unknown_name",
        "authn_login_fail unknown_name",
        "authn_login_fail unknown_name",
        "authn_login_fail unknown_name",
        "excess_rate_limit_exceeded",
    ];
    let recorded = events_when(&place, wanted.len());
    assert_eq!(names(&recorded), wanted);
    assert_eq!(names(&lines(&server)), wanted[2..], "the log has what this process did");

    let subject = |name: &str| place.sqlite(&format!("SELECT subject FROM accounts WHERE login_name = '{name}'"));
    let (ada, bob) = (subject("ada"), subject("bob"));
    let answered: Vec<_> = ids.iter().map(request_id).collect();
    let by_request = |index: usize| -> &Value {
        let event = recorded.iter().find(|event| event["request_id"] == answered[index]);
        event.unwrap_or_else(|| panic!("{index}: {}", answered[index]))
    };
    for (index, answer) in ids.iter().enumerate() {
        let event = by_request(index);
        assert_eq!(event["ip"], if index + 1 == ids.len() { "203.0.113.8" } else { "203.0.113.7" }, "{event}");
        assert_eq!(event["outcome"] == "success", answer.status < 400, "{event} {answer:?}");
        assert!(event["user_agent"].as_str().unwrap().contains("Firefox"), "{event}");
        let at = event["at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.len() >= 20, "UTC, RFC 3339: {at}");
    }
    let of_ada = [1, 2, 3, 4, 5, 7, 8, 9, 10];
    let known: Vec<_> = (0..ids.len()).filter(|index| by_request(*index)["subject"] == ada.as_str()).collect();
    assert_eq!(known, of_ada);
    assert_eq!(recorded[5]["subject"], bob.as_str());
    assert_eq!(by_request(0)["subject"], Value::Null, "an unknown name is nobody's");
    assert_eq!(by_request(5)["session"], bobs.as_str(), "which session was tried");
    for line in lines(&server) {
        let same = recorded.iter().find(|event| event["id"] == line["event.id"]).unwrap_or_else(|| panic!("{line}"));
        for (field, key) in [
            ("at", "at"),
            ("event", "event"),
            ("outcome", "outcome"),
            ("reason", "reason"),
            ("subject", "subject"),
            ("session.id", "session"),
            ("client.ip", "ip"),
            ("request.id", "request_id"),
        ] {
            assert_eq!(line[field], same[key], "{field}: {line}");
        }
    }
}

#[test]
fn nothing_that_is_typed_can_forge_a_line_or_a_field() {
    let place = Place::new().with("LOG__FORMAT", "json").with_account("ada");
    let server = place.serve();
    let evil = "x\\u000a{\\\"message\\\":\\\"security event\\\",\\\"event\\\":\\\"forged\\\"}\\u000d\\u001b[2J";
    for body in [
        format!(r#"{{"login_name":"{evil}","password":"{PASSWORD}"}}"#),
        format!(r#"{{"login_name":"ada","password":"{evil}"}}"#),
        format!(r#"{{"login_name":"ada","password":"{PASSWORD}","{evil}":1}}"#),
    ] {
        let agent = "user-agent: x\t{\"message\":\"security event\",\"event\":\"forged\"}";
        assert!(server.client().with_header(agent).json("/api/v1/login", body.as_bytes()).status >= 401);
    }
    let path = "/api/v1/sessions/%0a%7b%22event%22%3a%22forged%22%7d";
    assert_eq!(server.logged_in("ada").delete(path).status, 404);
    let of_event: BTreeSet<_> = names(&lines(&server)).into_iter().collect();
    assert_eq!(of_event, ["authn_login_fail wrong_password", "authn_login_success"].map(str::to_owned).into());
    assert!(!server.log().contains("forged") && !server.log().contains('\u{1b}'));
    let agents: Vec<_> =
        events_when(&place, 1 + lines(&server).len()).into_iter().map(|event| event["user_agent"].clone()).collect();
    assert!(agents.iter().filter_map(Value::as_str).all(|agent| !agent.contains(['\n', '\t'])), "{agents:?}");
}

#[test]
fn a_person_sees_what_happened_to_their_account_and_nobody_elses() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let log_in = |agent: &str, name: &str, password: &str| {
        let mut client = server.client().with_header(agent);
        (client.log_in(name, password), client).1
    };
    let mut here = log_in(FIREFOX, "ada", PASSWORD);
    log_in(SAFARI, "bob", OTHER_PASSWORD);
    let quiet = page_with(&mut here, &["Account created"]);
    assert!(quiet.contains("Recent activity") && quiet.contains("Account created"), "{quiet}");
    assert!(!quiet.contains("Failed attempt") && !quiet.contains("new device") && !quiet.contains("Safari"), "{quiet}");

    log_in(SAFARI, "ada", OTHER_PASSWORD);
    log_in(SAFARI, "ada", PASSWORD);
    let page = page_with(&mut here, &["Failed attempt to sign in", "new device"]);
    let activity = page.split("id=\"activity\"").nth(1).unwrap().split("</section>").next().unwrap();
    assert_eq!(activity.matches(">Signed in").count(), 2, "{activity}");
    assert!(activity.contains("Failed attempt to sign in"), "{activity}");
    let new = activity.split("<li").find(|line| line.contains("new device")).unwrap();
    assert!(new.contains("Signed in") && new.contains("Safari") && new.contains("from this machine"), "{new}");
    let japanese = here.clone().with_header("accept-language: ja").get("/account").body;
    assert!(japanese.contains("最近のアクティビティ") && japanese.contains("新しい端末"), "{japanese}");
}

#[test]
fn what_an_operator_does_is_recorded_too() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    server.logged_in("ada");
    events_when(&place, 2);
    for args in [
        &["session", "end", "--subject", "ada"][..],
        &["session", "end", "--everyone", "--yes"],
        &["account", "disable", "ada", "--yes"],
        &["account", "enable", "ada"],
        &["account", "remove", "ada", "--yes"],
    ] {
        assert!(place.run(args).status.success(), "{args:?}");
    }
    let wanted = [
        "user_created operator",
        "authn_login_success",
        "authn_token_revoked operator",
        "authn_token_revoked operator",
        "user_updated disabled",
        "user_updated enabled",
        "user_deleted operator",
    ];
    let recorded = events(&place);
    assert_eq!(names(&recorded), wanted);
    let subject = recorded[0]["subject"].as_str().unwrap();
    let about: Vec<_> = recorded.iter().map(|event| event["subject"] == subject).collect();
    assert_eq!(about, [true, true, true, false, true, true, true]);
    let table = String::from_utf8(place.run(&["event", "list", "--subject", subject, "--limit", "2"]).stdout).unwrap();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.lines().nth(1).unwrap().contains("user_deleted"), "newest first: {table}");
}

#[test]
fn events_about_nobody_do_not_push_out_the_others() {
    let place = Place::new().with("LOG__FILTER", "error").with_account("ada");
    let server = place.serve();
    let mut ada = server.logged_in("ada");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let evil = server.client().with_header("origin: https://evil.example");
                (0..150).for_each(|_| assert_eq!(evil.clone().post("/api/v1/logout").status, 403));
            });
        }
    });
    // What happens last is about somebody, and written after the others.
    assert_eq!(ada.post("/api/v1/logout").status, 204);
    let has_all = |events: &Vec<Value>| events.last().is_some_and(|event| event["event"] == "session_logout");
    let recorded = (0..400).map(|_| events(&place)).find(has_all).expect("the last one is written");
    let about_nobody = recorded.iter().filter(|event| event["subject"].is_null()).count();
    assert!((300..500).contains(&about_nobody), "{about_nobody} of 600");
    assert_eq!(recorded.iter().filter(|event| event["event"] == "authn_login_success").count(), 1);
}
