//! `cloakroom migrate copy` as an operator meets it: from SQLite to PostgreSQL and back with people logged in, killed on
//! the way, and refused where it could do harm.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use testbed::postgres::{Cluster, Schema};

use crate::process::{PASSWORD, Place};

fn schema() -> Schema<'static> {
    Cluster::shared().fresh_schema().unwrap()
}

/// A place whose commands use `url`.
fn place(url: &str) -> Place {
    Place::new().with("DATABASE__URL", url)
}

/// 21,000 sessions: enough to be in the middle of.
fn crowd(place: &Place) {
    place.sqlite(
        "INSERT INTO session_subjects (subject) VALUES ('crowd');
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 21000)
         INSERT INTO sessions SELECT randomblob(32), printf('0199b7c2-0000-7000-8000-%012x', i), 'crowd', 1790000000000,
         1790000000000, 1790000000000, NULL, 4102444800000 + i, 'password', NULL, NULL FROM n",
    );
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn migrate_copy(place: &Place, from: &str, to: &str, rest: &[&str]) -> Output {
    place.run(&[&["migrate", "copy", "--from", from, "--to", to], rest].concat())
}

#[track_caller]
fn done(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Exit 1, nothing on stdout, and the one line that says why.
#[track_caller]
fn refused(output: Output) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(!said.contains(Cluster::shared().password()), "{said}");
    let mut lines = said.lines().filter(|line| line.starts_with("cloakroom: "));
    let line = lines.next().unwrap().to_owned();
    assert_eq!(lines.next(), None, "{said}");
    line
}

#[test]
fn who_is_logged_in_stays_logged_in_and_who_logged_out_stays_out() {
    let home = Place::new().with_account("ada");
    done(home.run(&["service-token", "add", "billing"]));
    let tokens = done(home.run(&["service-token", "list", "--json"]));
    let file = format!("sqlite:{}", home.file("cloakroom.db").display());
    let (first, second, back) = (schema(), schema(), home.file("back.db"));
    let server = home.serve();
    let (client, leaver) = (server.logged_in("ada"), server.logged_in("ada"));
    assert_eq!(leaver.clone().post("/api/v1/logout").status, 204);
    let session = client.clone().get("/api/v1/session").body;
    server.stop();

    let back = format!("sqlite:{}", back.display());
    let ways = [(file, first.url()), (first.url(), second.url()), (second.url(), back)];
    for (logins, (from, to)) in ways.into_iter().enumerate() {
        let said = done(migrate_copy(&home, &from, &to, &["--yes"]));
        let count = if logins == 0 { "1 row".to_owned() } else { format!("{} rows", logins + 1) };
        assert!(said.contains(&format!("sessions: {count} verified\n")), "{said}");
        assert!(said.contains("accounts: 1 row verified\n"), "{said}");
        assert!(!said.contains(Cluster::shared().password()), "{said}");
        assert!(said.contains("service_tokens: 1 row verified\n"), "{said}");
        assert_eq!(done(place(&to).run(&["service-token", "list", "--json"])), tokens);
        let server = place(&to).serve();
        let there = |token: &Option<String>| {
            let mut there = server.client();
            there.token.clone_from(token);
            there.get("/api/v1/session")
        };
        let (answer, of) = (there(&client.token), |body: &str, key: &str| {
            serde_json::from_str::<Value>(body).unwrap()["session"][key].clone()
        });
        assert_eq!(answer.status, 200, "{}", answer.body);
        for key in ["id", "subject", "created_at", "authenticated_at", "absolute_expires_at", "auth_method"] {
            assert_eq!(of(&answer.body, key), of(&session, key), "{key}");
        }
        let answer = there(&leaver.token);
        assert_eq!((answer.status, answer.code().as_str()), (401, "session_revoked"));
        assert_eq!(server.client().log_in("ada", PASSWORD).status, 200, "the account came along");
        server.stop();
        assert!(refused(migrate_copy(&home, &from, &to, &[])).contains("already holds"));
    }
}

