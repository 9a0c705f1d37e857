//! `cloakroom doctor` on real deployments: all is well on each, and each that is broken on purpose makes the one check fail
//! that is about it. Whatever happens, the account that was made is gone.

mod meddler;

use std::process::{Output, Stdio};

use serde_json::Value;
use testbed::postgres::{Cluster, Schema};

use crate::process::{PASSWORD, Place, Server};
use meddler::{Certificate, Meddler, Meddling};

/// Every check, in the order of the report.
const ALL: [&str; 15] = [
    "migration",
    "rights",
    "ready",
    "clock",
    "tls",
    "login",
    "cookie",
    "headers",
    "instances",
    "no-token",
    "logout",
    "refusal",
    "everywhere",
    "backup",
    "cleanup",
];

/// A report as JSON, and the exit code that belongs to it.
struct Report(Value);

impl Report {
    #[track_caller]
    fn of(output: Output) -> Self {
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(
            !out.contains("ck1_") && !out.contains(PASSWORD) && !out.contains(Cluster::shared().password()),
            "{out}"
        );
        let report = Self(serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}")));
        let ids: Vec<_> =
            report.0["checks"].as_array().unwrap().iter().map(|check| check["id"].as_str().unwrap()).collect();
        assert_eq!(ids, ALL);
        let failed = report.with("fail");
        assert_eq!(output.status.code(), Some(i32::from(!failed.is_empty())), "{err}");
        let said = format!("{} of 15 checks failed: {}; the report says what to do", failed.len(), failed.join(", "));
        assert!(failed.is_empty() && err.is_empty() || err.contains(&said), "{err}");
        report
    }

    fn with(&self, status: &str) -> Vec<&str> {
        let checks = self.0["checks"].as_array().unwrap().iter().filter(|check| check["status"] == status);
        checks.map(|check| check["id"].as_str().unwrap()).collect()
    }

    fn evidence(&self, id: &str) -> String {
        let check = self.0["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap();
        format!("{} {}", check["evidence"], check["advice"])
    }

    /// That exactly these failed, and that each says what to do.
    #[track_caller]
    fn fails(&self, ids: &[&str]) {
        assert_eq!(self.with("fail"), ids, "{:#}", self.0);
        for id in ids {
            assert!(!self.evidence(id).ends_with("null"), "{id} says nothing to do");
        }
    }
}

#[track_caller]
fn examine(place: &Place, args: &[&str]) -> Report {
    let report = Report::of(place.run(&[&["doctor", "--json"], args].concat()));
    let accounts = String::from_utf8(place.run(&["account", "list"]).stdout).unwrap();
    assert!(!accounts.contains("cloakroom-doctor-"), "{accounts}");
    report
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address())
}

fn schema() -> Schema<'static> {
    Cluster::shared().fresh_schema().unwrap()
}

/// A migrated PostgreSQL database, and a place for instances on it.
fn on_postgres(schema: &Schema<'_>) -> Place {
    let place = Place::new().with("DATABASE__URL", &schema.url());
    assert!(place.run(&["migrate", "up"]).status.success());
    place
}

#[test]
fn a_server_on_a_file_is_well() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    assert!(place.run(&["backup", "backup.db"]).status.success());
    let report = examine(&place, &[&url(&server), "--backup", "backup.db"]);
    report.fails(&[]);
    assert_eq!(report.with("skipped"), ["tls", "instances", "everywhere"], "{:#}", report.0);
    assert!(report.evidence("backup").contains("backup.db is whole (accounts: 1, sessions: 0)"));
    assert_eq!(place.rows(), 0, "no session is left");
    let events = place.sqlite("SELECT group_concat(kind) FROM security_events");
    assert!(events.contains("user_created") && events.contains("user_deleted"), "{events}");

    // With somebody's account: it stays, and nobody else's session ends.
    let mut client = server.logged_in("ada");
    let output =
        place.run_with_input(&["doctor", &url(&server), "--json", "--login-name", "ada", "--password-stdin"], PASSWORD);
    let report = Report::of(output);
    assert_eq!(report.with("skipped"), ["tls", "instances", "everywhere", "backup", "cleanup"], "{:#}", report.0);
    report.fails(&[]);
    assert_eq!((client.status(), place.rows()), (200, 1));
    // Whose password is wrong learns nothing and leaves nothing.
    let args = ["doctor", &url(&server), "--json", "--login-name", "ada", "--password-stdin"];
    Report::of(place.run_with_input(&args, "no such password")).fails(&["login"]);
}

