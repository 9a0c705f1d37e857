//! The example does what it shows: over real connections, under both kinds of validation.

use super::*;
use std::net::SocketAddr;

use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, protocol::frame::coding::CloseCode};

struct Served {
    address: SocketAddr,
    sessions: Sessions,
    _dir: tempfile::TempDir,
}

async fn serve(validation: Validation) -> Served {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("app.db").display());
    let plain = CookieSettings::insecure_for_plain_http();
    let sessions = Sessions::builder().cookie(plain).validation(validation).connect(&url).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, router) = (listener.local_addr().unwrap(), app(&sessions));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { address, sessions, _dir: dir }
}

impl Served {
    async fn send(&self, method: &str, path: &str, cookie: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn whole(&self, method: &str, path: &str, cookie: &str) -> String {
        let mut answer = String::new();
        self.send(method, path, cookie).await.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn logged_in(&self) -> String {
        let answer = self.whole("POST", "/login", "").await;
        let line = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
        line["set-cookie: ".len()..].split(';').next().unwrap().to_owned()
    }
}

async fn both_close(validation: Validation) {
    let served = serve(validation).await;
    let cookie = served.logged_in().await;
    let mut request = format!("ws://{}/socket", served.address).into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket.send(tungstenite::Message::text("are you there")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "are you there");
    let mut events = served.send("GET", "/events", &cookie).await;
    let mut seen = String::new();
    while !seen.contains("event: tick") {
        let mut some = [0; 1024];
        let read = events.read(&mut some).await.unwrap();
        assert!(read > 0, "the stream ended early: {seen}");
        seen += std::str::from_utf8(&some[..read]).unwrap();
    }

    // By an administrator, say, and not by the browser that holds them open.
    let session = served.sessions.list(&cloakroom::Subject::new("ada").unwrap(), None, 1).await.unwrap().remove(0);
    assert!(served.sessions.end_session(session.id).await.unwrap());
    let tungstenite::Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else { panic!("no close") };
    assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Policy, "administrator"));
    events.read_to_string(&mut seen).await.unwrap(); // until the server ends it
    assert!(seen.contains("event: end\ndata: administrator"), "{seen}");
}

#[tokio::test]
async fn under_strict_validation_both_close_with_the_reason() {
    both_close(Validation::Strict).await;
}

#[tokio::test]
async fn under_leased_validation_both_close_with_the_reason() {
    both_close(Validation::Leased(LeaseTerms::default())).await;
}

#[tokio::test]
async fn nobody_opens_a_socket_without_a_session() {
    let served = serve(Validation::Strict).await;
    let refused = tokio_tungstenite::connect_async(format!("ws://{}/socket", served.address)).await;
    let Err(tungstenite::Error::Http(answer)) = refused else { panic!("it was opened") };
    assert_eq!(answer.status(), 401);
}
