//! Asking a server over HTTP, as a program does: one request a connection, no redirect followed, no cookie kept.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::world::SystemClock;
use cloakroom_core::time::{Steady, Timestamp};
use cloakroom_core::world::Clock as _;
use http::header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST, HeaderMap, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::PublicUrl;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Most of a body that is read.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A server, and how to reach it.
#[derive(Clone)]
pub(crate) struct Visitor {
    url: PublicUrl,
    tls: Option<TlsConnector>,
}

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
        let tls = url.is_https().then(connector);
        Self { url, tls }
    }

    pub(crate) fn url(&self) -> &PublicUrl {
        &self.url
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
        headers.insert(HOST, HeaderValue::from_str(self.authority()).map_err(io::Error::other)?);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cloakroom-doctor/", env!("CARGO_PKG_VERSION"))));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if let Some(cookie) = cookie {
            headers.insert(COOKIE, cookie.clone());
        }
        if let Some(json) = json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Full::new(json);
        }
        let asking = async {
            let stream = TcpStream::connect(self.address()).await?;
            match &self.tls {
                None => send(stream, request).await,
                Some(tls) => {
                    let host = self.url.host().trim_matches(['[', ']']).to_owned();
                    let name = ServerName::try_from(host).map_err(io::Error::other)?;
                    send(tls.connect(name, stream).await?, request).await
                }
            }
        };
        match timeout(ANSWER_MAX, asking).await {
            Ok(answer) => answer,
            Err(_) => Err(io::Error::other(format!("no answer within {} s", ANSWER_MAX.as_secs()))),
        }
    }

    fn authority(&self) -> &str {
        self.url.as_str().split_once("://").map_or("", |(_, authority)| authority)
    }

    /// With a port in any case.
    fn address(&self) -> String {
        let has_port = self.authority().rsplit(']').next().is_some_and(|rest| rest.contains(':'));
        match (has_port, self.url.is_https()) {
            (true, _) => self.authority().to_owned(),
            (false, true) => format!("{}:443", self.authority()),
            (false, false) => format!("{}:80", self.authority()),
        }
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> io::Result<Answer> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    drop(tokio::spawn(connection)); // it ends with the answer
    let (asked, sent) = (SystemClock.now(), SystemClock.steady());
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let answered = SystemClock.now();
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Answer { status: head.status, headers: head.headers, body, asked, answered, sent })
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    // What cannot be read is not trusted, and the first handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