#[test]
fn instances_on_one_postgresql_are_well_whether_they_ask_or_remember() {
    for validation in ["strict", "leased"] {
        let schema = schema();
        let place = on_postgres(&schema).with("SESSION__VALIDATION", validation);
        let (one, two, three) = (place.serve(), place.serve(), place.serve());
        let report = examine(&place, &[&url(&one), "--instance", &url(&two), "--instance", &url(&three)]);
        report.fails(&[]);
        assert_eq!(report.with("skipped"), ["tls", "backup"], "{:#}", report.0);
        assert!(report.evidence("everywhere").contains("2 instances refused it at the latest when asked "));
        assert!(report.evidence("rights").contains("superuser"), "{}", report.evidence("rights"));
        println!("{validation}: {}", report.evidence("everywhere"));
    }
}

#[test]
fn what_a_proxy_does_to_answers_is_found() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    for (meddling, fails, says) in [
        (Meddling::Removing("; HttpOnly"), "cookie", "cloakroom lacks HttpOnly"),
        (Meddling::Removing("; SameSite=Lax"), "cookie", "cloakroom lacks SameSite=Lax"),
        (Meddling::Setting("cache-control", "max-age=60"), "headers", "/account lacks cache-control: no-store"),
        (Meddling::Setting("content-security-policy", "none"), "headers", "lacks content-security-policy"),
        (Meddling::Setting("date", "Sun, 06 Nov 1994 08:49:37 GMT"), "clock", "this machine is at least "),
        (Meddling::Keeping, "refusal", "still served it when asked "),
    ] {
        let meddler = Meddler::before(server.address(), meddling);
        let report = examine(&place, &[&meddler.url()]);
        report.fails(&[fails]);
        assert!(report.evidence(fails).contains(says), "{}", report.evidence(fails));
    }
    // The same in front of an instance is a failure of that instance.
    let meddler = Meddler::before(server.address(), Meddling::Keeping);
    let report = examine(&place, &[&url(&server), "--instance", &meddler.url()]);
    report.fails(&["everywhere"]);
    assert!(report.evidence("everywhere").contains(&meddler.url()));
}

#[test]
fn a_token_that_somebody_stores_is_found_in_its_column() {
    let place = Place::new();
    let server = place.serve();
    let file = place.file("cloakroom.db");
    for spelling in ["'{}'", "'reversed {}'"] {
        let file = file.clone();
        let store = move |token: &str| {
            let value = spelling.replace("{}", token);
            let statement = format!("UPDATE sessions SET user_agent = {value}");
            let mut shell = std::process::Command::new("sqlite3");
            assert!(shell.args(["-cmd", ".timeout 5000"]).arg(&file).arg(statement).status().unwrap().success());
        };
        let meddler = Meddler::before(server.address(), Meddling::Telling(Box::new(store)));
        let report = examine(&place, &[&meddler.url()]);
        report.fails(&["no-token"]);
        assert!(
            report.evidence("no-token").contains("found in sessions.user_agent"),
            "{}",
            report.evidence("no-token")
        );
    }
}

#[test]
fn what_is_wrong_with_the_database_is_found() {
    let (schema, other) = (schema(), schema());
    let place = on_postgres(&schema);
    let elsewhere = on_postgres(&other);
    let (here, there) = (place.serve(), elsewhere.serve());

    let report = examine(&place, &[&url(&here), "--instance", &url(&there)]);
    report.fails(&["instances"]);
    assert!(report.evidence("instances").contains(&format!("{} answers 401", url(&there))));
    assert!(report.with("skipped").contains(&"everywhere"));
    // The configuration here is another deployment's.
    let report = examine(&place, &[&url(&there)]);
    report.fails(&["login"]);
    for id in ["cookie", "headers", "instances", "no-token", "logout", "refusal", "everywhere"] {
        assert!(report.with("skipped").contains(&id), "{id}");
    }

    let (cluster, role) = (Cluster::shared(), format!("limited_{}", schema.name()));
    schema
        .psql(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{}'; GRANT USAGE ON SCHEMA {} TO {role};
             GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {} TO {role}",
            cluster.password(),
            schema.name(),
            schema.name()
        ))
        .unwrap();
    let limited = Place::new().with(
        "DATABASE__URL",
        &schema.url().replace("postgres:", &format!("{role}:")).replace(&format!("{role}://"), "postgres://"),
    );
    let report = Report::of(limited.run(&["doctor", "--json", &url(&here)]));
    report.fails(&["rights"]);
    assert!(
        report.evidence("rights").contains("lacks DELETE on sessions, DELETE on "),
        "{}",
        report.evidence("rights")
    );
    assert_eq!(schema.psql("SELECT count(*) FROM accounts").unwrap(), "0", "what cannot be removed is not made");

    schema.psql("DELETE FROM cloakroom_account_migrations").unwrap();
    let report = Report::of(place.run(&["doctor", "--json", &url(&here)]));
    report.fails(&["migration"]);
    assert!(report.evidence("migration").contains("missing: 0001_accounts"));
    assert_eq!(schema.psql("SELECT count(*) FROM accounts").unwrap(), "0");
}

