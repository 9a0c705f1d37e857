//! What the log looks like, and that everything done for a request has its id.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;

use crate::process::{PASSWORD, Place};

#[test]
fn without_a_terminal_each_line_is_json() {
    let place = Place::new().with("LOG__FORMAT", "auto");
    let server = place.serve();
    assert_eq!(server.client().get("/readyz").status, 200);
    let log = server.log();
    assert!(!log.is_empty());
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
    }
}

#[test]
fn on_a_terminal_it_is_text() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new().with("LISTEN", &taken.local_addr().unwrap().to_string());
    // `script` runs a command on a terminal of its own. It cannot listen, and ends after its first line of the log.
    let binary = env!("CARGO_BIN_EXE_cloakroom");
    let output = place.around(&["script", "--quiet", "--command", binary, "/dev/null"]).output();
    let output = output.expect("`script` is of bsdutils, which every Debian has");
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.contains("starting")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("INFO") && line.contains("\u{1b}[") && !line.starts_with('{'), "{line}");
}

#[test]
fn what_is_done_for_a_request_in_the_background_has_its_id() {
    let place = Place::new().with("LOG__FORMAT", "json").with_account("ada");
    let server = place.serve();
    // The attempt is counted by a task of its own, which outlives the request; the counters' table is gone.
    place.sqlite("ALTER TABLE attempt_counters RENAME TO elsewhere");
    let answer = server.client().log_in("ada", PASSWORD);
    assert_eq!(answer.status, 503);
    let id = answer.header("x-request-id").unwrap().to_owned();
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours: Vec<_> = lines.iter().filter(|line| line["span"]["request_id"] == id.as_str()).collect();
    assert!(!ours.is_empty(), "{log}");
    let loud = lines.iter().filter(|line| matches!(line["level"].as_str(), Some("WARN" | "ERROR")));
    // The single writer groups what many want, and the sweep is nobody's; everything else is somebody's.
    let nobodys: BTreeSet<_> =
        loud.filter(|line| line["span"].is_null()).map(|line| line["target"].to_string()).collect();
    assert!(
        nobodys.iter().all(|target| ["writer", "events", "sweep"].iter().any(|word| target.contains(word))),
        "{nobodys:?}: {log}"
    );
}

#[test]
fn a_line_said_within_a_step_of_a_request_has_its_id_too() {
    let place = Place::new().with("LOG__FORMAT", "json").with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    place.sqlite("ALTER TABLE sessions RENAME TO elsewhere");
    let answer = client.get("/api/v1/session");
    assert_eq!(answer.status, 503);
    let log = server.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let failed: Vec<_> = lines.filter(|line| line["message"] == "session store failed").collect();
    assert!(!failed.is_empty(), "{log}");
    assert!(
        failed.iter().all(|line| line["span"]["request_id"] == answer.header("x-request-id").unwrap()),
        "{failed:?}"
    );
}
