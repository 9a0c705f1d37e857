//! What every answer carries and every request must satisfy, whatever the route: headers, origin, time, panics.

use std::any::Any;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, STRICT_TRANSPORT_SECURITY};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use cloakroom::Code;
use cloakroom_core::origin::{RequestOrigin, is_sent_unasked, verify};

use crate::api;
use crate::app::App;
use crate::failure::Failure;

/// How long a request may take, its body included.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// The same for pages, problems and assets (ASVS 5.0 3.4.3 to 3.4.6). Nothing inline; the one script hides what is left and warns before a session ends.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// Two years, and every host below (ASVS 5.0 3.4.1). Over https only: RFC 6797 7.2 forbids it over http.
const HTTPS_ONLY: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Puts the headers on an answer.
pub(crate) async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if app.public_origin().is_some_and(|origin| origin.starts_with("https://")) {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, HTTPS_ONLY);
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// Refuses what another site makes a browser send (ASVS 5.0 3.5.1).
pub(crate) async fn origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let text = |headers: &HeaderMap, name| {
        headers.get(name).map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = request.headers();
    // TRACE is safe by its definition, and nobody's here.
    let is_unsafe = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let sec_fetch_site = HeaderName::from_static("sec-fetch-site");
    // A browser sends each once. Whoever managed to add another may not choose which one counts.
    let is_doubled = |name: &HeaderName| headers.get_all(name).iter().nth(1).is_some();
    if is_unsafe && (is_doubled(&sec_fetch_site) || is_doubled(&ORIGIN)) {
        return Failure::of(Code::CrossSite).into_response();
    }
    let site = text(headers, sec_fetch_site);
    let origin = text(headers, ORIGIN);
    let host = text(headers, HOST).or_else(|| request.uri().authority().map(ToString::to_string));
    let verdict = verify(RequestOrigin {
        is_unsafe,
        sec_fetch_site: site.as_deref(),
        origin: origin.as_deref(),
        host: host.as_deref(),
        public_origin: app.public_origin(),
    });
    if verdict.is_err() {
        return Failure::of(Code::CrossSite).into_response();
    }
    // Refused even where no body is read: such a request needs nobody's permission to be sent from another origin.
    if is_unsafe
        && api::is_path_of(request.uri().path())
        && text(headers, CONTENT_TYPE).is_some_and(|kind| is_sent_unasked(&kind))
    {
        return Failure::of(Code::UnsupportedMediaType).into_response();
    }
    next.run(request).await
}

/// Gives up on a request that takes too long.
pub(crate) async fn time_limit(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::of(Code::Busy).into_response(),
    }
}

/// One request's bug is one answer. The message stays in the log, where the panic hook put it.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Failure::of(Code::Internal).into_response()
}
