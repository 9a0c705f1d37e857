//! Ctrl-C: a command ends by the signal, which shells report as 130, and nothing is half done.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use super::Place;
use super::session::HOUR;

const INTERRUPT: i32 = 2;

#[test]
fn what_was_said_to_be_done_stays_done() {
    let place = Place::new().with_account("ada");
    place.issue("2", HOUR);
    // Tests may run in the background of a shell, which has its children ignore Ctrl-C.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", env!("CARGO_BIN_EXE_cloakroom")]);
    // The longest wait there is until every instance refuses: interrupted in the middle of it.
    command.env("LC_ALL", "C").env("CLOAKROOM_SESSION__VALIDATION", "leased").env("CLOAKROOM_SESSION__LEASE", "30s");
    command.args(["session", "end", "--everyone", "--yes"]).current_dir(place.0.path());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ended 1 session of everyone\n");
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().signal(), Some(INTERRUPT));
    assert!(place.sessions(&[]).is_empty());
    assert_eq!(place.run(&["account", "list"]).done().lines().count(), 2, "the database is as usable as before");
}
