//! A collector: takes OTLP over HTTP and keeps what it got.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as Sent;
use prost::Message as _;

/// Longer than a batch waits for more, many times.
const PATIENCE: Duration = Duration::from_mins(1);

/// One span, as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: i32,
    pub(crate) status: i32,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Span {
    fn of(sent: Sent) -> Self {
        assert!(sent.events.is_empty() && sent.links.is_empty() && sent.trace_state.is_empty(), "{sent:?}");
        assert!(sent.end_time_unix_nano >= sent.start_time_unix_nano, "{sent:?}");
        let status = sent.status.unwrap_or_default();
        assert_eq!(status.message, "");
        Self {
            trace: hex(&sent.trace_id),
            id: hex(&sent.span_id),
            parent: hex(&sent.parent_span_id),
            name: sent.name,
            kind: sent.kind,
            status: status.code,
            fields: fields(sent.attributes),
        }
    }

    /// A field, or nothing.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// What a step is called: its name and the words that tell it from others of the name.
    pub(crate) fn step(&self) -> String {
        format!("{} {}{}", self.name, self.field("operation"), self.field("outcome")).trim().to_owned()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn fields(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    const NUMBERS: [&str; 4] = ["busy_ns", "http.response.status_code", "idle_ns", "rows"];
    let text = |value: Option<AnyValue>| match value.unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(flag) => flag.to_string(),
        other => panic!("{other:?}"),
    };
    let is_number = |field: &KeyValue| {
        matches!(field.value, Some(AnyValue { value: Some(Value::IntValue(_)) }))
            == NUMBERS.contains(&field.key.as_str())
    };
    assert!(attributes.iter().all(is_number), "{attributes:?}");
    attributes.into_iter().map(|field| (field.key, text(field.value))).collect()
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    bodies: Vec<u8>,
    resource: BTreeMap<String, String>,
}

/// What the collector shares with its server.
type Shared = Arc<(Mutex<Kept>, Condvar)>;

/// A running collector. It ends with the process.
pub(crate) struct Collector {
    shared: Shared,
    url: String,
}

impl Collector {
    pub(crate) fn start() -> Self {
        let shared = Shared::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&shared));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let serving = async { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await };
            runtime.block_on(serving)
        });
        Self { shared, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Everything it got until now.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.shared.0.lock().unwrap().spans.clone()
    }

    /// The bytes of everything it got until now.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shared.0.lock().unwrap().bodies.clone()
    }

    /// What the spans are of.
    pub(crate) fn resource(&self) -> BTreeMap<String, String> {
        self.shared.0.lock().unwrap().resource.clone()
    }

    /// Waits for a span like this.
    pub(crate) fn until(&self, is_it: impl Fn(&Span) -> bool) -> Span {
        let (kept, more) = &*self.shared;
        let kept = kept.lock().unwrap();
        let waits = |kept: &mut Kept| !kept.spans.iter().any(&is_it);
        let (kept, waited) = more.wait_timeout_while(kept, PATIENCE, waits).unwrap();
        assert!(!waited.timed_out(), "no such span: {:#?}", kept.spans);
        kept.spans.iter().find(|span| is_it(span)).unwrap().clone()
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let (kept, more) = &*shared;
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut kept = kept.lock().unwrap();
    kept.bodies.extend(body);
    for of_resource in request.resource_spans {
        kept.resource = fields(of_resource.resource.unwrap().attributes);
        let sent = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.spans.extend(sent.map(Span::of));
    }
    more.notify_all();
    StatusCode::OK
}
