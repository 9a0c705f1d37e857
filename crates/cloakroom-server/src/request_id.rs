//! A name for each request, in its answer and in every log line about it.

use std::fmt;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use cloakroom::SessionId;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::app::App;

/// The header that carries it.
const HEADER: &str = "x-request-id";

/// A request's name: a UUIDv7, made here. What a client sends under the header's name is not taken over.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestId(Option<SessionId>);

impl RequestId {
    /// As it is kept; `None` where there was no randomness.
    pub(crate) const fn id(self) -> Option<SessionId> {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => id.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Names the request and logs its answer: method, route as declared, status. Never its URI, which may hold anything.
pub(crate) async fn assign(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = RequestId(SessionId::new(app.now(), app.random()).ok());
    request.extensions_mut().insert(id);
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = word(request.method());
    let span =
        tracing::info_span!("request", request_id = %id, method, trace_id = Empty, route = Empty, status = Empty);
    app.traces().begin(&span, &request, &route);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    let status = response.status().as_u16();
    app.traces().end(&span, status);
    span.in_scope(|| tracing::debug!(route, status, "answered"));
    response
}

/// Which method: one of those HTTP has. Anything else may be called anything.
fn word(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
