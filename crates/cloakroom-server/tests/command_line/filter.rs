//! Sets of sessions on the command line: listed, counted beforehand, ended with consent, and stopped in the middle.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::ground::{Ground, Login};
use super::{Ended, Place};

const DAY: Duration = Duration::from_hours(24);

/// Living ones, oldest first, and one at last that has expired.
const LOGINS: [Login; 5] = [
    Login {
        subject: "ada",
        ago: Duration::from_hours(72),
        lasts: Duration::from_hours(24 * 30),
        agent: "Firefox/1",
        ip: "203.0.113.7",
        method: "password",
    },
    Login {
        subject: "ada",
        ago: Duration::from_hours(2),
        lasts: DAY,
        agent: "Chrome/2",
        ip: "203.0.113.8",
        method: "passkey",
    },
    Login {
        subject: "eve",
        ago: Duration::from_hours(1),
        lasts: DAY,
        agent: "FIREFOX",
        ip: "2001:db8::1",
        method: "password",
    },
    Login {
        subject: "eve",
        ago: Duration::from_mins(1),
        lasts: DAY,
        agent: "curl",
        ip: "198.51.100.1",
        method: "password",
    },
    Login {
        subject: "ada",
        ago: Duration::from_mins(5),
        lasts: Duration::from_mins(1),
        agent: "Firefox",
        ip: "203.0.113.9",
        method: "password",
    },
];

#[test]
fn a_set_is_listed_counted_and_ended_and_nothing_else_is() {
    for ground in Ground::both() {
        let ids = ground.log_in(&LOGINS);
        for (args, matching) in [
            (&["--ip", "203.0.113.0/24"][..], &[0, 1][..]),
            (&["--ip", "198.51.100.1"], &[3]),
            (&["--before", "2d"], &[0]),
            (&["--before", "90m", "--subject", "ada"], &[0, 1]),
            (&["--browser", "fireFOX"], &[0, 2]),
            (&["--method", "passkey"], &[1]),
            (&["--browser", "firefox", "--ip", "2001:db8::/32", "--method", "password"], &[2]),
            (&["--ip", "10.0.0.0/8"], &[]),
        ] {
            let wanted: Vec<_> = matching.iter().rev().map(|index| ids[*index].clone()).collect();
            assert_eq!(ground.listed(args), wanted, "{args:?}");
            let dry = ground.run(&[&["session", "end", "--dry-run"], args].concat()).done();
            assert_eq!(dry, format!("would end {} of 4 sessions\n", wanted.len()), "{args:?}");
            assert_eq!(ground.listed(&[]).len(), 4, "a dry run ends none");
        }
        assert!(ground.revocations().is_empty(), "and records nothing");

        let end = ["session", "end", "--browser", "firefox"];
        let refused = ground.run(&end).refused();
        assert_eq!(refused, "cloakroom: End 2 sessions? Nobody is here to answer: repeat it with --yes\n");
        assert_eq!(ground.listed(&[]).len(), 4);
        // The one that had expired goes with them, uncounted.
        assert_eq!(ground.run(&[&end[..], &["--yes"]].concat()).done(), "ended 2 sessions\n");
        assert_eq!(ground.listed(&[]), [ids[3].clone(), ids[1].clone()]);
        assert_eq!(ground.number("SELECT count(*) FROM sessions"), 2);
        assert_eq!(ground.number("SELECT count(*) FROM session_feed WHERE reason = 'administrator'"), 3);

        let json = ground.run(&["session", "end", "--subject", "ada", "--before", "1h", "--yes", "--json"]).done();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), serde_json::json!({ "ended": 1, "waited_ms": null }));
        let recorded = ground.revocations();
        assert_eq!(recorded.len(), 2, "each set once: {recorded:?}");
        assert!(recorded.iter().all(|event| event["reason"] == "operator"), "{recorded:?}");
        assert_eq!((&recorded[0]["subject"], &recorded[1]["subject"]), (&"ada".into(), &Value::Null));
        assert_eq!(ground.run(&["session", "end", "--ip", "10.0.0.0/8", "--yes"]).done(), "ended 0 sessions\n");
        assert_eq!(ground.listed(&[]), [ids[3].clone()]);
    }
}

