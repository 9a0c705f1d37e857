//! What systemd is told over the socket it names: that the server is ready, stops, and is alive (sd_notify(3)). Elsewhere there is no
//! socket, and nothing is said.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::stop::Stopping;

/// The way to whoever started us, if it listens. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Supervisor {
    socket: Option<Arc<UnixDatagram>>,
    /// How often it wants to hear that we are alive.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As the environment names it. A socket that cannot be reached is a line in the log: whoever waits for it says the rest.
    pub(crate) fn of_environment() -> Self {
        let Some(path) = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
            return Self::default();
        };
        let socket = connect(&path).inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be reached"));
        let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        // Where it names a process, the watchdog is that one's.
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros);
        Self { socket: socket.ok().map(Arc::new), watchdog }
    }

    /// The listener is open and the database can be used.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, state: &str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(%error, state, "the supervisor was not told");
        }
    }

    /// Says twice in each interval that the server is alive, as long as it answers at its own listener. While it stops there is none:
    /// that this runs is all there is to say then.
    pub(crate) async fn watch(self, listening: SocketAddr, stopping: Stopping) {
        let Some(often) = self.watchdog.filter(|_| self.socket.is_some()).map(|watchdog| watchdog / 2) else { return };
        let mut ticks = interval(often);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            match timeout(often, answers(listening, "/healthz")).await {
                Ok(Ok(200)) => self.say("WATCHDOG=1"),
                _ if stopping.has_begun() => self.say("WATCHDOG=1"),
                found => tracing::error!(?found, "the server does not answer itself: the watchdog is not told"),
            }
        }
    }
}

/// A path, or a name of the abstract namespace after an `@`.
#[cfg(target_os = "linux")]
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::SocketAddr as Name;
    let name = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => Name::from_abstract_name(name)?,
        None => Name::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&name)?;
    // A supervisor that does not read must not keep us.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// systemd is of Linux.
#[cfg(not(target_os = "linux"))]
fn connect(_: &OsStr) -> io::Result<UnixDatagram> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The status with which a server on this machine answers a `GET` of `path`.
///
/// # Errors
/// When nobody answers in HTTP.
pub(crate) async fn answers(listening: SocketAddr, path: &str) -> io::Result<u16> {
    let ip = match listening.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let mut stream = TcpStream::connect((ip, listening.port())).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {listening}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = [0; 12]; // HTTP/1.1 200
    stream.read_exact(&mut line).await?;
    let status = std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
