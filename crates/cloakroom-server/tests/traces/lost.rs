//! A collector that is gone, or does not answer: nobody waits for it.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::process::{Place, Server};

/// Shorter than the server waits for a collector's answer.
const AT_ONCE: Duration = Duration::from_secs(4);

fn metric(server: &mut Server, name: &str) -> u64 {
    let line = server.line();
    let address = line.strip_prefix("Metrics: http://").and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    read(&mut Client::new(address), name)
}

fn read(metrics: &mut Client, name: &str) -> u64 {
    let text = metrics.get("/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "measures that nobody waits; decides nothing")]
fn took(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn place(address: &str) -> Place {
    let endpoint = format!("http://{address}/v1/traces");
    Place::new().with("TRACES__ENDPOINT", &endpoint).with("METRICS__LISTEN", "127.0.0.1:0").with_account("ada")
}

fn until_logged(server: &Server, line: &str) {
    while !server.log().contains(line) {
        std::thread::yield_now();
    }
}

#[test]
fn a_collector_that_is_gone_costs_a_line_and_a_count() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let place = place(&nobody.to_string());
    let mut server = place.serve();
    let mut client = server.logged_in("ada");
    until_logged(&server, "traces are lost; requests are not");
    assert!((0..50).all(|_| client.status() == 200));
    assert!(metric(&mut server, "cloakroom_trace_spans_lost_total") > 0);
    let log = server.log();
    let stopping = took(|| server.stop());
    assert!(stopping < AT_ONCE, "{stopping:?}");
    assert_eq!(log.matches("traces are lost").count(), 1, "{log}");
}

#[test]
fn a_collector_that_does_not_answer_holds_up_neither_a_request_nor_the_end() {
    // The system accepts; nobody reads.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = place(&silent.local_addr().unwrap().to_string());
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let (_sending, _) = silent.accept().unwrap(); // from here on an answer is waited for
    let longest = (0..50).map(|_| took(|| assert_eq!(client.status(), 200))).max().unwrap();
    assert!(longest < AT_ONCE, "{longest:?}");
    let stopping = took(|| server.stop());
    assert!(stopping < AT_ONCE, "{stopping:?}");
    let log = std::fs::read_to_string(place.file("log.txt")).unwrap();
    assert!(log.contains("the last traces were not taken in time"), "{log}");
}