#[test]
fn behind_tls_the_certificate_the_cookie_and_the_browsers_instructions_are_looked_at() {
    let certificate = Certificate::new();
    let trusting = |place: Place| place.with_variable("SSL_CERT_FILE", certificate.path().to_str().unwrap());
    let place = trusting(Place::new().with("PUBLIC_URL", "https://localhost"));
    let server = place.serve();
    let front = Meddler::behind_tls(server.address(), &certificate);
    let report = examine(&place, &[&front.url()]);
    report.fails(&[]);
    assert!(report.evidence("tls").contains("for 730 days"), "{}", report.evidence("tls"));
    assert!(report.evidence("cookie").contains("__Host-cloakroom: path=/; httponly; samesite=lax; secure"));
    // A certificate that nobody here trusts.
    let distrusting = Place::new().with_variable("SSL_CERT_FILE", "/dev/null");
    assert!(distrusting.run(&["migrate", "up"]).status.success());
    let report = examine(&distrusting, &[&front.url()]);
    report.fails(&["ready", "tls", "login"]);
    // A server that nobody told of the proxy.
    let unaware = trusting(Place::new());
    let server = unaware.serve();
    let front = Meddler::behind_tls(server.address(), &certificate);
    let report = examine(&unaware, &[&front.url()]);
    report.fails(&["tls", "cookie"]);
    assert!(report.evidence("cookie").contains("cloakroom lacks Secure, __Host-"), "{}", report.evidence("cookie"));
}

#[test]
fn a_backup_that_is_broken_or_holds_a_token_is_found() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    assert!(place.run(&["backup", "backup.db"]).status.success());
    let whole = std::fs::read(place.file("backup.db")).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let token = format!("ck1_{}", "A".repeat(43));
    for (name, bytes, says) in [
        ("short.db", whole[..whole.len() / 2].to_vec(), "it is damaged"),
        ("text.sql", format!("-- PostgreSQL database dump\n{token}\n").into_bytes(), "holds tokens in plain text: 1"),
        ("with_token.db", [whole.clone(), token.into_bytes()].concat(), "holds tokens in plain text: 1"),
        ("nothing", Vec::new(), "neither a SQLite database nor a dump"),
    ] {
        let path = elsewhere.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let report = examine(&place, &[&url(&server), "--backup", path.to_str().unwrap()]);
        report.fails(&["backup"]);
        assert!(report.evidence("backup").contains(says), "{}", report.evidence("backup"));
    }
    examine(&place, &[&url(&server), "--backup", "missing.db"]).fails(&["backup"]);
}

#[test]
fn nothing_is_left_behind_by_an_examination_that_is_interrupted() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    for signal in ["-INT", "-TERM"] {
        let (meddler, hangs) = Meddler::hanging(server.address());
        let mut command = place.command(&["doctor", "--json", &meddler.url()]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        hangs.recv().unwrap();
        assert_eq!(place.sqlite("SELECT count(*) FROM accounts"), "2");
        assert!(std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let report = Report::of(child.wait_with_output().unwrap());
        assert!(report.evidence("refusal").contains("interrupted"), "{:#}", report.0);
        assert_eq!((place.sqlite("SELECT count(*) FROM accounts").as_str(), place.rows()), ("1", 0));
    }
    // Nor by one that finds nobody at home.
    let nobody = "http://127.0.0.1:9";
    let report = examine(&place, &[nobody]);
    report.fails(&["ready", "login"]);
}

#[test]
fn the_report_is_for_people_too_in_both_languages() {
    let place = Place::new();
    let server = place.serve();
    let run = |args: &[&str]| {
        let output = place.run(&[&["doctor", &url(&server)], args].concat());
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&[]);
    assert!(text.contains("\npass  login: logging in makes the row\n"), "{text}");
    assert!(text.ends_with("Everything that was looked at is as it should be: 11 passed, 4 skipped.\n"), "{text}");
    assert!(run(&["--language", "ja"]).contains("\n合格  login: ログインすると行が作られる\n"));
    let markdown = run(&["--markdown"]);
    for part in [
        "# Summary\n",
        "## まとめ\n",
        "## Verification evidence / 検証の結果\n",
        "| `refusal` | pass | after the logout ",
        "## Risk / リスク\n",
        "## Rollback / ロールバック\n",
        "確認した項目はすべて問題ありませんでした",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    assert!(!markdown.contains("ck1_") && !markdown.replace("cloakroom-doctor-", "").contains("doctor-"), "{markdown}");
    println!("{text}\n{markdown}");
}
