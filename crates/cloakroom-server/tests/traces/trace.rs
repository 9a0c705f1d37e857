//! What belongs to a trace, and to which.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::collector::{Collector, Span};
use crate::process::{OTHER_PASSWORD, Place, Server};

const SERVER: i32 = 2;
const ERROR: i32 = 2;
/// Of the W3C's recommendation.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced(collector: &Collector) -> Place {
    Place::new().with("TRACES__ENDPOINT", collector.url()).with("LOG__FORMAT", "json")
}

/// The lines of the log about a request.
fn lines_of(server: &Server, request: &str) -> Vec<Value> {
    let log = server.log();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["span"]["request_id"] == request).collect()
}

fn steps_below<'a>(spans: &'a [Span], parent: &Span) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.trace == parent.trace && span.parent == parent.id).collect()
}

#[test]
fn a_login_is_one_trace_and_its_log_lines_name_it() {
    let collector = Collector::start();
    let place = traced(&collector).with_account("ada");
    let server = place.serve();
    let answer = server.client().log_in("ada", OTHER_PASSWORD);
    assert_eq!(answer.status, 401);
    let mut client = server.logged_in("ada");
    let login =
        collector.until(|span| span.name == "POST /api/v1/login" && span.field("http.response.status_code") == "200");
    assert_eq!((login.kind, login.parent.as_str(), login.status), (SERVER, "", 0));
    let names: Vec<_> = login.fields.keys().map(String::as_str).collect();
    let wanted = ["busy_ns", "http.request.method", "http.response.status_code", "http.route", "idle_ns", "request_id"];
    assert_eq!(names, wanted);
    // One batch may bring the request before the last of its steps.
    let of_it = |step: &'static str| {
        let (trace, parent) = (login.trace.clone(), login.id.clone());
        collector.until(move |span| span.trace == trace && span.parent == parent && span.step() == step)
    };
    for step in ["store begin", "store admit", "store account", "hash", "store settle", "store issue"] {
        let step = of_it(step);
        assert_eq!(step.kind, 1, "internal: {step:?}");
    }
    let lines = lines_of(&server, login.field("request_id"));
    assert!(lines.iter().any(|line| line["message"] == "session issued"), "{}", server.log());
    assert!(lines.iter().all(|line| line["span"]["trace_id"] == login.trace.as_str()), "{lines:?}");
    // Another request, another trace; and one that is refused has no steps after the check.
    let refused = collector.until(|span| span.field("http.response.status_code") == "401");
    assert_eq!(refused.field("request_id"), answer.header("x-request-id").unwrap());
    assert_ne!(refused.trace, login.trace);
    let below: BTreeSet<_> = steps_below(&collector.spans(), &refused).into_iter().map(Span::step).collect();
    assert!(below.contains("hash") && !below.contains("store issue"), "{below:?}");
    assert_eq!(client.post("/api/v1/logout").status, 204);
    let logout = collector.until(|span| span.name == "POST /api/v1/logout");
    let (trace, parent) = (logout.trace, logout.id);
    collector.until(|span| span.trace == trace && span.parent == parent && span.step() == "store end");
    let resource: Vec<_> = collector.resource().into_keys().collect();
    assert_eq!(resource, ["service.name", "service.version"]);
}

#[test]
fn what_waits_for_the_store_and_what_the_sweep_does_is_in_it() {
    let collector = Collector::start();
    let place =
        traced(&collector).with("SESSION__TOUCH_EVERY", "1s").with("SESSION__IDLE_TIMEOUT", "1h").with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!(client.clone().post("/api/v1/logout").status, 204);
    assert_eq!(client.status(), 401, "an end is told by the store, not from memory");
    let waited = collector.until(|span| span.step() == "validate ended");
    collector.until(|span| span.id == waited.parent && span.name == "GET /api/v1/session");
    let purge = collector.until(|span| span.name == "sweep" && span.field("task") == "purge");
    assert_eq!(purge.parent, "", "nobody's request");
    collector.until(|span| span.parent == purge.id && span.step() == "store purge");
    // A database that is away is an error of the request's span.
    place.sqlite("ALTER TABLE attempt_counters RENAME TO elsewhere");
    assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 503);
    let failed = collector.until(|span| span.field("http.response.status_code") == "503");
    assert_eq!(failed.status, ERROR);
}

#[test]
fn only_a_trusted_proxy_says_which_trace_a_request_belongs_to() {
    let collector = Collector::start();
    let place = traced(&collector).with("PROXY__TRUSTED", "127.0.0.1");
    let server = place.serve();
    let ask = |server: &Server, traceparent: &str| {
        let answer = server.client().with_header(&format!("traceparent: {traceparent}")).get("/healthz");
        answer.header("x-request-id").unwrap().to_owned()
    };
    let wanted = ask(&server, PARENT);
    let span = collector.until(|span| span.field("request_id") == wanted);
    assert_eq!((span.trace.as_str(), span.parent.as_str()), (TRACE, "00f067aa0ba902b7"));
    // What the proxy does not sample is not exported, though the log names its trace.
    let unwanted = ask(&server, &PARENT.replace("-01", "-00"));
    assert!(lines_of(&server, &unwanted).iter().all(|line| line["span"]["trace_id"] == TRACE));
    let nonsense = ask(&server, "00-nonsense");
    server.stop();
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.field("request_id") != unwanted), "{spans:#?}");
    let own = spans.iter().find(|span| span.field("request_id") == nonsense).unwrap();
    assert_eq!(own.parent, "");

    let collector = Collector::start();
    let place = traced(&collector).with("PROXY__TRUSTED", "192.0.2.1");
    let server = place.serve();
    let anybodys = ask(&server, PARENT);
    let span = collector.until(|span| span.field("request_id") == anybodys);
    assert!(span.trace != TRACE && span.parent.is_empty(), "{span:?}");
}

#[test]
fn the_last_request_before_the_end_is_there_and_a_share_of_none_is_nothing() {
    for (share, is_there) in [("1", true), ("0", false)] {
        let collector = Collector::start();
        let server = traced(&collector).with("TRACES__SAMPLE", share).serve();
        assert_eq!(server.client().get("/healthz").status, 200);
        server.stop();
        let spans = collector.spans();
        assert_eq!(spans.iter().any(|span| span.name == "GET /healthz"), is_there, "{share}: {spans:#?}");
        assert!(is_there || spans.is_empty(), "{spans:#?}");
    }
}
