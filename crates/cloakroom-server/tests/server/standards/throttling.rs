//! Guesses are slowed down (ASVS 5.0 6.1.1, 6.3.1; NIST SP 800-63B-4 3.2.2): per login name on every way to a login and every
//! instance, per network, to a lock after a hundred; nobody else is held up, and no session ends.

use std::collections::BTreeMap;

use testbed::postgres::Cluster;

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

/// Fails `times` times; each must be looked at.
fn fail(server: &Server, name: &str, times: usize) {
    for _ in 0..times {
        let answer = server.client().log_in(name, OTHER_PASSWORD);
        assert_eq!((answer.status, answer.code().as_str()), (401, "invalid_credentials"), "{name}");
    }
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").unwrap_or_else(|| panic!("no Retry-After: {answer:?}")).parse().unwrap()
}

/// Demands that an attempt is refused for so many seconds, or what is left of them.
fn throttled(answer: &Answer, seconds: u64) {
    assert_eq!(answer.status, 429, "{answer:?}");
    let wait = retry_after(answer);
    assert!(wait <= seconds && wait + 20 > seconds, "{wait} of {seconds}: {answer:?}");
    assert!(answer.set_cookies().is_empty(), "{answer:?}");
}

/// As if so many seconds had passed.
fn pass(place: &Place, seconds: u32) {
    let earlier = format!("- {seconds} * 1000");
    place.sqlite(&format!(
        "UPDATE attempt_counters SET until_at = until_at {earlier}, changed_at = changed_at {earlier}"
    ));
}

fn counters(place: &Place) -> String {
    place.sqlite("SELECT count(*) FROM attempt_counters")
}

#[test]
fn after_five_failures_a_name_waits_on_every_way_to_a_login() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let mut signed_in = server.logged_in("ada");
    assert_eq!(counters(&place), "0", "what went well leaves nothing");
    fail(&server, "ada", 3);
    for _ in 0..2 {
        let form = server.client().form("/login", &[("login_name", " ADA "), ("password", OTHER_PASSWORD)]);
        assert_eq!(form.status, 401, "the form counts under the same name");
    }
    throttled(&server.client().log_in("ada", PASSWORD), 30);
    assert_eq!(server.client().log_in("ada", PASSWORD).code(), "throttled");
    let form = server.client().form("/login", &[("login_name", "ada"), ("password", PASSWORD), ("keep", "on")]);
    throttled(&form, 30);
    assert!(form.body.contains("Too many attempts") && form.body.contains("value=\"ada\""), "{}", form.body);
    assert_eq!(
        (signed_in.status(), server.client().log_in("bob", PASSWORD).status),
        (200, 200),
        "nobody else is held up"
    );

    pass(&place, 30);
    fail(&server, "ada", 1);
    throttled(&server.client().log_in("ada", PASSWORD), 60);
    pass(&place, 60);
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
    fail(&server, "ada", 5);
}

#[test]
fn a_name_that_no_account_has_is_slowed_down_the_same() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let refused = |name: &str| {
        fail(&server, name, 5);
        let mut answer = server.client().log_in(name, PASSWORD);
        throttled(&answer, 30);
        answer.headers.retain(|(name, _)| !["x-request-id", "date", "retry-after"].contains(&name.as_str()));
        let mut body = answer.json();
        body["request_id"] = "".into();
        (answer.headers, body)
    };
    assert_eq!(refused("nobody"), refused("ada"));
}

#[test]
fn fifty_guesses_at_once_are_five() {
    let place = Place::new().with("LOGIN__CONCURRENCY", "2").with_account("ada");
    let server = place.serve();
    let statuses = std::thread::scope(|scope| {
        let guesses: Vec<_> =
            (0..50).map(|_| scope.spawn(|| server.client().log_in("ada", OTHER_PASSWORD).status)).collect();
        let mut statuses = BTreeMap::new();
        for guess in guesses {
            *statuses.entry(guess.join().unwrap()).or_insert(0) += 1;
        }
        statuses
    });
    assert_eq!(statuses, BTreeMap::from([(401, 5), (429, 45)]));
    assert_eq!(place.sqlite("SELECT max(failures), max(under_way) FROM attempt_counters"), "5|0");
}

#[test]
fn attempts_of_requests_that_are_given_up_hold_nobody_up() {
    use std::io::Write as _;
    let place = Place::new().with("LOGIN__CONCURRENCY", "2").with_account("ada");
    let server = place.serve();
    let body = serde_json::json!({ "login_name": "ada", "password": PASSWORD }).to_string();
    let head = "POST /api/v1/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for _ in 0..10 {
        // Each is gone at another moment of its way.
        let sent: Vec<_> = (0..6).map(|_| server.client().connect()).collect();
        for mut stream in sent {
            stream.write_all(request.as_bytes()).unwrap();
        }
    }
    let left = "SELECT count(*) FROM attempt_counters WHERE under_way > 0 OR failures > 0";
    let settled = (0..5_000).map(|_| place.sqlite(left)).find(|left| left == "0");
    assert_eq!(settled.as_deref(), Some("0"), "all are settled long before they would count as failures");
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
}

