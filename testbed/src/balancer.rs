//! A real reverse proxy in front of several servers: haproxy, as an operator would set it up.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
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

/// A running haproxy. Killed when dropped.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    _process: Guarded,
    _dir: Directory,
}

impl Balancer {
    /// Shares requests over the servers at these addresses, one after the other.
    ///
    /// # Errors
    /// When there is no haproxy, or it does not understand its configuration.
    pub fn over<'a>(servers: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let dir = Directory::new("cloakroom-balancer-")?;
        let mut text = CONFIGURATION.to_owned();
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
        Ok(Self { address, _process: process, _dir: dir })
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}
