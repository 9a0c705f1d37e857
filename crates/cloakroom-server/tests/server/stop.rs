//! A server that is told to stop: it says so, serves on for a while, finishes what is in flight, and is gone by its deadline.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::client::Client;
use crate::process::{Place, Server};

/// Asks on a connection that may stay open.
fn ask(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Read byte by byte: the connection may stay open after the answer.
    while !answer.ends_with(b"ready\n") && !answer.ends_with(b"ok\n") && !answer.ends_with(b"stopping\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed after {}", String::from_utf8_lossy(&answer));
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

fn until_logged(server: &Server, line: &str) {
    while !server.log().contains(line) {
        std::thread::yield_now();
    }
}

/// The first half of a login.
fn half_a_login(server: &Server) -> TcpStream {
    let mut stream = Client::new(server.address()).connect();
    stream
        .write_all(b"POST /api/v1/login HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: 18\r\n\r\n{\"login_n")
        .unwrap();
    // Another request after it has been answered: this one has been read.
    assert_eq!(server.client().get("/healthz").status, 200);
    stream
}

#[test]
fn it_says_so_while_it_still_serves_and_lets_no_connection_go_on() {
    let place = Place::new().with("STOP__DELAY", "1m").with_account("ada");
    let mut server = place.serve();
    let mut kept = server.client().connect();
    assert!(ask(&mut kept, "/readyz").starts_with("HTTP/1.1 200"));
    let mut client = server.logged_in("ada");
    server.signal("-TERM");
    until_logged(&server, "still serving");
    let answer = ask(&mut kept, "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("not ready: stopping\n"), "{answer}");
    assert!(answer.to_lowercase().contains("connection: close") && answer.contains("retry-after"), "{answer}");
    assert_eq!(kept.read(&mut [0]).unwrap(), 0, "and it is closed");
    assert_eq!((client.status(), client.get("/healthz").status), (200, 200), "everything else is as before");
    assert_eq!(client.post("/api/v1/logout").status, 204);
    assert!(!server.has_ended());
    // Told again, it does not wait out the minute.
    server.signal("-TERM");
    server.stop_waiting();
    assert_eq!(place.rows(), 0);
}

#[test]
fn what_is_in_flight_is_finished() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut stream = half_a_login(&server);
    server.signal("-TERM");
    until_logged(&server, "no new requests");
    while TcpStream::connect(server.address()).is_ok() {
        std::thread::yield_now(); // until the listener is closed
    }
    stream.write_all(b"ame\": 1} ").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 422") && answer.to_lowercase().contains("connection: close"), "{answer}");
    server.stop_waiting();
}

#[test]
fn at_the_deadline_it_is_gone_whatever_is_in_flight() {
    let place = Place::new().with("STOP__DEADLINE", "1s");
    let server = place.serve();
    let _stream = half_a_login(&server);
    server.signal("-TERM");
    until_logged(&server, "requests still in flight are cut off");
    server.stop_waiting();
}

#[test]
fn told_again_it_cuts_off_what_is_in_flight() {
    let place = Place::new().with("STOP__DEADLINE", "10m");
    let server = place.serve();
    let _stream = half_a_login(&server);
    server.signal("-INT");
    until_logged(&server, "no new requests");
    server.signal("-INT");
    server.stop_waiting();
}

#[test]
fn a_copy_that_began_meanwhile_is_a_reason_not_to_be_ready() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    assert_eq!(server.client().get("/readyz").status, 200);
    place.sqlite("CREATE TABLE cloakroom_copy (source TEXT)");
    let answer = server.client().get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("a copy into the database is not finished"), "{}", answer.body);
    place.sqlite("DROP TABLE cloakroom_copy");
    assert_eq!(server.client().get("/readyz").status, 200);
}