/// Killed at its first, its fifth, … line of progress; an instance refuses what it left; run again it is finished.
#[test]
fn killed_anywhere_it_is_finished_by_the_next_run() {
    let home = Place::new().with_account("ada");
    let from = format!("sqlite:{}", home.file("cloakroom.db").display());
    crowd(&home);
    let mut rows = 21_000;
    for lines in [1, 5, 9, 14, 20] {
        let to = schema();
        let mut command = home.command(&["migrate", "copy", "--from", &from, "--to", &to.url()]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let last = said.by_ref().take(lines).last().unwrap().unwrap();
        child.kill().unwrap(); // SIGKILL
        assert!(!child.wait().unwrap().success(), "it was too quick to be killed after {last}");

        let instance = place(&to.url());
        for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["account", "list"], &["session", "list"]] {
            let line = refused(instance.run(args));
            assert!(line.contains("a copy into it is not finished; run cloakroom migrate copy again"), "{line}");
        }
        let unfinished = format!("a copy of {from} into this database is not finished");
        assert!(done(instance.run(&["migrate", "status"])).contains(&unfinished));
        let status: Value = serde_json::from_str(&done(instance.run(&["migrate", "status", "--json"]))).unwrap();
        assert_eq!(status["unfinished_copy"]["source"], from.as_str(), "{status}");
        // Somebody's session ends before the copy goes on.
        home.sqlite("DELETE FROM sessions WHERE token_digest = (SELECT min(token_digest) FROM sessions)");
        rows -= 1;
        let result = done(migrate_copy(&home, &from, &to.url(), &["--json"]));
        let result: Value = serde_json::from_str(&result).unwrap();
        assert_eq!((&result["resumed"], &result["source"]), (&true.into(), &from.as_str().into()), "{result}");
        let sessions = result["tables"].as_array().unwrap().iter().find(|table| table["table"] == "sessions").unwrap();
        assert_eq!(sessions["rows"], rows, "{result}");
        assert_eq!(to.psql("SELECT count(*) FROM sessions").unwrap(), rows.to_string());
        let ended = "SELECT count(*) FROM session_feed WHERE reason = 'by_hand'";
        assert_eq!(to.psql(ended).unwrap(), (21_000 - rows).to_string());
        assert_eq!(to.psql("SELECT to_regclass('cloakroom_copy')").unwrap(), "");
        assert_eq!(instance.serve().client().get("/readyz").status, 200);
    }
}

#[test]
fn an_unfinished_copy_can_be_dropped() {
    let home = Place::new().with_account("ada");
    let from = format!("sqlite:{}", home.file("cloakroom.db").display());
    home.sqlite("UPDATE accounts SET role = 'person', login_name = 'ADA'"); // which nobody can type
    let to = format!("sqlite:{}", home.file("new.db").display());
    let line = refused(migrate_copy(&home, &from, &to, &[]));
    assert!(line.contains("accounts.login_name") && line.contains("correct it there"), "{line}");
    let instance = place(&to);
    assert!(refused(instance.run(&["migrate", "up"])).contains("is not finished"));
    let japanese = done(instance.run(&["migrate", "status", "--language", "ja"]));
    let unfinished = format!("{from} からこのデータベースへのコピーが終わっていないため、まだ使えません。");
    assert!(japanese.contains(&unfinished) && japanese.contains("migrate down --yes"), "{japanese}");
    let said = done(instance.run(&["migrate", "down", "--yes"]));
    assert!(said.ends_with("done\n"), "{said}");
    let status = done(instance.run(&["migrate", "status"]));
    assert_eq!(status, "0001_sessions  missing\n0001_accounts  missing\n");
    assert_eq!(done(instance.run(&["account", "list", "--json"])), "[]\n");
    let status: Value = serde_json::from_str(&done(instance.run(&["migrate", "status", "--json"]))).unwrap();
    assert_eq!((&status["unfinished_copy"], &status["migrations"][0]["applied"]), (&Value::Null, &true.into()));
}

#[test]
fn what_cannot_be_copied_is_one_line_that_says_what_to_do() {
    let home = Place::new().with_account("ada");
    let from = format!("sqlite:{}", home.file("cloakroom.db").display());
    let cluster = Cluster::shared();
    let wrong = cluster.url("postgres").replace(cluster.password(), "hunter2");
    let missing = format!("sqlite:{}", home.file("missing.db").display());
    let fresh = schema();
    for (from, to, found) in [
        (&*from, &*from, "to itself; name another database"),
        (&from, &from.replace("/cloakroom.db", "/./cloakroom.db"), "to itself"),
        (&missing, &fresh.url(), "--from: cannot open"),
        (&fresh.url(), &missing, "lacks the migration 0001_sessions"),
        (&from, &wrong, "--to: cannot open"),
        (&from, "mysql://ada:hunter2@localhost/x", "--to: cannot open"),
    ] {
        let line = refused(migrate_copy(&home, from, to, &[]));
        assert!(line.contains(found) && !line.contains("hunter2"), "{line}");
    }
    assert!(!home.file("missing.db-wal").exists());
    for args in [&["migrate", "copy"][..], &["migrate", "copy", "--from", &from]] {
        assert_eq!(home.run(args).status.code(), Some(2));
    }
}

/// A copy that stands still for as long as anybody likes: who is logged in at the source is recognised there, and nobody
/// logs out behind its back.
#[test]
fn the_source_is_read_but_not_written_meanwhile() {
    let home = Place::new().with_account("ada");
    let from = format!("sqlite:{}", home.file("cloakroom.db").display());
    let server = home.serve();
    let mut client = server.logged_in("ada");
    crowd(&home);
    let to = schema();
    let mut command = home.command(&["migrate", "copy", "--from", &from, "--to", &to.url()]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.next().unwrap().unwrap().starts_with("copying"));
    signal(&child, "-STOP");
    assert_eq!(client.status(), 200);
    let answer = client.post("/api/v1/logout");
    assert_eq!((answer.status, client.status()), (503, 200));
    signal(&child, "-CONT");
    let last = said.map(Result::unwrap).last();
    assert!(child.wait().unwrap().success(), "{last:?}");
    assert_eq!(client.post("/api/v1/logout").status, 204);
}
