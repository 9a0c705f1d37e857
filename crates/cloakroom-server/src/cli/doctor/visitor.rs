//! Asking a server over HTTP, as a program does: no redirect followed, no cookie kept.

use std::io;
use std::time::Duration;

use cloakroom_core::time::{Steady, Timestamp};
use http::header::{CONTENT_TYPE, COOKIE, HeaderMap, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::time::timeout;

use crate::config::PublicUrl;
use crate::reach::{Exchange, Reached};

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A server, and how to reach it.
#[derive(Clone)]
pub(crate) struct Visitor(Reached);

/// What came back, and between which readings of this machine's clock.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
    /// When it was asked, on the clock that nobody sets.
    pub(crate) sent: Steady,
}

impl Answer {
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Such as `401 session_revoked`.
    pub(crate) fn outcome(&self) -> String {
        let code = self.json().and_then(|json| json["code"].as_str().map(str::to_owned)).unwrap_or_default();
        format!("{} {code}", self.status.as_u16()).trim_end().to_owned()
    }
}

impl Visitor {
    /// Of the server at `url`. Certificates are those the system trusts.
    pub(crate) fn new(url: PublicUrl) -> Self {
        Self(Reached::new(url))
    }

    pub(crate) fn url(&self) -> &PublicUrl {
        self.0.url()
    }

    pub(crate) async fn get(&self, path: &str, cookie: Option<&HeaderValue>) -> io::Result<Answer> {
        self.ask(Method::GET, path, cookie, None).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        cookie: Option<&HeaderValue>,
        json: Option<Bytes>,
    ) -> io::Result<Answer> {
        self.ask(Method::POST, path, cookie, json).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        cookie: Option<&HeaderValue>,
        json: Option<Bytes>,
    ) -> io::Result<Answer> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(io::Error::other)?;
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cloakroom-doctor/", env!("CARGO_PKG_VERSION"))));
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, cookie.clone());
        }
        if let Some(json) = json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Full::new(json);
        }
        match timeout(ANSWER_MAX, self.0.ask(request)).await {
            Ok(Ok(Exchange { response, asked, answered, sent })) => {
                let (head, body) = response.into_parts();
                Ok(Answer { status: head.status, headers: head.headers, body, asked, answered, sent })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other(format!("no answer within {} s", ANSWER_MAX.as_secs()))),
        }
    }
}
