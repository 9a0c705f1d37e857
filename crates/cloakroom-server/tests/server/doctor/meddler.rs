//! A proxy that does to answers what must not be done to them, one thing at a time.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it does.
pub(crate) enum Meddling {
    /// Takes something out of every answer's head.
    Removing(&'static str),
    /// Puts something in the place of the rest of a header's line.
    Setting(&'static str, &'static str),
    /// Keeps what somebody logged in was told, and says it again.
    Keeping,
    /// Does something with the token of each `Set-Cookie`.
    Telling(Box<dyn Fn(&str) + Send + Sync>),
    /// Answers nothing to whoever asks for a session; tells that somebody has.
    Hanging(Sender<()>),
}

/// The proxy, on a port of its own.
pub(crate) struct Meddler {
    url: String,
}

/// A certificate of localhost, made for one test.
pub(crate) struct Certificate(TempDir);

impl Certificate {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut openssl = Command::new("openssl");
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        openssl.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
        openssl.args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            "key.pem",
            "-out",
            "certificate.pem",
        ]);
        let output = openssl.current_dir(dir.path()).output().expect("openssl is needed: it comes with PostgreSQL");
        assert!(output.status.success(), "{output:?}");
        Self(dir)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    fn config(&self) -> Arc<ServerConfig> {
        let chain = vec![CertificateDer::from_pem_file(self.path()).unwrap()];
        let key = PrivateKeyDer::from_pem_file(self.0.path().join("key.pem")).unwrap();
        Arc::new(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap())
    }
}

impl Meddler {
    pub(crate) fn before(server: &str, meddling: Meddling) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (server, meddling) = (server.to_owned(), Arc::new(meddling));
        let kept = Arc::new(Mutex::new(HashMap::new()));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, meddling, kept) = (server.clone(), Arc::clone(&meddling), Arc::clone(&kept));
                thread::spawn(move || pass(&mut { stream }, &server, &meddling, &kept));
            }
        });
        Self { url: format!("http://{address}") }
    }

    /// One that hangs, and what tells when it does.
    pub(crate) fn hanging(server: &str) -> (Self, Receiver<()>) {
        let (tell, told) = channel();
        (Self::before(server, Meddling::Hanging(tell)), told)
    }

    /// One that changes nothing, and speaks TLS.
    pub(crate) fn behind_tls(server: &str, certificate: &Certificate) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (server, config) = (server.to_owned(), certificate.config());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, config) = (server.clone(), Arc::clone(&config));
                thread::spawn(move || {
                    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
                    pass(&mut stream, &server, &Meddling::Removing("nothing"), &Kept::default());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        Self { url }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

type Kept = Mutex<HashMap<Vec<u8>, Vec<u8>>>;

fn pass(stream: &mut (impl Read + Write), server: &str, meddling: &Meddling, kept: &Kept) {
    let Some(request) = request(stream) else { return };
    let is_about_a_session = request.starts_with(b"GET /api/v1/session ");
    if let Meddling::Hanging(tell) = meddling
        && is_about_a_session
    {
        tell.send(()).unwrap();
        let _ = stream.read_to_end(&mut Vec::new()); // until whoever asked has gone
        return;
    }
    let is_kept = matches!(meddling, Meddling::Keeping) && is_about_a_session;
    let known = kept.lock().unwrap().get(&request).cloned();
    let answer = match known {
        Some(answer) if is_kept => answer,
        _ => {
            let mut there = TcpStream::connect(server).unwrap();
            there.write_all(&request).unwrap();
            let mut answer = Vec::new();
            there.read_to_end(&mut answer).unwrap();
            meddle(answer, meddling)
        }
    };
    if is_kept && answer.starts_with(b"HTTP/1.1 200") {
        kept.lock().unwrap().insert(request, answer.clone());
    }
    let _ = stream.write_all(&answer);
}

/// A whole request: its head, and as much body as that says.
fn request(stream: &mut impl Read) -> Option<Vec<u8>> {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
    let length = head.split("content-length:").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    request.extend(body);
    Some(request)
}

fn meddle(answer: Vec<u8>, meddling: &Meddling) -> Vec<u8> {
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head = match meddling {
        Meddling::Removing(what) => head.replace(what, ""),
        Meddling::Setting(name, value) => {
            let line = |line: &str| {
                let is_it = line.to_ascii_lowercase().starts_with(&format!("{name}:"));
                if is_it { format!("{name}: {value}") } else { line.to_owned() }
            };
            head.split("\r\n").map(line).collect::<Vec<_>>().join("\r\n")
        }
        Meddling::Telling(tell) => {
            if let Some(token) = head.split("cloakroom=ck1_").nth(1).and_then(|rest| rest.split(';').next()) {
                tell(token);
            }
            head.to_owned()
        }
        Meddling::Keeping | Meddling::Hanging(_) => head.to_owned(),
    };
    format!("{head}\r\n\r\n{body}").into_bytes()
}
