//! Asking another server over HTTP, as a program does: one request a connection, no redirect followed. Who asks, and what for, is not
//! known here.

use std::io;
use std::sync::Arc;

use cloakroom::world::SystemClock;
use cloakroom_core::time::{Steady, Timestamp};
use cloakroom_core::world::Clock as _;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::config::PublicUrl;

/// Most of a body that is read.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// A server, and the way to it.
#[derive(Clone)]
pub(crate) struct Reached {
    url: PublicUrl,
    tls: Option<TlsConnector>,
}

/// What came back, and between which readings of this machine's clock.
pub(crate) struct Exchange {
    pub(crate) response: Response<Bytes>,
    pub(crate) asked: Timestamp,
    pub(crate) answered: Timestamp,
    /// When it was asked, on the clock that nobody sets.
    pub(crate) sent: Steady,
}

impl Reached {
    /// The server at `url`. Certificates are those the system trusts.
    pub(crate) fn new(url: PublicUrl) -> Self {
        let tls = url.is_https().then(connector);
        Self { url, tls }
    }

    pub(crate) fn url(&self) -> &PublicUrl {
        &self.url
    }

    /// Sends a request, whose URI is its path, and reads the answer. There is no limit of time here.
    ///
    /// # Errors
    /// When the server cannot be reached, or what answers does not speak HTTP.
    pub(crate) async fn ask(&self, mut request: Request<Full<Bytes>>) -> io::Result<Exchange> {
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_str(self.authority()).map_err(io::Error::other)?);
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let stream = TcpStream::connect(self.address()).await?;
        match &self.tls {
            None => send(stream, request).await,
            Some(tls) => {
                let host = self.url.host().trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(host).map_err(io::Error::other)?;
                send(tls.connect(name, stream).await?, request).await
            }
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
) -> io::Result<Exchange> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    drop(tokio::spawn(connection)); // it ends with the answer
    let (asked, sent) = (SystemClock.now(), SystemClock.steady());
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let answered = SystemClock.now();
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Exchange { response: Response::from_parts(head, body), asked, answered, sent })
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    // What cannot be read is not trusted, and the first handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}
