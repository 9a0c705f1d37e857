//! The load: wrk, each request with a cookie picked at random, and what it saw.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::processor::Processors;
use super::server::Server;
use crate::run::{command, output};

/// Prepares every request once, before the first is sent; says at the end what wrk's own report rounds or leaves out.
const SCRIPT: &str = r#"
local threads = 0
function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end
function init(arguments)
  math.randomseed(number * 7919 + tonumber(arguments[2]))
  requests = {}
  for cookie in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", "/", { ["Cookie"] = cookie })
  end
end
function request()
  return requests[math.random(#requests)]
end
function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format("measured %d %d %d %d %d\n",
    summary.requests, summary.duration, errors.status, broken, latency:percentile(99)))
end
"#;

/// Drives one server after the other.
#[derive(Debug)]
pub(super) struct Load {
    dir: TempDir,
    processors: Processors,
}

/// What a turn of wrk saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Driven {
    pub(super) requests: u64,
    pub(super) micros: u64,
    /// Answers with a status of 400 or above; the routes know no other but 200.
    refused: u64,
    /// Connections that broke, and answers that did not come.
    broken: u64,
    pub(super) p99_micros: u64,
}

impl Load {
    pub(super) fn new(processors: Processors) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
        std::fs::write(dir.path().join("load.lua"), SCRIPT).map_err(|error| format!("load.lua: {error}"))?;
        Ok(Self { dir, processors })
    }

    fn script(&self) -> PathBuf {
        self.dir.path().join("load.lua")
    }

    /// Drives the server for so long. An answer that is not 200 fails the whole run.
    pub(super) fn run(&self, server: &Server<'_>, connections: u32, how_long: Duration) -> Result<Driven, String> {
        let (connections, seconds) = (connections.to_string(), format!("{}s", how_long.as_secs()));
        // One thread drives more than any of the servers answers beside it.
        let mut words = self.processors.load();
        words.push("wrk");
        let mut wrk = command(words[0], words[1..].iter().copied());
        wrk.args(["--threads", "1", "--connections", &connections, "--duration", &seconds]);
        wrk.args(["--timeout", "5s", "--script"]).arg(self.script()).arg(format!("http://{}/", server.address));
        wrk.arg("--").arg(&server.cookies).arg(connections);
        let said = output(&mut wrk)?;
        let driven = said.lines().find_map(read).ok_or_else(|| format!("wrk said nothing to count:\n{said}"))?;
        if u128::from(driven.micros) > 2 * how_long.as_micros() {
            return Err(format!("{}: the machine stood still for a while: nothing was measured", server.mode.name));
        }
        if driven.requests == 0 || driven.refused > 0 || driven.broken > 0 {
            return Err(format!(
                "{}: of {} answers {} were not 200, and {} connections broke: nothing was measured",
                server.mode.name, driven.requests, driven.refused, driven.broken
            ));
        }
        Ok(driven)
    }
}

fn read(line: &str) -> Option<Driven> {
    let numbers: Vec<u64> =
        line.strip_prefix("measured ")?.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [requests, micros, refused, broken, p99_micros] = numbers[..] else { return None };
    Some(Driven { requests, micros, refused, broken, p99_micros })
}

#[cfg(test)]
impl Driven {
    pub(super) const fn of(requests: u64, micros: u64) -> Self {
        Self { requests, micros, refused: 0, broken: 0, p99_micros: 1_500 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_read_and_no_other() {
        let driven = Driven { requests: 1000, micros: 3_000_000, refused: 2, broken: 1, p99_micros: 900 };
        assert_eq!(read("measured 1000 3000000 2 1 900"), Some(driven));
        assert_eq!(read("Requests/sec:  1000"), None);
        assert_eq!(read("measured 1000 3000000 2 1"), None);
    }
}
