//! A site whose instances answer from memory, sessions by the hundred, and connections that stay open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cloakroom_core::session::SessionId;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::{Token, TokenDigest};
use cloakroom_core::world::PredictableRandom;
use testbed::postgres::Cluster;
use testbed::wire::Wire;

use crate::client::Client;
use crate::process::{Place, Server};
use crate::site::{Instance, PATIENCE, Site, Turn, now, place};

/// L: the default, which these tests leave as it is.
pub(crate) const LEASE: Duration = Duration::from_secs(1);
/// What one statement plants.
const PLANTED_AT_ONCE: usize = 200;

impl Site {
    /// With instances that answer from memory.
    pub(crate) fn leased() -> Self {
        Self::made_of(Turn::beside(), Instance::leased)
    }

    /// The same, while no other test has a site.
    pub(crate) fn leased_alone() -> Self {
        Self::made_of(Turn::alone(), Instance::leased)
    }

    /// A connection to each instance.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.instances.iter().map(|instance| Line::to(instance.server.address())).collect()
    }

    /// Puts sessions into the database as if their subjects had logged in.
    pub(crate) fn plant(&self, subjects: &[String], random: &PredictableRandom) -> Vec<Planted> {
        let plant = |subject: &String| Planted::new(subject, random);
        let planted: Vec<_> = subjects.iter().map(plant).collect();
        for some in planted.chunks(PLANTED_AT_ONCE) {
            let subjects: Vec<_> = some.iter().map(|planted| format!("('{}')", planted.subject)).collect();
            let rows: Vec<_> = some.iter().map(Planted::row).collect();
            self.psql(&format!(
                "INSERT INTO session_subjects (subject) VALUES {} ON CONFLICT DO NOTHING; INSERT INTO sessions VALUES {}",
                subjects.join(", "),
                rows.join(", ")
            ));
        }
        planted
    }

    /// One of somebody of its own, who is known everywhere.
    pub(crate) fn planted(&self, name: &str, random: &PredictableRandom) -> Planted {
        let planted = self.plant(&[name.to_owned()], random).remove(0);
        for line in &mut self.lines() {
            assert_eq!((line.ask(&planted), line.ask(&planted)), (200, 200));
        }
        planted
    }
}

impl Instance {
    fn leased(cluster: &Cluster) -> Self {
        let wire = Wire::to(cluster.port()).unwrap();
        let place = leasing(place(cluster, wire.port())).with("METRICS__LISTEN", "127.0.0.1:0");
        let mut server = place.serve();
        let metrics = loop {
            let line = server.line();
            if let Some(address) = line.strip_prefix("Metrics: http://").and_then(|rest| rest.strip_suffix("/metrics"))
            {
                break Client::new(address);
            }
        };
        let mut instance = Self { server, wire, place, metrics: Some(metrics) };
        ready(&mut instance.server);
        instance
    }

    /// What a metric of this name, with its labels, shows now.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let answer = self.metrics.clone().unwrap().get("/metrics");
        let line = answer.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {}", answer.body)).parse().unwrap()
    }
}

/// A place whose servers and commands are leased.
pub(crate) fn leasing(place: Place) -> Place {
    place.with("SESSION__VALIDATION", "leased").with("LOG__FILTER", "info")
}

/// Waits until a server says that it is ready.
pub(crate) fn ready(server: &mut Server) {
    let since = now();
    crate::site::until(since, "readiness", || {
        let answer = server.client().get("/readyz");
        if answer.status == 200 { Ok(()) } else { Err(answer) }
    });
}

/// A session that was put into the database.
pub(crate) struct Planted {
    pub(crate) token: String,
    pub(crate) id: String,
    pub(crate) subject: String,
    digest: TokenDigest,
}

impl Planted {
    fn new(subject: &str, random: &PredictableRandom) -> Self {
        let token = Token::generate(random).unwrap();
        let digest = token.digest();
        let id = SessionId::new(Timestamp::from_millis(1_760_000_000_000), random).unwrap().to_string();
        Self { token: token.reveal().to_string(), id, subject: subject.to_owned(), digest }
    }

    fn row(&self) -> String {
        let digest = BASE64.encode(self.digest.as_bytes());
        format!(
            "(decode('{digest}', 'base64'), '{}', '{}', now(), now(), now(), interval '2 hours', now() + interval '1 day', 'password')",
            self.id, self.subject
        )
    }
}

/// A connection that stays open from one request to the next.
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    pub(crate) fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// Sends a request in this session's name, and does not wait.
    pub(crate) fn send(&mut self, method: &str, path: &str, whose: &Planted) {
        let token = &whose.token;
        let text =
            format!("{method} {path} HTTP/1.1\r\nhost: here\r\ncookie: cloakroom={token}\r\ncontent-length: 0\r\n\r\n");
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Presses a button of the account page.
    pub(crate) fn press(&mut self, path: &str, whose: &Planted) -> (u16, String, String) {
        let (_, _, page) = self.request("GET", "/account", whose);
        let value = page.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let body = format!("form_token={}", value.unwrap_or_else(|| panic!("no form token: {page}")));
        let head = format!("POST {path} HTTP/1.1\r\nhost: here\r\ncookie: cloakroom={}\r\n", whose.token);
        let kind = "content-type: application/x-www-form-urlencoded";
        let text = format!("{head}{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        self.receive()
    }

    /// The status of the next answer, its headers and its body.
    pub(crate) fn receive(&mut self) -> (u16, String, String) {
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "closed after {head:?}");
            head += &line.to_ascii_lowercase();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        self.stream.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, String::from_utf8(body).unwrap())
    }

    pub(crate) fn request(&mut self, method: &str, path: &str, whose: &Planted) -> (u16, String, String) {
        self.send(method, path, whose);
        self.receive()
    }

    /// What this session is told about itself.
    pub(crate) fn ask(&mut self, whose: &Planted) -> u16 {
        self.request("GET", "/api/v1/session", whose).0
    }
}

/// Asks until this session is refused; when the last request began that was served, and the refusal. Whoever is served by a
/// request that began a lease after the end is what must not be.
pub(crate) fn until_refused(line: &mut Line, whose: &Planted, ended: Instant, what: &str) -> (Duration, u16) {
    let mut last = Duration::ZERO;
    loop {
        let began = now();
        let status = line.ask(whose);
        if status != 200 {
            return (last, status);
        }
        last = began.saturating_duration_since(ended);
        assert!(last <= LEASE, "{what}: served by a request that began {last:?} after the end");
    }
}

/// The seed of this run: another one with `CLOAKROOM_SEED`.
pub(crate) fn seeded() -> PredictableRandom {
    let seed = std::env::var("CLOAKROOM_SEED").map_or(7, |text| text.parse().unwrap());
    println!("CLOAKROOM_SEED={seed}");
    PredictableRandom::from_seed(seed)
}