#[test]
fn a_hundred_failures_lock_a_name_until_an_operator_unlocks_it() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let mut signed_in = server.logged_in("ada");
    fail(&server, "ada", 1);
    place.sqlite("UPDATE attempt_counters SET failures = 99 WHERE failures = 1");
    fail(&server, "ada", 1);
    for days in [0, 400] {
        pass(&place, days * 86_400);
        throttled(&server.client().log_in("ada", PASSWORD), 3600);
    }
    assert_eq!(signed_in.status(), 200, "who is signed in stays so");
    assert_eq!(server.client().log_in("bob", PASSWORD).status, 200);
    let list = String::from_utf8(place.run(&["account", "list", "--json"]).stdout).unwrap();
    let locked: Vec<_> = serde_json::from_str::<serde_json::Value>(&list)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["locked"].clone())
        .collect();
    assert_eq!(locked, [true, false]);

    let unlock = |name| String::from_utf8(place.run(&["account", "unlock", name]).stdout).unwrap();
    assert!(unlock(" Ada ").starts_with("unlocked ada"));
    assert!(unlock("ada").starts_with("nothing to unlock"));
    fail(&server, "ada", 5);
    throttled(&server.client().log_in("ada", PASSWORD), 30);
    assert!(place.run_with_input(&["account", "password", "ada", "--password-stdin"], PASSWORD).status.success());
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
}

#[test]
fn a_network_may_fail_so_often_whatever_names_it_tries() {
    let place =
        Place::new().with("LOGIN__NETWORK_FAILURES", "3").with("PROXY__TRUSTED", "127.0.0.1").with_account("ada");
    let server = place.serve();
    let from = |address: &str| server.client().with_header(&format!("x-forwarded-for: {address}"));
    for (name, address) in [("a", "2001:db8::1"), ("b", "2001:db8::2"), ("c", "2001:db8::3")] {
        assert_eq!(from(address).log_in(name, PASSWORD).status, 401);
    }
    throttled(&from("2001:db8::4").log_in("ada", PASSWORD), 10);
    throttled(&from("198.51.100.1, 2001:db8::4").log_in("ada", PASSWORD), 10);
    assert_eq!(from("2001:db8:0:1::4").log_in("ada", PASSWORD).status, 200, "another network");
    pass(&place, 10);
    for _ in 0..5 {
        assert_eq!(from("2001:db8::4").log_in("ada", PASSWORD).status, 200, "what goes well costs nothing");
    }
    assert_eq!(from("2001:db8::4").log_in("d", PASSWORD).status, 401);
    throttled(&from("2001:db8::4").log_in("ada", PASSWORD), 10);
}

#[test]
fn behind_a_proxy_that_nobody_named_networks_are_not_counted() {
    let behind =
        |place: Place| place.with("PUBLIC_URL", "https://login.example.org").with("LOGIN__NETWORK_FAILURES", "1");
    for (place, status) in [(behind(Place::new()), 401), (behind(Place::new().with("PROXY__TRUSTED", "")), 429)] {
        let server = place.serve();
        assert_eq!(server.client().log_in("a", PASSWORD).status, 401);
        assert_eq!(server.client().log_in("b", PASSWORD).status, status);
    }
}

#[test]
fn instances_count_together() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let place = Place::new().with("DATABASE__URL", &schema.url());
    assert!(place.run(&["migrate", "up"]).status.success());
    let place = place.with_account("ada");
    let (here, there) = (place.serve(), place.serve());
    fail(&here, "ada", 3);
    fail(&there, "ada", 2);
    for server in [&here, &there] {
        throttled(&server.client().log_in("ada", PASSWORD), 30);
    }
    let at_once: usize = std::thread::scope(|scope| {
        let guess = |server| move || usize::from(Server::client(server).log_in("eve", OTHER_PASSWORD).status == 401);
        let guesses: Vec<_> = (0..20).map(|n| scope.spawn(guess(if n % 2 == 0 { &here } else { &there }))).collect();
        guesses.into_iter().map(|guess| guess.join().unwrap()).sum()
    });
    assert_eq!(at_once, 5, "twenty guesses at once, on two instances");
    assert!(place.run(&["account", "unlock", "ada"]).status.success());
    assert_eq!(there.client().log_in("ada", PASSWORD).status, 200);
}

fn confirm(client: &mut Client, password: &str) -> Answer {
    client.json("/api/v1/confirm", serde_json::json!({ "password": password }).to_string().as_bytes())
}

fn confirm_by_form(client: &mut Client, password: &str) -> Answer {
    let page = client.get("/confirm");
    client.submit_from(&page, "/confirm", &[("password", password)])
}

#[test]
fn whoever_has_a_session_cannot_guess_its_password() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (mut thief, mut owner) = (server.logged_in("ada"), server.logged_in("ada"));
    for attempt in 0..5 {
        let answer = match attempt % 3 {
            0 => confirm(&mut thief, OTHER_PASSWORD),
            1 => confirm_by_form(&mut thief, OTHER_PASSWORD),
            _ => {
                let (current, new) = (OTHER_PASSWORD, "quiet lanterns drift east at dawn");
                let typed = [("current_password", current), ("new_password", new), ("new_password_again", new)];
                thief.submit("/account/password", &typed)
            }
        };
        assert_eq!(answer.status, 422, "{attempt}: {answer:?}");
    }
    throttled(&confirm(&mut thief, PASSWORD), 30);
    throttled(&confirm_by_form(&mut thief, PASSWORD), 30);
    assert_eq!(confirm(&mut owner, PASSWORD).status, 204, "the owner's other session is not held up");
    fail(&server, "ada", 5);
    throttled(&server.client().log_in("ada", PASSWORD), 30);
    assert_eq!(confirm(&mut owner, PASSWORD).status, 204, "nor by whoever guesses from outside");
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200, "and proving it forgets those");
}
