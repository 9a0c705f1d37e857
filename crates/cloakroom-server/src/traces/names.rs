//! What of a span leaves the process, and under which name: the OpenTelemetry conventions' where they have one. A field that is not here
//! stays here.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// Fields of spans, and how they are called outside.
const FIELDS: &[(&str, &str)] = &[
    ("request_id", "request_id"),
    ("method", "http.request.method"),
    ("route", "http.route"),
    ("status", "http.response.status_code"),
    ("strict", "strict"),
    ("outcome", "outcome"),
    ("operation", "operation"),
    ("task", "task"),
    ("rows", "rows"),
    // How long it worked and how long it waited, in nanoseconds.
    ("busy_ns", "busy_ns"),
    ("idle_ns", "idle_ns"),
];

/// The span as it leaves.
pub(super) fn outside(mut span: SpanData) -> SpanData {
    if span.name == "request" {
        let word = |key: &str| span.attributes.iter().find(|field| field.key.as_str() == key).map(|f| &f.value);
        let (method, route, status) = (word("method"), word("route"), word("status"));
        if matches!(status, Some(Value::I64(500..))) {
            span.status = Status::error("");
        }
        if let (Some(method), Some(route)) = (method, route) {
            span.name = format!("{} {}", method.as_str(), route.as_str()).into();
        }
        span.span_kind = SpanKind::Server;
    }
    let named = |field: KeyValue| {
        let (_, name) = FIELDS.iter().find(|(ours, _)| *ours == field.key.as_str())?;
        Some(KeyValue::new(*name, field.value))
    };
    span.attributes = span.attributes.into_iter().filter_map(named).collect();
    span
}
