//! What leased validation costs the database, and what the metrics say of it.

use std::thread;
use std::time::{Duration, Instant};

use crate::leased::{Line, seeded};
use crate::site::{INSTANCES, PATIENCE, Site, now};

/// How long an idle site is watched.
const WINDOW: Duration = Duration::from_secs(4);
/// Statements in a second of an idle instance: five polls, and what the sweep does.
const STATEMENTS_MAX: f64 = 8.0;
const HERD: usize = 200;

#[test]
fn an_idle_instance_asks_five_times_a_second() {
    let site = Site::leased_alone();
    let commits = || {
        let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'cloakroom'";
        site.cluster.psql("postgres", sql).unwrap().parse::<f64>().unwrap()
    };
    let polls = || site.instances.iter().map(|instance| instance.metric("cloakroom_feed_polls_total")).sum::<f64>();
    let (since, commits_before, polls_before) = (now(), commits(), polls());
    wait_until(since + WINDOW);
    let (commits, polls, seconds) = (commits() - commits_before, polls() - polls_before, since.elapsed().as_secs_f64());
    let each = |count: f64| count / seconds / 3.0;
    println!("an idle instance: {:.1} transactions and {:.1} polls a second", each(commits), each(polls));
    assert!(each(commits) <= STATEMENTS_MAX, "{commits} in {seconds} s");
    assert!(polls >= 3.0, "it polls");
}

/// Time passes, and that is all that happens.
fn wait_until(end: Instant) {
    while let Some(left) = end.checked_duration_since(now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

#[test]
fn a_cold_herd_is_one_load_at_each_instance() {
    let (site, random) = (Site::leased(), seeded());
    site.planted("first", &random); // opens the connection that lookups share
    let planted = site.plant(&["herd".to_owned()], &random).remove(0);
    let counts = |name: &str| site.instances.iter().map(|instance| instance.metric(name)).collect::<Vec<_>>();
    let (loads, joined) = (counts("cloakroom_validation_loads_total"), counts("cloakroom_validation_joined_total"));
    // So that all of them are there before the answer is.
    site.wires(|wire| wire.delay(Duration::from_millis(150)));
    for instance in &site.instances {
        let mut lines: Vec<_> = (0..HERD).map(|_| Line::to(instance.server.address())).collect();
        for line in &mut lines {
            line.send("GET", "/api/v1/session", &planted);
        }
        for line in &mut lines {
            let (status, _, body) = line.receive();
            assert_eq!(status, 200, "{body}");
        }
    }
    site.wires(testbed::wire::Wire::pass);
    for at in 0..INSTANCES {
        let loads = counts("cloakroom_validation_loads_total")[at] - loads[at];
        let joined = counts("cloakroom_validation_joined_total")[at] - joined[at];
        println!("{HERD} at once: {loads} load, {joined} joined");
        assert!((loads - 1.0).abs() < 0.1, "{loads} loads");
    }
}

#[test]
fn metrics_say_what_happens() {
    let (site, random) = (Site::leased(), seeded());
    let instance = &site.instances[0];
    let name = |name: &str| format!("cloakroom_{name}");
    let [hits, loads, seen] = ["validation_hits_total", "validation_loads_total", "revocation_delay_seconds_count"]
        .map(|metric| instance.metric(&name(metric)));
    let planted = site.planted("counted", &random);
    assert!(instance.metric(&name("validation_hits_total")) > hits);
    assert!(instance.metric(&name("validation_loads_total")) > loads);
    assert!((instance.metric(&name("held_sessions")) - 1.0).abs() < 0.1);
    assert!((instance.metric(&name("lease_seconds")) - 1.0).abs() < 0.001);
    assert!(instance.metric(&name("lease_age_seconds")) < 1.0);
    assert!(instance.metric(&name("feed_emptied_total")) > 0.0, "at the first poll");
    assert!(instance.metric(&name("feed_poll_errors_total")) < 0.1);
    assert!(instance.metric(&name("waiting_connections")) < 0.1);
    assert_eq!(Line::to(site.instances[1].server.address()).request("POST", "/api/v1/logout", &planted).0, 204);
    let since = now();
    while instance.metric(&name("revocation_delay_seconds_count")) <= seen {
        assert!(since.elapsed() < PATIENCE);
    }
    assert!(instance.metric(&name("held_sessions")) < 0.1);
    assert!(instance.metric("cloakroom_revocation_delay_seconds_bucket{le=\"+Inf\"}") > 0.0);
    assert!(instance.metric("cloakroom_revocation_delay_seconds_bucket{le=\"1.0\"}") > 0.0);
    let mut line = Line::to(instance.server.address());
    assert_eq!(line.ask(&planted), 401);
    assert!(instance.metric("cloakroom_validation_refused_total{reason=\"logout\"}") > 0.0);
}
