//! A running server with a directory of its own, and the command line beside it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;
use testbed::guard::Guard;

use crate::client::Client;
use crate::leaks;

pub(crate) const PASSWORD: &str = "violet tractor hums at noon";
pub(crate) const OTHER_PASSWORD: &str = "seven quiet lanterns drift east";

const BINARY: &str = env!("CARGO_BIN_EXE_cloakroom");

/// A directory with a database, in which commands and servers run.
pub(crate) struct Place {
    dir: TempDir,
    settings: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), settings: Vec::new() }
    }

    /// With a configuration key, such as `SESSION__IDLE_TIMEOUT`.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.push((format!("CLOAKROOM_{key}"), value.to_owned()));
        self
    }

    /// With something else in its environment.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With an account whose password is [`PASSWORD`].
    pub(crate) fn with_account(self, name: &str) -> Self {
        let output = self.run_with_input(&["account", "add", name, "--password-stdin"], PASSWORD);
        assert!(output.status.success(), "{output:?}");
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.of(BINARY, args)
    }

    /// Any program, as our commands are started.
    pub(crate) fn around(&self, words: &[&str]) -> Command {
        self.of(words[0], &words[1..])
    }

    fn of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.dir.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CLOAKROOM_")) {
            command.env_remove(name);
        }
        command.env("LC_ALL", "C").env_remove("COLUMNS");
        command.envs(self.settings.iter().cloned());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.run_with_input(args, "")
    }

    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that does not read its input closes the pipe.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// One statement through the sqlite3 shell, as an operator would type it.
    pub(crate) fn sqlite(&self, statement: &str) -> String {
        let output = Command::new("sqlite3")
            .arg("-bail")
            .args(["-cmd", ".timeout 5000"])
            .arg(self.file("cloakroom.db"))
            .arg(statement)
            .output()
            .expect("the sqlite3 shell is needed: `cargo xtask test` installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn rows(&self) -> u32 {
        self.sqlite("SELECT count(*) FROM sessions").parse().unwrap()
    }

    pub(crate) fn serve(&self) -> Server {
        self.serve_within(&[])
    }

    /// The same, started by these words: a program that becomes what is named after them.
    pub(crate) fn serve_within(&self, words: &[&str]) -> Server {
        let log = self.file("log.txt");
        let errors = File::options().create(true).append(true).open(&log).unwrap();
        let serve = [BINARY, "serve", "--listen", "127.0.0.1:0"];
        let words: Vec<_> = words.iter().copied().chain(serve).collect();
        let mut command = self.around(&words);
        // As a test wants it that says nothing: all of the log, and an end at once.
        for (key, value) in
            [("CLOAKROOM_LOG__FILTER", "debug"), ("CLOAKROOM_LOG__FORMAT", "text"), ("CLOAKROOM_STOP__DELAY", "0s")]
        {
            if !self.settings.iter().any(|(set, _)| set == key) {
                command.env(key, value);
            }
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let guard = Guard::over(&child).unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("http://") {
            let mut line = String::new();
            let read = stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "no server: {}", std::fs::read_to_string(&log).unwrap());
            greeting += &line;
        }
        let address = greeting.split("http://").nth(1).unwrap().trim().trim_end_matches('/').to_owned();
        Server { child, stdout, address, log, _guard: guard }
    }
}

impl Drop for Place {
    /// What must be nowhere is in none of its files.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            leaks::look_through_files(self.dir.path());
        }
    }
}

/// A server, killed when dropped, and when this process is.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: String,
    log: PathBuf,
    _guard: Guard,
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address())
    }

    /// Where it listens, as `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A client that is logged in under [`PASSWORD`].
    pub(crate) fn logged_in(&self, name: &str) -> Client {
        let mut client = self.client();
        let answer = client.log_in(name, PASSWORD);
        assert_eq!(answer.status, 200, "{}", answer.body);
        client
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Stops it as a supervisor would and waits for its end.
    pub(crate) fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.child.wait().unwrap().success());
    }

    /// Waits for the end of a server that was told to stop.
    pub(crate) fn stop_waiting(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
