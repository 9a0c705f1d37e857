//! Another process on the same file: the `sqlite3` shell, for one statement or for many.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::world::{World, digest};

const NEEDED: &str = "the sqlite3 shell is needed: `cargo xtask test` installs it";

fn command(path: &Path) -> Command {
    let mut command = Command::new("sqlite3");
    command.arg("-bail").args(["-cmd", ".timeout 5000"]).arg(path);
    command
}

/// What the shell prints for some statements.
pub(crate) fn sqlite(path: &Path, statements: &str) -> String {
    let output = command(path).arg(statements).output().expect(NEEDED);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A shell that stays open, until it is dropped.
pub(crate) struct Shell {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Shell {
    pub(crate) fn open(path: &Path) -> Self {
        let mut child = command(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(NEEDED);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Does it, and returns its one line of output once it is done.
    pub(crate) fn line(&mut self, statement: &str) -> String {
        let mut input = self.child.stdin.as_ref().unwrap();
        writeln!(input, "{statement}").unwrap();
        self.lines.next().expect("the shell goes on").unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

impl World {
    /// What the shell prints for some statements on this database.
    pub(crate) fn sqlite(&self, statements: &str) -> String {
        sqlite(&self.path(), statements)
    }

    /// When the session of `number` was last used, and whether the database had to be asked for it.
    pub(crate) async fn look_up(&self, number: u8) -> (Option<i64>, bool) {
        let before = self.database.lookup_counts();
        let found = self.sessions.find(digest(number)).await.unwrap();
        let after = self.database.lookup_counts();
        assert_eq!(after.lookups, before.lookups + 1);
        (found.map(|session| session.last_seen_at.as_millis()), after.statements > before.statements)
    }

    /// Looks a session up until it is answered out of memory, which the second time is.
    pub(crate) async fn remember(&self, number: u8) -> i64 {
        let (first, _) = self.look_up(number).await;
        assert_eq!(self.look_up(number).await, (first, false), "it is remembered");
        first.unwrap()
    }
}
