//! What runs in the background, seen from outside: it survives errors and says so, and forgets what it need not know.

use testbed::postgres::Cluster;

use crate::client::Client;
use crate::metrics::metrics;
use crate::process::Place;

/// A number that `/metrics` shows, once there is one for which `is_reached`.
fn until(metrics: &Client, name: &str, is_reached: impl Fn(u64) -> bool) -> u64 {
    loop {
        let answer = metrics.clone().get("/metrics");
        assert_eq!(answer.status, 200);
        let line = answer.body.lines().find(|line| line.split(' ').next() == Some(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in {}", answer.body));
        // Counters are whole, gauges are not.
        let value = line.split(' ').nth(1).unwrap().trim_end_matches(".0").parse().unwrap();
        if is_reached(value) {
            return value;
        }
        std::thread::yield_now();
    }
}

#[test]
fn the_sweep_survives_errors_and_counts_them() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let place = Place::new()
        .with("DATABASE__URL", &schema.url())
        .with("DATABASE__MIGRATE", "true")
        .with("METRICS__LISTEN", "127.0.0.1:0")
        .with("SESSION__TOUCH_EVERY", "0s")
        .with_account("ada");
    schema
        .psql(
            "INSERT INTO session_subjects VALUES ('old');
             INSERT INTO sessions VALUES (sha256('old'), gen_random_uuid(), 'old', now() - interval '9 days',
                now() - interval '9 days', now() - interval '9 days', interval '1 hour', now() - interval '8 days', 'password');
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
             CREATE TRIGGER refuse BEFORE DELETE OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse();",
        )
        .unwrap();
    let mut server = place.serve();
    let metrics = metrics(&mut server);
    let mut client = server.logged_in("ada");
    assert_eq!(client.get("/api/v1/sessions").status, 200); // a use to be written
    until(&metrics, "cloakroom_sweep_errors_total{task=\"purge\"}", |errors| errors > 0);
    let failed = until(&metrics, "cloakroom_sweep_errors_total{task=\"touch\"}", |errors| errors > 1);
    assert_eq!(until(&metrics, "cloakroom_touches_total", |_| true), 0);
    assert_eq!(until(&metrics, "cloakroom_touches_pending", |_| true), 1, "what could not be written waits");
    schema.psql("DROP TRIGGER refuse ON sessions").unwrap();
    until(&metrics, "cloakroom_touches_total", |written| written == 1);
    until(&metrics, "cloakroom_touches_pending", |pending| pending == 0);
    assert!(until(&metrics, "cloakroom_sweep_errors_total{task=\"touch\"}", |_| true) >= failed);
    assert!(until(&metrics, "cloakroom_lookups_total", |_| true) > 0);
    assert_eq!(metrics.clone().get("/").status, 404, "and nothing else is there");
}

#[test]
fn a_session_outlives_its_client_facts() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let client = server.logged_in("ada");
    server.stop();
    let facts = "SELECT count(*) FROM sessions WHERE ip IS NOT NULL";
    assert_eq!(place.sqlite(facts), "1");
    let place = place.with("SESSION__CLIENT_RETENTION", "0s");
    let server = place.serve();
    let mut after = server.client();
    after.token.clone_from(&client.token);
    assert_eq!(after.status(), 200);
    while place.sqlite(facts) != "0" {
        std::thread::yield_now();
    }
    assert_eq!(after.status(), 200, "still logged in");
    assert_eq!(place.sqlite("SELECT count(*) FROM session_feed"), "0", "which is no ending and no change");
}

#[test]
fn what_was_counted_and_what_happened_is_forgotten_in_time() {
    let place = Place::new().with("EVENTS__RETENTION", "1h").with_account("ada");
    place.sqlite(
        "INSERT INTO attempt_counters (key, failures, under_way, until_at, changed_at) VALUES \
         (zeroblob(32), 0, 0, 0, 0), (randomblob(32), 4, 0, 0, 0), (randomblob(32), 100, 0, 0, 0)",
    );
    place.sqlite(
        "INSERT INTO security_events (id, at, kind) VALUES ('01890000-0000-7000-8000-000000000000', 0, 'authn_login_fail')",
    );
    let _server = place.serve();
    let left = "SELECT (SELECT group_concat(failures) FROM attempt_counters), (SELECT group_concat(kind) FROM security_events)";
    let found = (0..2_000).map(|_| place.sqlite(left)).find(|found| found == "100|user_created");
    assert!(found.is_some(), "still {}: a locked name and what happened just now stay", place.sqlite(left));
}
