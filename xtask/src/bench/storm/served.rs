//! The server that is measured: the product's own program with a database and accounts of its own, gone when dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testbed::guard::Guarded;

use super::super::processor::Processors;
use crate::run::{command, root};

/// Who logs in.
pub(super) const NAMES: [&str; 8] = ["ada", "bea", "cem", "dai", "eva", "fay", "gil", "hiro"];
/// Everybody's password.
pub(super) const PASSWORD: &str = "violet tractor hums at noon";
/// What is configured differently from the defaults.
const SETTINGS: &[(&str, &str)] = &[
    // A session that ends because its owner has too many would be taken for one that never was.
    ("CLOAKROOM_SESSION__MAX_PER_SUBJECT", "10000"),
    // All of them come from one address, and are not what throttling is for.
    ("CLOAKROOM_LOGIN__NETWORK_FAILURES", "1000000"),
    ("CLOAKROOM_LOG__FILTER", "error"),
];

/// A running server.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) address: String,
    pid: u32,
    _process: Guarded,
    /// Holds the database.
    _dir: TempDir,
}

impl Served {
    /// Makes the accounts and starts the server, on its processors from the beginning: it hashes on as many as it finds.
    pub(super) fn start(processors: &Processors) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the server: {error}");
        let dir = tempfile::tempdir().map_err(failed)?;
        for name in NAMES {
            let mut add = program(&[], &dir, &["account", "add", name, "--password-stdin"]);
            let mut add = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().map_err(failed)?;
            if let Some(mut input) = add.stdin.take() {
                input.write_all(PASSWORD.as_bytes()).map_err(failed)?;
            }
            if !add.wait().map_err(failed)?.success() {
                return Err(format!("no account {name}: nothing was measured"));
            }
        }
        let mut serve = program(&processors.measured(), &dir, &["serve", "--listen", "127.0.0.1:0"]);
        let mut process = Guarded::start(serve.stdout(Stdio::piped())).map_err(failed)?;
        let (pid, output) = (process.child().id(), process.child().stdout.take());
        let mut server = Self { address: String::new(), pid, _process: process, _dir: dir };
        for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()) {
            if let Some((_, address)) = line.map_err(failed)?.split_once("http://") {
                address.trim().clone_into(&mut server.address);
                return Ok(server);
            }
        }
        Err("the server did not start".to_owned())
    }

    /// Its process.
    pub(super) const fn pid(&self) -> u32 {
        self.pid
    }

    /// What it occupies.
    pub(super) fn memory_kib(&self) -> Result<u64, String> {
        let path = format!("/proc/{}/status", self.pid);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        resident_kib(&text).ok_or_else(|| format!("{path} has another form than expected"))
    }
}

/// The program with these arguments, begun by `before`, in the directory and with nothing configured but [`SETTINGS`].
fn program(before: &[&str], dir: &TempDir, arguments: &[&str]) -> Command {
    let program = root().join("target/release/cloakroom").to_string_lossy().into_owned();
    let words: Vec<&str> = before.iter().copied().chain([program.as_str()]).chain(arguments.iter().copied()).collect();
    let mut command = command(words[0], words[1..].iter().copied());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
        command.env_remove(name);
    }
    command.envs(SETTINGS.iter().copied()).current_dir(dir.path());
    command
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_resident_is_read() {
        assert_eq!(resident_kib("Name:\tcloakroom\nVmHWM:\t  9 kB\nVmRSS:\t  1234 kB\n"), Some(1234));
        assert_eq!(resident_kib("Name:\tcloakroom\n"), None);
    }
}
