//! A real reverse proxy in front of several servers: haproxy, as an operator would set it up.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;

use crate::guard::{Directory, Guarded, daemon};

/// Says which server answered, so that a test can see that the work is shared.
pub const SERVED_BY: &str = "x-served-by";

/// Whether an instance is alive is asked of the process, not of its database: while the database is gone the instances'
/// own 503 says more than haproxy's. A connection that is refused goes to the next instance at once, and so does a request
/// without an answer if it only reads.
const CONFIGURATION: &str = "\
global
  maxconn 2000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend front
  bind fd@0
  http-request disable-l7-retry unless METH_GET
  default_backend instances
backend instances
  balance roundrobin
  option httpchk GET /healthz
  default-server check inter 200ms fall 2 rise 1
  http-response set-header x-served-by %s
";

/// Requests go to whoever says that it is ready. What is lost stays lost: nothing is asked a second time. An
/// instance that is slow because it has much to do is not one that is not ready.
const STRICT_CONFIGURATION: &str = "\
global
  maxconn 2000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 5s
  retries 0
frontend front
  bind fd@0
  default_backend instances
backend instances
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 100ms fall 1 rise 1
  http-response set-header x-served-by %s
";

/// A running haproxy. Killed when dropped.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    admin: PathBuf,
    _process: Guarded,
    _dir: Directory,
}

impl Balancer {
    /// Shares requests over the servers at these addresses, one after the other.
    ///
    /// # Errors
    /// When there is no haproxy, or it does not understand its configuration.
    pub fn over<'a>(servers: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        Self::start(CONFIGURATION, servers)
    }

    /// The same over those that say at `/readyz` that they are ready. It hides nothing: a request that one of them loses is lost.
    ///
    /// # Errors
    /// As for [`over`](Self::over).
    pub fn over_ready<'a>(servers: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        Self::start(STRICT_CONFIGURATION, servers)
    }

    fn start<'a>(configuration: &str, servers: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let dir = Directory::new("cloakroom-balancer-")?;
        let admin = dir.path().join("admin.sock");
        let socket = format!("global\n  stats socket {} mode 600 level admin\n", admin.display());
        let mut text = configuration.replacen("global\n", &socket, 1);
        for (number, server) in (1..).zip(servers) {
            writeln!(text, "  server instance-{number} {server}").map_err(io::Error::other)?;
        }
        let file = dir.path().join("haproxy.cfg");
        fs::write(&file, text)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let log = fs::File::create(dir.path().join("log.txt"))?;
        let mut haproxy = daemon("haproxy");
        // It is handed the listener itself: nobody can take the port in between.
        haproxy.arg("-db").arg("-f").arg(&file).stdin(Stdio::from(OwnedFd::from(listener)));
        let mut process = Guarded::start(haproxy.stdout(log.try_clone()?).stderr(log)).map_err(|error| {
            io::Error::new(error.kind(), format!("haproxy: {error}; on Debian: apt-get install haproxy"))
        })?;
        drop(haproxy); // and with it our handle on the listener
        if let Some(status) = process.child().try_wait()? {
            let said = fs::read_to_string(dir.path().join("log.txt"))?;
            return Err(io::Error::other(format!("haproxy ended ({status}): {said}")));
        }
        Ok(Self { address, admin, _process: process, _dir: dir })
    }

    /// The server of this number, from 1, is at another address now.
    ///
    /// # Errors
    /// When haproxy does not do as it is told.
    pub fn moved(&self, number: usize, to: SocketAddr) -> io::Result<()> {
        let mut admin = UnixStream::connect(&self.admin)?;
        writeln!(admin, "set server instances/instance-{number} addr {} port {}", to.ip(), to.port())?;
        let mut said = String::new();
        admin.read_to_string(&mut said)?;
        if said.contains("changed from") { Ok(()) } else { Err(io::Error::other(said)) }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}
