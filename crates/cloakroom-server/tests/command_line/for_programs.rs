//! What programs rely on: JSON documents, exit codes, and dry runs that change nothing, the same in every language.

use serde_json::{Value, json};

use super::{OTHER_PASSWORD, PASSWORD, Place};

impl Place {
    fn json(&self, args: &[&str]) -> Value {
        let args = [&["--language", "ja"], args, &["--json"]].concat();
        let out = self.run_with_input(&args, OTHER_PASSWORD.as_bytes()).done();
        assert_eq!(out.lines().count(), 1, "one document: {out}");
        serde_json::from_str(&out).unwrap()
    }
}

#[test]
fn what_tells_facts_tells_them_as_json() {
    let place = Place::new();
    assert_eq!(place.json(&["migrate", "up"]), json!({ "applied": ["0001_sessions", "0001_accounts"] }));
    assert_eq!(place.json(&["migrate", "up"]), json!({ "applied": [] }));
    let status = place.json(&["migrate", "status"]);
    let first = &status["migrations"][0];
    assert_eq!((&first["name"], &first["applied"]), (&json!("0001_sessions"), &json!(true)));
    assert_eq!(status["unfinished_copy"], Value::Null);

    let added = place.json(&["account", "add", "ada", "--admin", "--password-stdin"]);
    assert_eq!((&added["login_name"], &added["role"]), (&json!("ada"), &json!("administrator")));
    assert_eq!(place.json(&["account", "list"]), json!([added]));
    let subject = &added["subject"];
    let ended = json!({ "login_name": "ada", "subject": subject, "ended": 0, "waited_ms": 0 });
    assert_eq!(place.json(&["account", "password", "ada", "--password-stdin"]), ended);
    assert_eq!(place.json(&["account", "disable", "ada", "--yes"]), ended);
    assert_eq!(place.json(&["account", "enable", "ada"]), json!({ "login_name": "ada", "subject": subject }));
    assert_eq!(place.json(&["account", "unlock", "ada"]), json!({ "login_name": "ada", "unlocked": false }));
    assert_eq!(place.json(&["account", "remove", "ada", "--yes"]), ended);

    let down = place.json(&["migrate", "down", "--dry-run"]);
    assert_eq!((&down["dry_run"], &down["tables"][0]), (&json!(true), &json!({ "table": "accounts", "rows": 0 })));
    assert_eq!(place.json(&["migrate", "down", "--yes"])["dry_run"], json!(false));
    assert_eq!(place.json(&["migrate", "down", "--yes"])["tables"], json!([]));
    assert_eq!(place.json(&["version"]), json!({ "name": "cloakroom", "version": env!("CARGO_PKG_VERSION") }));
}

#[test]
fn the_configuration_is_json_too() {
    let place = Place::new();
    std::fs::write(place.0.path().join("cloakroom.toml"), "[proxy]\ntrusted = [\"10.0.0.0/8\"]\n").unwrap();
    let all = place.json(&["config", "--database", "postgres://ada:secret@db.example/x"]);
    let of = |key: &str| all.as_array().unwrap().iter().find(|entry| entry["key"] == key).unwrap().clone();
    let entry = |key: &str, value: Value, source: &str| json!({ "key": key, "value": value, "source": source });
    assert_eq!(of("listen"), entry("listen", json!("127.0.0.1:8787"), "default"));
    assert_eq!(of("proxy.trusted"), entry("proxy.trusted", json!(["10.0.0.0/8"]), "cloakroom.toml:2"));
    assert_eq!(of("public_url"), entry("public_url", Value::Null, "default"));
    assert!(of("login.concurrency")["value"].is_u64());
    assert!(!all.to_string().contains("secret"), "{all}");
    let lines = place.run(&["config"]).done().lines().count();
    assert_eq!(all.as_array().unwrap().len(), lines, "every key");
}

#[test]
fn a_dry_run_says_how_many_and_changes_nothing() {
    let place = Place::new().with_account("ada");
    let ada = place.subject("ada");
    for _ in 0..2 {
        place.issue(&ada, super::session::HOUR);
    }
    place.issue("somebody else", super::session::HOUR);
    for (args, out) in [
        (["account", "disable", "ada", "--dry-run"], "would disable ada and end 2 sessions\n"),
        (["account", "remove", "ada", "--dry-run"], "would remove ada and end 2 sessions\n"),
    ] {
        assert_eq!(place.run(&args).done(), out);
        assert_eq!(place.run(&[&args[..], &["--yes"]].concat()).done(), out, "a dry run stays one");
        assert_eq!(place.json(&args), json!({ "login_name": "ada", "subject": ada, "dry_run": true, "would_end": 2 }));
    }
    let down = place.run(&["migrate", "down", "--dry-run", "--yes"]).done();
    assert!(
        down.contains("would drop sessions: 3 rows (everybody is signed out)\n") && !down.contains("done"),
        "{down}"
    );
    assert_eq!(place.sessions(&[]).len(), 3);
    assert!(place.accounts()[0]["disabled_at"].is_null());
}

#[test]
fn what_ends_or_deletes_needs_consent() {
    let place = Place::new().with_account("ada");
    place.issue(&place.subject("ada"), super::session::HOUR);
    for (args, asked) in [
        (&["account", "remove", "ada"][..], "Remove ada for good and end 1 session?"),
        (&["session", "end", "--everyone"], "End 1 session?"),
        (&["migrate", "down"], "Drop these tables and all rows in them?"),
    ] {
        // Standard input is no terminal: whatever stands there is not an answer.
        let line = place.run_with_input(args, b"y\nyes\n").refused();
        assert!(line.contains(asked) && line.contains("--yes"), "{line}");
    }
    assert_eq!(place.sessions(&[]).len(), 1);
    // What can be taken back is asked on a terminal only.
    assert_eq!(place.run(&["account", "disable", "ada"]).done(), "disabled ada; 1 session ended\n");
}

/// The table in `docs/command-line.md`; 130 is in `ctrl_c`.
#[test]
fn exit_codes() {
    let place = Place::new().with_account("ada");
    for (code, args) in [
        (0, &["account", "list"][..]),
        (0, &["--help"]),
        (0, &["account", "add", "--help"]),
        (0, &["help"]),
        (0, &["--version"]),
        (0, &["version"]),
        (0, &["config", "check"]),
        (1, &["account", "enable", "nobody"]),
        (1, &["account", "remove", "ada"]),
        (1, &["account", "list", "--database", "sqlite:no/such/directory.db"]),
        (1, &["config", "check", "--listen", "nowhere"]),
        (1, &["migration", "--dialect", "prisma", "--down"]),
        (2, &["account"]),
        (2, &["acount"]),
        (2, &["account", "add"]),
        (2, &["account", "add", "ada", PASSWORD]),
        (2, &["account", "list", "--no-such-flag"]),
        (2, &["migration"]),
        (2, &["completions", "no-such-shell"]),
    ] {
        for language in ["en", "ja"] {
            let ended = place.run(&[&["--language", language], args].concat());
            assert_eq!(ended.code, Some(code), "{args:?} {ended:?}");
        }
    }
    let page = include_str!("../../../../docs/command-line.md");
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 130 |"] {
        assert!(page.contains(code), "{code}");
    }
}