#[test]
fn every_end_can_be_tried_first() {
    for ground in Ground::both() {
        let ids = ground.log_in(&LOGINS);
        for (args, would_end) in
            [(&[ids[0].as_str()][..], 1), (&[ids[4].as_str()], 0), (&["--subject", "ada"], 2), (&["--everyone"], 4)]
        {
            let dry = ground.run(&[&["session", "end", "--dry-run", "--json"], args].concat()).done();
            let wanted = serde_json::json!({ "would_end": would_end, "of": 4 });
            assert_eq!(serde_json::from_str::<Value>(&dry).unwrap(), wanted, "{args:?}");
        }
        let unknown = "0199b7c2-0000-7000-8000-000000000000";
        let line = ground.run(&["session", "end", unknown, "--dry-run"]).refused();
        assert_eq!(line, format!("cloakroom: no session {unknown}: see `cloakroom session list`\n"));
        assert_eq!(ground.number("SELECT count(*) FROM sessions"), 5);
        let line = ground.run(&["session", "end", "--everyone"]).refused();
        assert_eq!(line, "cloakroom: End 4 sessions? Nobody is here to answer: repeat it with --yes\n");
    }
}

#[test]
fn what_makes_no_sense_is_misused() {
    let place = Place::new();
    let id = "0199b7c2-0000-7000-8000-000000000000";
    for args in [
        &["end", id, "--ip", "10.0.0.0/8"][..],
        &["end", id, "--subject", "ada"],
        &["end", "--everyone", "--before", "1d"],
        &["end", "--dry-run"],
        &["end", "--ip", "10.0.0.1/8"],
        &["list", "--ip", "everywhere"],
        &["list", "--before", "yesterday"],
        &["list", "--browser", ""],
        &["list", "--method", "Password"],
    ] {
        place.run(&[&["session"], args].concat()).misused();
    }
    assert!(place.run(&["session", "list", "--before", "2026-01-31"]).misused().contains("such as 30d"));
    assert!(!place.has_database());
}

#[test]
fn an_end_that_is_stopped_says_how_many_and_can_be_repeated() {
    const CROWD: u64 = 60_000;
    for ground in Ground::both() {
        ground.crowd(60_000);
        let mut ending = ground.start(&["session", "end", "--browser", "crowd", "--yes"]);
        let mut err = BufReader::new(ending.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        assert_eq!(line, "ending sessions: 10,000\n");
        assert!(Command::new("kill").args(["-INT", &ending.id().to_string()]).status().unwrap().success());
        let mut last = String::new();
        err.read_to_string(&mut last).unwrap();
        let stopped: Ended = ending.wait_with_output().unwrap().into();
        assert_eq!((stopped.code, stopped.out.as_str()), (Some(1), ""), "{last}");
        let last = last.lines().last().unwrap();
        let said = last.split("when ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let said: u64 = said.replace(',', "").parse().unwrap();
        assert!(last.starts_with("cloakroom: stopped when ") && last.ends_with("repeat it to end the rest"), "{last}");
        assert!((10_000..CROWD).contains(&said), "{last}");
        let left = ground.number("SELECT count(*) FROM sessions");
        let recorded = ground.number("SELECT count(*) FROM session_feed WHERE reason = 'administrator'");
        assert_eq!((left + said, recorded), (CROWD, said), "what was ended is ended, and nothing is half done");
        assert_eq!(ground.revocations().len(), 1);
        let rest = ground.run(&["session", "end", "--browser", "crowd", "--yes"]);
        assert_eq!((rest.code, rest.out.replace(',', "")), (Some(0), format!("ended {left} sessions\n")));
    }
}

#[test]
fn two_at_once_end_each_session_once() {
    for ground in Ground::both() {
        ground.crowd(3_000);
        let both = [["--browser", "crowd"], ["--subject", "crowd"]].map(|set| {
            ground.start(&[&["session", "end", "--method", "password", "--yes", "--json"][..], &set].concat())
        });
        let ended: u64 = both
            .map(|child| {
                let ended: Ended = child.wait_with_output().unwrap().into();
                serde_json::from_str::<Value>(&ended.done()).unwrap()["ended"].as_u64().unwrap()
            })
            .iter()
            .sum();
        assert_eq!((ended, ground.number("SELECT count(*) FROM session_feed")), (3_000, 3_000));
    }
}
