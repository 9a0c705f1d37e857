//! Sweeping on the command line: tried first, done, and done beside another one.

use std::time::Duration;

use serde_json::{Value, json};

use super::Ended;
use super::ground::{Ground, Login};

const WEEK: Duration = Duration::from_hours(24 * 7);

fn login(ago: Duration, lasts: Duration) -> Login {
    Login { subject: "ada", ago, lasts, agent: "Firefox", ip: "203.0.113.7", method: "password" }
}

/// One that is living, one that expired a moment ago, one whose owner is not told any more why, one with facts that are too old.
fn fill(ground: &Ground) {
    ground.log_in(&[
        login(Duration::from_hours(1), WEEK),
        login(Duration::from_hours(1), Duration::from_mins(1)),
        login(WEEK, Duration::from_hours(1)),
        login(WEEK * 5, WEEK * 10),
    ]);
    ground.sql(
        "INSERT INTO session_feed (kind, subject, reason, at) SELECT 'ended', 'ada', 'logout', 0 FROM (SELECT 1 UNION ALL SELECT 2);
         INSERT INTO attempt_counters (key, failures, under_way, until_at, changed_at) VALUES (randomblob(32), 0, 0, 0, 0);",
        "INSERT INTO session_feed (kind, subject, reason, at) SELECT 'ended', 'ada', 'logout', to_timestamp(0) FROM generate_series(1, 2);
         INSERT INTO attempt_counters (key, failures, under_way, until_at, changed_at) \
         VALUES (sha256('x'), 0, 0, to_timestamp(0), to_timestamp(0));",
    );
}

fn parsed(ended: Ended) -> Value {
    serde_json::from_str(&ended.done()).unwrap()
}

#[test]
fn what_is_due_is_counted_then_purged() {
    for ground in Ground::both() {
        fill(&ground);
        let due = json!({ "sessions": 1, "endings": 2, "client_facts": 1, "counters": 1, "events": 0 });
        for _ in 0..2 {
            assert_eq!(parsed(ground.run(&["sweep", "--dry-run", "--json"])), due, "a dry run changes nothing");
        }
        assert_eq!(
            ground.run(&["sweep", "--dry-run"]).done(),
            "would purge: expired sessions 1, endings 2, client facts of sessions 1, counters of attempts 1, security events 0\n"
        );
        assert_eq!(ground.number("SELECT count(*) FROM sessions"), 4);
        assert_eq!(parsed(ground.run(&["sweep", "--json"])), due, "what was counted is what is purged");
        assert_eq!(ground.number("SELECT count(*) FROM sessions"), 3);
        assert_eq!(ground.number("SELECT count(*) FROM session_feed WHERE reason = 'absolute'"), 1, "and recorded");
        let nothing = "purged: expired sessions 0, endings 0, client facts of sessions 0, counters of attempts 0, security events 0\n";
        assert_eq!(ground.run(&["sweep", "--yes"]).done(), nothing);
    }
}

#[test]
fn two_at_once_purge_everything_once() {
    for ground in Ground::both() {
        ground.crowd(5_000);
        ground.sql(
            "UPDATE sessions SET absolute_expires_at = 1000",
            "UPDATE sessions SET absolute_expires_at = to_timestamp(1)",
        );
        let both = [0, 1].map(|_| ground.start(&["sweep", "--json"]));
        let mut purged = 0;
        for child in both {
            purged += parsed(child.wait_with_output().unwrap().into())["sessions"].as_u64().unwrap();
        }
        // Who is told that another one is at it has nothing to do, and may come before it has begun.
        purged += parsed(ground.run(&["sweep", "--json"]))["sessions"].as_u64().unwrap();
        assert_eq!(purged, 5_000);
        assert_eq!(ground.number("SELECT count(*) FROM sessions"), 0);
        assert_eq!(ground.number("SELECT count(*) FROM session_feed WHERE reason = 'absolute'"), 5_000);
    }
}
