//! Two instances on one PostgreSQL: what one ends, the other refuses; and what keeps an instance from starting.

use testbed::postgres::{Cluster, Schema};

use crate::client::Client;
use crate::process::{PASSWORD, Place};

fn schema() -> Schema<'static> {
    Cluster::shared().fresh_schema().unwrap()
}

/// A place whose commands use `url`.
fn place(url: &str) -> Place {
    Place::new().with("DATABASE__URL", url)
}

/// A migrated database with an account, and a place to start instances from.
fn prepared() -> (Place, Schema<'static>) {
    let schema = schema();
    let place = place(&schema.url());
    assert!(place.run(&["migrate", "up"]).status.success());
    (place.with_account("ada"), schema)
}

/// A way to end the session of a client.
type End<'a> = &'a dyn Fn(&mut Client);

#[test]
fn what_one_instance_ends_the_other_refuses() {
    let (place, schema) = prepared();
    let (here, there) = (place.serve(), place.serve());
    let end: [(&str, End<'_>); 7] = [
        ("session_revoked", &|client| assert_eq!(client.post("/api/v1/logout").status, 204)),
        ("session_revoked", &|_| drop(schema.psql("DELETE FROM sessions").unwrap())),
        ("session_absolute", &|_| drop(schema.psql("UPDATE sessions SET absolute_expires_at = now()").unwrap())),
        ("session_idle", &|_| drop(schema.psql("UPDATE sessions SET idle_timeout = interval '0'").unwrap())),
        ("login_required", &|_| drop(schema.psql("TRUNCATE sessions").unwrap())),
        ("session_revoked", &|_| assert!(place.run(&["session", "end", "--everyone", "--yes"]).status.success())),
        ("session_revoked", &|_| assert!(place.run(&["account", "disable", "ada", "--yes"]).status.success())),
    ];
    for (code, end) in end {
        let mut client = here.logged_in("ada");
        let mut other = client.at(there.address());
        assert_eq!((client.status(), other.status()), (200, 200));
        end(&mut client);
        let answer = other.get("/api/v1/session");
        assert_eq!((answer.status, answer.code().as_str()), (401, code));
    }
    assert_eq!(here.client().log_in("ada", PASSWORD).status, 401, "disabled");
}

#[test]
fn an_instance_migrates_a_server_only_where_that_is_wanted() {
    let schema = schema();
    let refused = place(&schema.url()).run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("lacks the migration 0001_sessions; run cloakroom migrate up"), "{said}");
    assert!(!said.contains(Cluster::shared().password()), "{said}");

    let places = [(); 3].map(|()| place(&schema.url()).with("DATABASE__MIGRATE", "true"));
    std::thread::scope(|scope| {
        let started: Vec<_> = places.iter().map(|place| scope.spawn(|| place.serve())).collect();
        for server in started {
            assert_eq!(server.join().unwrap().client().get("/readyz").status, 200, "they start together");
        }
    });
}

#[test]
fn a_clock_that_is_not_the_databases_makes_an_instance_not_ready() {
    let schema = schema();
    // A schema looked into before PostgreSQL's own, so that the test can set the server's clock.
    let url = schema.url().replace(schema.name(), &format!("{},pg_catalog", schema.name()));
    let place = place(&url).with("DATABASE__MIGRATE", "true").with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let clock = |offset: &str| {
        let text = format!(
            "CREATE OR REPLACE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
             $$ SELECT pg_catalog.clock_timestamp() + interval '{offset}' $$"
        );
        schema.psql(&text).unwrap();
    };
    for (offset, status, said) in [
        ("4 seconds", 200, "ready"),
        ("7 seconds", 503, "behind the database's"),
        ("-7 seconds", 503, "ahead of the database's"),
        ("0", 200, "ready"),
    ] {
        clock(offset);
        let answer = client.get("/readyz");
        assert_eq!(answer.status, status, "{offset}: {}", answer.body);
        assert!(answer.body.contains(said), "{offset}: {}", answer.body);
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        assert_eq!(client.status(), 200, "sessions are still checked");
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_one_line_that_says_what_to_do() {
    let cluster = Cluster::shared();
    let good = cluster.url("postgres");
    let secret = cluster.password();
    for (url, found, way_out) in [
        (good.replace(secret, "hunter2"), "refuses the user or the password", "correct them"),
        (cluster.url("nowhere"), "no database of this name", "createdb"),
        (good.replace(&format!(":{}/", cluster.port()), ":1/"), "cannot be reached", "check host and port"),
        (good.replace("127.0.0.1", "no-such-host.invalid"), "cannot be reached", "check host and port"),
    ] {
        let output = place(&url).run(&["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        let lines: Vec<_> = said.lines().filter(|line| line.starts_with("cloakroom: ")).collect();
        assert_eq!(lines.len(), 1, "{said}");
        assert!(lines[0].contains(found) && lines[0].contains(way_out), "{said}");
        assert!(!said.contains("hunter2") && !said.contains(secret), "{said}");
    }
}
