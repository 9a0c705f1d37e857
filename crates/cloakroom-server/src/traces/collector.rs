//! A collector that takes OTLP as protobuf over HTTP (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP").

use std::io;
use std::time::Duration;

use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use opentelemetry::KeyValue;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use tokio::time::timeout;

use super::names::outside;
use crate::config::TracesEndpoint;
use crate::reach::Reached;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Who takes spans.
pub(super) struct Collector {
    reached: Reached,
    path: String,
    /// Who sends them.
    resource: ResourceAttributesWithSchema,
}

impl Collector {
    pub(super) fn new(endpoint: &TracesEndpoint) -> Self {
        // Nothing of the machine: a name, an address and an environment are not ours to tell.
        let about = [("service.name", "cloakroom"), ("service.version", env!("CARGO_PKG_VERSION"))];
        let resource = Resource::builder_empty().with_attributes(about.map(|(key, value)| KeyValue::new(key, value)));
        Self {
            reached: Reached::new(endpoint.origin().clone()),
            path: endpoint.path().to_owned(),
            resource: (&resource.build()).into(),
        }
    }

    /// Hands spans over; returns how many of them the collector refused.
    ///
    /// # Errors
    /// When it has not taken them: nobody answers, too late, or something else than yes.
    pub(super) async fn take(&self, spans: Vec<SpanData>) -> io::Result<u64> {
        let spans = spans.into_iter().map(outside).collect();
        let resource_spans = group_spans_by_resource_and_scope(spans, &self.resource);
        let body = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.parse().map_err(io::Error::other)?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cloakroom/", env!("CARGO_PKG_VERSION"))));
        let asked = timeout(ANSWER_MAX, self.reached.ask(request)).await;
        let answer = asked.map_err(|_| io::Error::other(format!("no answer within {ANSWER_MAX:?}")))??.response;
        if !answer.status().is_success() {
            return Err(io::Error::other(format!("answered {}", answer.status())));
        }
        // What does not say otherwise has taken everything.
        let said = ExportTraceServiceResponse::decode(answer.into_body()).unwrap_or_default();
        let refused = said.partial_success.map_or(0, |partial| partial.rejected_spans);
        Ok(refused.try_into().unwrap_or(0))
    }
}
