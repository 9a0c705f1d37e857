//! A database that cannot be used: one line that says what to do and exit 1 at start, 503 while running, nothing half-written.

use std::fs;
use std::process::Command;

use crate::process::Place;

/// What a start that must fail says.
fn refused(place: &Place, args: &[&str]) -> String {
    let output = place.run(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("cloakroom: ")).collect();
    assert_eq!(lines.len(), 1, "one line: {said}");
    assert!(!said.contains("panicked"), "{said}");
    lines[0].to_owned()
}

#[test]
fn a_missing_directory() {
    let said = refused(&Place::new(), &["serve", "--listen", "127.0.0.1:0", "--database", "sqlite:no/such/dir/app.db"]);
    assert!(said.contains("no/such/dir") && said.contains("create"), "{said}");
}

#[test]
fn not_a_database() {
    let place = Place::new();
    fs::write(place.file("cloakroom.db"), "Dear diary, today I was opened as a database. ".repeat(100)).unwrap();
    let said = refused(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("not a") && said.contains("database"), "{said}");
    assert!(fs::read_to_string(place.file("cloakroom.db")).unwrap().starts_with("Dear diary"), "left alone");
}

#[test]
fn a_newer_version() {
    let place = Place::new().with_account("ada");
    let table = "cloakroom_migrations";
    place.sqlite(&format!(
        "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (9999, 'future', 1, x'00', 0)"
    ));
    let said = refused(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("newer version"), "{said}");
    assert_eq!(place.sqlite("SELECT count(*) FROM accounts"), "1");
}

#[test]
fn locked_by_another_program_at_start() {
    let place = Place::new();
    place.sqlite("CREATE TABLE notes (text)"); // not in WAL mode: the lock keeps readers out too
    let lock = Lock::take(&place, "EXCLUSIVE");
    let said = refused(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("another program holds"), "{said}");
    drop(lock);
    assert!(place.run(&["migrate"]).status.success());
}

#[test]
fn a_read_only_file() {
    let place = Place::new().with_account("ada");
    let file = place.file("cloakroom.db");
    let mut permissions = fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&file, permissions).unwrap();
    let said = refused(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.contains("read-only") && said.contains("allow this user to write"), "{said}");
}

#[test]
fn a_place_that_cannot_be_written() {
    let said = refused(&Place::new(), &["serve", "--listen", "127.0.0.1:0", "--database", "sqlite:/proc/cloakroom.db"]);
    assert!(said.contains("allow this user"), "{said}");
}

#[test]
fn locked_by_another_program_while_running() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let lock = Lock::take(&place, "IMMEDIATE");
    assert_eq!(client.status(), 200, "reads go on");
    let answer = client.post("/api/v1/logout");
    assert_eq!((answer.status, answer.code().as_str()), (503, "busy"));
    assert!(answer.header("retry-after").is_some() && answer.set_cookies().is_empty(), "the cookie is kept");
    drop(lock);
    assert_eq!(client.status(), 200, "nothing was lost");
    assert_eq!(client.post("/api/v1/logout").status, 204);
    assert_eq!(place.rows(), 0);
}

#[test]
fn a_schema_that_vanishes_while_running() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    place.sqlite("ALTER TABLE sessions RENAME TO elsewhere");
    for path in ["/api/v1/session", "/api/v1/sessions", "/readyz"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"), "{path}");
        assert!(answer.set_cookies().is_empty());
        assert!(!answer.body.contains("sessions") || path == "/api/v1/sessions", "internal text: {}", answer.body);
    }
    assert_eq!(client.get("/account").status, 503);
    // Whose form token it is cannot be said: that is no reason to refuse a logout.
    let answer = client.form("/logout", &[("form_token", "x")]);
    assert_eq!((answer.status, answer.set_cookies().len()), (503, 0));
    assert_eq!(client.get("/healthz").status, 200);
    place.sqlite("ALTER TABLE elsewhere RENAME TO sessions");
    assert_eq!((client.status(), client.get("/readyz").status), (200, 200), "and it recovers");
}

/// A write lock held by the sqlite3 shell until dropped.
struct Lock(std::process::Child);

impl Lock {
    fn take(place: &Place, kind: &str) -> Self {
        use std::io::{BufRead as _, BufReader, Write as _};
        // The server may be writing what happened a moment ago.
        let mut child = Command::new("sqlite3")
            .args(["-bail", "-cmd", ".timeout 60000"])
            .arg(place.file("cloakroom.db"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("the sqlite3 shell is needed: `cargo xtask test` installs it");
        child.stdin.as_mut().unwrap().write_all(format!("BEGIN {kind}; SELECT 'held';\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        Self(child)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
