//! The end of the process: killed, no acknowledged session is lost; told to stop, requests finish and uses are written.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use crate::process::{PASSWORD, Place};

#[test]
fn kill_9_during_logins_loses_no_acknowledged_session() {
    let place = Place::new().with("SESSION__MAX_PER_SUBJECT", "1000").with_account("ada");
    let server = place.serve();
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let mut client = server.client();
                    // The server dies in the middle of this, which is the point.
                    let answer =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| client.log_in("ada", PASSWORD)));
                    match answer {
                        Ok(answer) if answer.status == 200 => acknowledged.lock().unwrap().push(client),
                        _ => return,
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < 12 {
            std::thread::yield_now();
        }
        server.signal("-KILL");
    });
    let tokens: Vec<_> = acknowledged.into_inner().unwrap().iter().map(|client| client.token().to_owned()).collect();
    let server = place.serve();
    for token in &tokens {
        let mut client = server.client();
        client.token = Some(token.clone());
        assert_eq!(client.status(), 200, "an acknowledged session is lost");
    }
    assert!(place.rows() >= u32::try_from(tokens.len()).unwrap());
    assert_eq!(place.sqlite("PRAGMA integrity_check"), "ok");
}

#[test]
fn told_to_stop_it_finishes_requests_and_writes_touches() {
    let place = Place::new().with("SESSION__TOUCH_EVERY", "0s").with_account("ada");
    let mut server = place.serve();
    let mut client = server.logged_in("ada");
    let before: i64 = place.sqlite("SELECT last_seen_at FROM sessions").parse().unwrap();
    // A request whose body is still on its way when the signal comes.
    let address = client.clone();
    let body = serde_json::json!({ "login_name": "ada", "password": PASSWORD }).to_string();
    let mut slow = address.connect();
    let head = format!(
        "POST /api/v1/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(&body.as_bytes()[..5]).unwrap();
    assert_eq!(client.get("/api/v1/sessions").status, 200); // the use to be written
    server.signal("-TERM");
    while TcpStream::connect(address.address()).is_ok() && !server.has_ended() {
        std::thread::yield_now(); // until it takes no new connections
    }
    assert!(!server.has_ended(), "it did not wait for the request in flight");
    slow.write_all(&body.as_bytes()[5..]).unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop_waiting();
    let after: i64 = place.sqlite("SELECT min(last_seen_at) FROM sessions").parse().unwrap();
    assert!(after > before, "the touch was not written");
    assert_eq!(place.rows(), 2);
    assert!(!place.file("cloakroom.db-wal").exists(), "the WAL is checkpointed");
}
