//! What `deploy/` says is what the binary does: the unit is understood by systemd and gives away nothing that is not needed, the image
//! begins empty, and the health check asks the server.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::process::Place;

const UNIT: &str = include_str!("../../../../deploy/cloakroom.service");
const CONTAINER: &str = include_str!("../../../../deploy/Containerfile");

/// The keys of the unit's sections with all their values.
fn unit() -> BTreeMap<(&'static str, &'static str), Vec<&'static str>> {
    let mut section = "";
    let mut keys = BTreeMap::<_, Vec<_>>::new();
    for line in UNIT.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else {
            let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no key: {line}"));
            keys.entry((section, key)).or_default().push(value);
        }
    }
    keys
}

#[test]
fn the_unit_waits_for_readiness_and_takes_everything_away_that_is_not_needed() {
    let unit = unit();
    for (key, value) in [
        ("Type", "notify"),
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("MemoryDenyWriteExecute", "yes"),
        ("StateDirectory", "cloakroom"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("LimitCORE", "0"),
    ] {
        assert_eq!(unit[&("Service", key)], [value], "{key}");
    }
    assert_eq!(unit[&("Service", "SystemCallFilter")], ["@system-service", "~@privileged"]);
    let seconds = |key| unit[&("Service", key)][0].trim_end_matches('s').parse::<u64>().unwrap();
    assert!(seconds("WatchdogSec") >= 10);
    assert!(seconds("TimeoutStopSec") > 1 + 20 + 5, "stop.delay, stop.deadline, and what is written last");
}

#[test]
fn systemd_understands_the_unit_and_finds_it_safe() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        println!("NOT RUN: there is no systemd-analyze here");
        return;
    };
    // With a binary that is there: it looks for it.
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cloakroom.service");
    fs::write(&file, UNIT.replace("/usr/local/bin/cloakroom", env!("CARGO_BIN_EXE_cloakroom"))).unwrap();
    let verify = Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&verify.stderr).into_owned();
    let about_it: Vec<_> = said.lines().filter(|line| line.contains("cloakroom")).collect();
    assert!(about_it.is_empty(), "{said}");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&security.stdout).into_owned() + &String::from_utf8_lossy(&security.stderr);
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    assert!(security.status.success(), "exposed more than 2.0 of 10 ({version}): {said}");
}

#[test]
fn the_image_begins_empty_and_runs_as_nobody() {
    let lines: Vec<_> = CONTAINER.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.contains(&"ARG BASE=scratch") && lines.contains(&"USER 65532:65532"));
    assert!(!lines.iter().any(|line| line.starts_with("RUN") || line.contains("://")), "nothing is fetched or run");
    assert!(lines.contains(&"ENTRYPOINT [\"/cloakroom\"]") && lines.contains(&"STOPSIGNAL SIGTERM"));
    assert!(lines.iter().any(|line| line.ends_with("CMD [\"/cloakroom\", \"health\"]")));
}

#[test]
fn the_health_check_asks_the_server() {
    let place = Place::new();
    let server = place.serve();
    let asked = |args: &[&str]| {
        let output = place.run(args);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let listen = server.address().to_owned();
    for args in [&["health", "--listen", &listen][..], &["health", "--ready", "--listen", &listen]] {
        assert_eq!(asked(args), (Some(0), String::new()));
    }
    let everywhere = listen.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(asked(&["health", "--listen", &everywhere]).0, Some(0), "as a container has it");
    place.sqlite("ALTER TABLE sessions RENAME TO elsewhere");
    assert_eq!(asked(&["health", "--listen", &listen]).0, Some(0), "it lives");
    let (code, said) = asked(&["health", "--ready", "--listen", &listen]);
    assert!(code == Some(1) && said.contains("answers 503"), "{said}");
    place.sqlite("ALTER TABLE elsewhere RENAME TO sessions");
    server.stop();
    let (code, said) = asked(&["health", "--listen", &listen]);
    assert!(code == Some(1) && said.contains("nobody answers") && said.lines().count() == 1, "{said}");
}
