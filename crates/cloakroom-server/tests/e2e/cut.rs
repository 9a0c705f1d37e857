//! Connections cut in the middle of a statement's answer, at one byte after the other: what is not known is said so, and
//! nobody who got no cookie has a session.

use crate::client::Client;
use crate::process::PASSWORD;
use crate::site::{Instance, Site};

/// How many bytes the places are apart at which is cut: fewer than the answer to a commit has.
const STEP: usize = 16;

/// Does it with the connection cut after so many bytes of answers, at one place after the other, until it is done before the
/// place is reached.
fn cut_at_each_place(instance: &Instance, mut attempt: impl FnMut(usize)) -> usize {
    for (cuts, bytes) in (0..).step_by(STEP).enumerate() {
        // Warm: the attempt meets connections that are open.
        assert_eq!(instance.server.client().get("/readyz").status, 200);
        instance.wire.cut_answer_after(bytes);
        attempt(bytes);
        if !instance.wire.was_cut() {
            assert!(cuts > 5, "hardly anything was cut");
            return cuts;
        }
    }
    0
}

#[test]
fn a_lookup_that_is_cut_is_asked_again_or_refused_but_never_a_logout() {
    let site = Site::new();
    let instance = &site.instances[0];
    let mut client = site.logged_in().at(instance.server.address());
    let cuts = cut_at_each_place(instance, |bytes| {
        let answer = client.get("/api/v1/session");
        assert!(matches!(answer.status, 200 | 503) && answer.set_cookies().is_empty(), "at {bytes}: {answer:?}");
        assert_eq!(client.status(), 200, "at {bytes}");
    });
    println!("{cuts} lookups were cut");
}

#[test]
fn a_logout_that_is_cut_can_be_repeated_and_ends_the_session() {
    let site = Site::new();
    let instance = &site.instances[0];
    let mut unknown = 0;
    let cuts = cut_at_each_place(instance, |bytes| {
        instance.wire.was_cut(); // logging in is not what is cut
        let mut client = site.logged_in().at(instance.server.address());
        let mut browser = client.clone();
        instance.wire.cut_answer_after(bytes);
        let answer = client.post("/api/v1/logout");
        if answer.status != 204 {
            unknown += 1;
            assert_eq!((answer.status, answer.set_cookies().len()), (503, 0), "at {bytes}: {answer:?}");
            let again = client.post("/api/v1/logout");
            assert_eq!(again.status, 204, "at {bytes}: {again:?}");
        }
        assert_eq!(browser.status(), 401, "at {bytes}");
        assert_eq!(site.psql("SELECT count(*) FROM sessions"), "0", "at {bytes}");
    });
    println!("{cuts} logouts were cut, {unknown} answered 503");
}

#[test]
fn what_was_committed_before_the_cut_is_neither_denied_nor_given_to_anybody() {
    let site = Site::new();
    let instance = &site.instances[0];
    let mut client = instance.server.logged_in("ada");
    let mut browser = client.clone();
    instance.wire.cut_answer_before(b"DELETE 1");
    let answer = client.post("/api/v1/logout");
    assert!(instance.wire.was_cut(), "a logout deletes one row");
    assert_eq!((answer.status, answer.set_cookies().len()), (503, 0), "{answer:?}");
    assert_eq!((browser.status(), client.post("/api/v1/logout").status), (401, 204));

    // A login commits that it is tried, how that ended, and the session: each in its turn is what is not known.
    let sessions = || site.psql("SELECT count(*) FROM sessions");
    let is_nobodys = (0..8).any(|passes| {
        site.psql("DELETE FROM sessions");
        instance.wire.cut_answer_before_later(b"COMMIT\0", passes);
        let mut client = instance.server.client();
        let answer = client.log_in("ada", PASSWORD);
        instance.wire.was_cut();
        let cookies = usize::from(answer.status == 200);
        assert!(matches!(answer.status, 200 | 503) && answer.set_cookies().len() == cookies, "{answer:?}");
        assert!(cookies == 0 || client.status() == 200, "a cookie that was given is good");
        assert!(!answer.body.contains("ck1_") && !instance.server.log().contains("ck1_"), "{answer:?}");
        cookies == 0 && sessions() == "1"
    });
    assert!(is_nobodys, "nobody's, but its owner's to see and end");
    assert_eq!(client.log_in("ada", PASSWORD).status, 200);
    assert_eq!(client.submit("/account/sessions/end-others", &[]).status, 303);
    assert_eq!((site.psql("SELECT count(*) FROM sessions").as_str(), client.status()), ("1", 200));
}

#[test]
fn a_login_that_is_cut_gives_a_cookie_that_works_or_none() {
    let site = Site::new();
    let instance = &site.instances[0];
    let (mut refused, mut given): (usize, Vec<Client>) = (0, Vec::new());
    let cuts = cut_at_each_place(instance, |bytes| {
        // Attempts whose end was lost would make the others wait for a minute.
        site.psql("DELETE FROM attempt_counters");
        let mut client = instance.server.client();
        let answer = client.log_in("ada", PASSWORD);
        match answer.status {
            200 => given.push(client),
            503 => {
                refused += 1;
                assert!(answer.set_cookies().is_empty() && client.token.is_none(), "at {bytes}: {answer:?}");
                assert!(!answer.body.contains("ck1_"), "at {bytes}: {answer:?}");
            }
            _ => panic!("at {bytes}: {answer:?}"),
        }
    });
    for client in &mut given {
        assert_eq!(client.status(), 200, "a cookie was given");
    }
    let rows: usize = site.psql("SELECT count(*) FROM sessions").parse().unwrap();
    println!("{cuts} logins were cut, {refused} answered 503; {} sessions are nobody's", rows - given.len());
    assert!(refused > 0 && rows <= given.len() + refused);
}
