//! A server process of one mode: started with a database of its own, asked what it has done, gone when dropped.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use testbed::postgres::Cluster;

use super::cost::Clock;
use super::mode::{Kept, Mode};
use crate::run::{command, root};

/// Where both crates are built.
pub(super) const TARGET: &str = "bench/target";
/// How long an answer may take that is not part of the load.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Where one of the programs is.
pub(super) fn program(name: &str) -> String {
    root().join(TARGET).join("release").join(name).to_string_lossy().into_owned()
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server<'m> {
    pub(super) mode: &'m Mode,
    pub(super) address: String,
    /// A file with a `Cookie` header's value a line.
    pub(super) cookies: PathBuf,
    process: Child,
    clock: Clock,
    /// Holds the cookies and, on SQLite, the database.
    _dir: TempDir,
}

/// What was used up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meter {
    pub(super) server: Duration,
    pub(super) database: Duration,
    /// By what drives the load.
    pub(super) load: Duration,
    /// Statements sent, where the server counts them.
    pub(super) statements: Option<u64>,
}

impl Meter {
    /// What was used since then.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            load: self.load.saturating_sub(before.load),
            statements: self.statements.zip(before.statements).map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

impl<'m> Server<'m> {
    /// Starts it and waits until it has made its sessions.
    pub(super) fn start(mode: &'m Mode, cluster: &Cluster, sessions: u32) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", mode.name);
        let dir = tempfile::tempdir().map_err(|error| failed(&error))?;
        let name = mode.name.replace('-', "_");
        let database = match mode.kept {
            Kept::Nowhere | Kept::InMemory => String::new(),
            Kept::OnPostgres => {
                cluster.psql("postgres", &format!("CREATE DATABASE {name}")).map_err(|error| failed(&error))?;
                cluster.url(&name)
            }
            Kept::OnSqlite => format!("sqlite:{}", dir.path().join("sessions.db").display()),
        };
        let cookies = dir.path().join("cookies");
        let mut server = command(&program(mode.program), [mode.argument, database.as_str()]);
        server.arg(&cookies).arg(sessions.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = server.spawn().map_err(|error| failed(&error))?;
        let mut server = Self { mode, address: String::new(), cookies, process, clock: Clock::read()?, _dir: dir };
        if let Some(output) = server.process.stdout.take() {
            BufReader::new(output).read_line(&mut server.address).map_err(|error| failed(&error))?;
        }
        server.address.truncate(server.address.trim_end().len());
        if server.address.is_empty() {
            return Err(failed(&"the server did not start"));
        }
        if mode.kept == Kept::OnPostgres {
            // Rows just written cost their first readers more than any later one.
            cluster.psql(&name, "VACUUM (ANALYZE)").map_err(|error| failed(&error))?;
        }
        Ok(server)
    }

    /// The process.
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sees that the route serves who is logged in and nobody else.
    pub(super) fn check(&self) -> Result<(), String> {
        let cookies = std::fs::read_to_string(&self.cookies).map_err(|error| format!("cookies: {error}"))?;
        for cookie in [cookies.lines().next(), cookies.lines().last()] {
            let answer = self.ask("/", cookie.unwrap_or_default())?;
            if !answer.starts_with("HTTP/1.1 200 ") || !answer.contains("hello user-") {
                return Err(format!("{} refuses who is logged in:\n{answer}", self.mode.name));
            }
        }
        let answer = self.ask("/", "none=at-all")?;
        if self.mode.kept != Kept::Nowhere && !answer.starts_with("HTTP/1.1 401 ") {
            return Err(format!("{} serves who is not logged in:\n{answer}", self.mode.name));
        }
        Ok(())
    }

    /// What it and the database have used up to now.
    pub(super) fn meter(&self, database_pid: u32) -> Result<Meter, String> {
        let counts = self.ask("/counts", "none=at-all")?;
        Ok(Meter {
            server: self.clock.of_process(self.process.id())?,
            database: self.clock.of_family(database_pid)?,
            load: self.clock.of_waited_for(std::process::id())?,
            statements: statements(&counts),
        })
    }

    fn ask(&self, path: &str, cookie: &str) -> Result<String, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.mode.name);
        let mut stream = TcpStream::connect(&self.address).map_err(failed)?;
        stream.set_read_timeout(Some(ANSWER_MAX)).map_err(failed)?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        Ok(answer)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        // It would end by itself when its standard input closes; this waits for it.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Reads `STATEMENTS LOOKUPS`; none where nobody counts, or nothing was.
fn statements(answer: &str) -> Option<u64> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let counted = body.split_whitespace().next()?.parse().ok()?;
    (head.starts_with("HTTP/1.1 200 ") && counted > 0).then_some(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_read_where_they_are_counted() {
        assert_eq!(statements("HTTP/1.1 200 OK\r\na: b\r\n\r\n12 345"), Some(12));
        assert_eq!(statements("HTTP/1.1 200 OK\r\n\r\n0 0"), None);
        assert_eq!(statements("HTTP/1.1 404 Not Found\r\n\r\n12 345"), None);
    }

    #[test]
    fn what_was_used_is_the_difference() {
        let meter = |server, database, statements| Meter {
            server: Duration::from_millis(server),
            database: Duration::from_millis(database),
            load: Duration::from_millis(2 * server),
            statements,
        };
        assert_eq!(meter(90, 50, Some(7)).since(&meter(40, 20, Some(3))), meter(50, 30, Some(4)));
        assert_eq!(meter(90, 50, None).since(&meter(40, 20, None)), meter(50, 30, None));
    }
}
