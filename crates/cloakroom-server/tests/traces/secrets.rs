//! Nothing of a trace says who somebody is, or what they sent.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::collector::Collector;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

/// Every field there may be.
const FIELDS: &[&str] = &[
    "busy_ns",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "idle_ns",
    "operation",
    "outcome",
    "request_id",
    "rows",
    "strict",
    "task",
];

#[test]
fn neither_a_token_nor_a_name_nor_an_id_nor_a_path_is_in_a_trace() {
    let collector = Collector::start();
    let place = Place::new()
        .with("TRACES__ENDPOINT", collector.url())
        .with("PROXY__TRUSTED", "127.0.0.1")
        .with("LOG__FILTER", "trace")
        .with_account("countess");
    let server = place.serve();
    let mut other = server.logged_in("countess");
    let mut client =
        server.logged_in("countess").with_header("tracestate: whose=somebodys").with_header("baggage: k=somebodys");
    let token = client.token().to_owned();
    server.client().log_in("countess", OTHER_PASSWORD);
    server.client().log_in("no-such-name", PASSWORD);
    for path in ["/account", "/api/v1/sessions", "/hidden/path?and=query", "/setup/not-the-code", "/confirm?to=/hidden"]
    {
        client.get(path);
    }
    client.send("HIDDENMETHOD", "/account", None, b"");
    let ids = place.sqlite("SELECT lower(hex(id)) FROM sessions");
    let ids: Vec<_> = ids
        .lines()
        .map(|id| format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]))
        .collect();
    assert_eq!(ids.len(), 2);
    for id in &ids {
        client.delete(&format!("/api/v1/sessions/{id}"));
    }
    other.status();
    let subject = place.sqlite("SELECT subject FROM accounts");
    server.stop();

    let (spans, bytes) = (collector.spans(), collector.bytes());
    let raw = URL_SAFE_NO_PAD.decode(token.trim_start_matches("ck1_")).unwrap();
    let texts =
        [&token, &token[4..], PASSWORD, OTHER_PASSWORD, "countess", "no-such-name", &subject, "hidden", "HIDDEN"];
    let more = ["somebodys", "not-the-code", "127.0.0.1", "ck1_", "cookie"];
    let secrets = texts.iter().chain(&more).map(|text| text.as_bytes()).chain(ids.iter().map(String::as_bytes));
    for secret in secrets.chain([raw.as_slice()]) {
        let found = bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!found, "{}", String::from_utf8_lossy(secret));
    }
    for name in ["DELETE /api/v1/sessions/{id}", "GET none", "GET /setup/{code}", "_OTHER /account", "hash", "validate"]
    {
        assert!(spans.iter().any(|span| span.name == name), "{name}: {spans:#?}");
    }
    let fields: BTreeSet<_> = spans.iter().flat_map(|span| span.fields.keys().map(String::as_str)).collect();
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), FIELDS);
}
