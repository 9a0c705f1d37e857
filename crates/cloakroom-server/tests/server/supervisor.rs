//! What a supervisor hears over a real socket, as systemd would: ready, alive, stopping.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::process::Place;

/// After this long a test that waits for a word has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn heard(socket: &UnixDatagram) -> Option<String> {
    let mut word = [0; 64];
    let length = socket.recv(&mut word).ok()?;
    Some(String::from_utf8(word[..length].to_vec()).unwrap())
}

#[test]
fn it_is_told_ready_alive_and_stopping() {
    let place = Place::new().with("STOP__DELAY", "400ms");
    let socket = UnixDatagram::bind(place.file("notify.sock")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let place = place.with_variable("NOTIFY_SOCKET", "notify.sock").with_variable("WATCHDOG_USEC", "100000");
    let server = place.serve();
    assert_eq!(heard(&socket).as_deref(), Some("READY=1"));
    assert_eq!(server.client().get("/healthz").status, 200, "it was ready");
    for _ in 0..3 {
        assert_eq!(heard(&socket).as_deref(), Some("WATCHDOG=1"));
    }
    // Whoever does not work is not alive: a stopped process says nothing. What it had said before is read first.
    server.signal("-STOP");
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    while heard(&socket).is_some() {}
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    server.signal("-CONT");
    assert_eq!(heard(&socket).as_deref(), Some("WATCHDOG=1"));
    server.signal("-TERM");
    let mut words = std::iter::from_fn(|| heard(&socket));
    assert!(words.by_ref().take_while(|word| word != "STOPPING=1").all(|word| word == "WATCHDOG=1"));
    assert_eq!(words.next().as_deref(), Some("WATCHDOG=1"), "it is still alive");
    server.stop_waiting();
}

#[test]
fn names_of_the_abstract_namespace_are_understood_and_the_watchdog_may_be_another_process_s() {
    let place = Place::new();
    let name = format!("cloakroom-test-{}", std::process::id());
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let place = place
        .with_variable("NOTIFY_SOCKET", &format!("@{name}"))
        .with_variable("WATCHDOG_USEC", "1000")
        .with_variable("WATCHDOG_PID", "1");
    let server = place.serve();
    assert_eq!(heard(&socket).as_deref(), Some("READY=1"));
    server.signal("-TERM");
    assert_eq!(heard(&socket).as_deref(), Some("STOPPING=1"), "and nothing in between");
    server.stop_waiting();
}

#[test]
fn one_that_is_not_there_keeps_nobody_from_serving() {
    let place = Place::new().with_variable("NOTIFY_SOCKET", "nobody.sock").with_variable("WATCHDOG_USEC", "1000");
    let server = place.serve();
    assert_eq!(server.client().get("/readyz").status, 200);
    assert!(server.log().contains("NOTIFY_SOCKET cannot be reached"), "{}", server.log());
    server.stop();
}
