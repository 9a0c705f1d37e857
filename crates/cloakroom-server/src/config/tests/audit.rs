//! What will hurt, as a table: a configuration, what the system says about files, and the one thing that is found.

use std::collections::HashMap;
use std::path::Path;

use super::*;
use crate::config::audit::{Facts, Severity, audit};

/// What a test says about files.
#[derive(Default)]
struct Said {
    modes: HashMap<&'static str, u32>,
    file_system: Option<&'static str>,
}

impl Facts for Said {
    fn mode(&self, path: &Path) -> Option<u32> {
        self.modes.get(path.to_str().unwrap()).copied()
    }

    fn file_system(&self, _: &Path) -> Option<String> {
        self.file_system.map(str::to_owned)
    }
}

fn found(file: &str, facts: &Said) -> Vec<String> {
    let config = given(file).load().unwrap();
    let findings = audit(&config, None, facts);
    assert!(findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.severity)));
    let shown = findings.into_iter().filter(|finding| finding.severity != Severity::Note || file.contains("# notes"));
    shown.map(|finding| format!("{} {}: {}", finding.severity.as_str(), finding.key, english(&finding.why))).collect()
}

#[test]
fn the_defaults_and_an_ordinary_site_hurt_nobody() {
    let nothing = Said::default();
    assert_eq!(found("", &nothing), [""; 0]);
    let site = "listen = '0.0.0.0:8787'\npublic_url = 'https://a.example'\nproxy.trusted = ['10.1.0.0/16', 'fd00::1']\n\
                database.url = 'postgres://a:b@db/c?sslmode=verify-full'\nsession.validation = 'leased'";
    assert_eq!(found(site, &nothing), [""; 0]);
    assert_eq!(found("database.url = 'postgres://a:b@localhost/c'", &nothing), [""; 0]);
    assert_eq!(found("public_url = 'http://localhost:8787'\nproxy.trusted = []", &nothing), [""; 0]);
    let private = Said { modes: [("/d", 0o700), ("/d/x.db", 0o600)].into(), file_system: Some("ext4") };
    assert_eq!(found("database.url = 'sqlite:/d/x.db'", &private), [""; 0]);
}

#[test]
fn each_thing_that_hurts_is_found_alone() {
    let nothing = Said::default;
    let open = || Said { modes: [("/d", 0o755), ("/d/x.db", 0o644)].into(), file_system: None };
    let anybody = || Said { modes: [("/d", 0o777), ("/d/x.db", 0o600)].into(), file_system: None };
    let on = |kind| Said { file_system: Some(kind), ..Said::default() };
    let file = "database.url = 'sqlite:/d/x.db'";
    let cases = [
        ("cookie.insecure = true", nothing()),
        ("public_url = 'http://a.example'\nproxy.trusted = []", nothing()),
        ("metrics.listen = '0.0.0.0:9787'", nothing()),
        ("public_url = 'https://a.example'", nothing()),
        ("proxy.trusted = ['10.0.0.0/7']", nothing()),
        ("proxy.trusted = ['8.0.0.0/8']", nothing()),
        ("proxy.trusted = ['2001::/32']", nothing()),
        ("session.absolute_timeout = '31d'\nsession.keep_absolute_timeout = '31d'", nothing()),
        ("session.keep_absolute_timeout = '90d'", nothing()),
        ("session.idle_timeout = '61m' # notes", nothing()),
        ("session.absolute_timeout = '25h' # notes\nsession.idle_timeout = '1h'", nothing()),
        ("session.validation = 'leased'\nsession.lease = '11s'", nothing()),
        ("session.validation = 'leased'\nsession.poll = '400ms'", nothing()),
        ("session.retention = '91d'", nothing()),
        ("session.feed_retention = '401d'", nothing()),
        ("session.client_retention = '181d'", nothing()),
        ("events.retention = '401d'", nothing()),
        ("database.url = 'postgres://a:b@db.example/c'", nothing()),
        (file, open()),
        (file, anybody()),
        (file, on("nfs4")),
        ("database.url = 'sqlite:/d/x.db'\nsession.validation = 'leased'", on("fuse.sshfs")),
    ];
    let lines = cases.into_iter().map(|(file, facts)| found(file, &facts).join(" AND "));
    assert_snapshot!(table(lines), @r"
    warning cookie.insecure: the cookie may travel over plain http: whoever reads the network takes over sessions
    warning public_url: browsers reach http://a.example over plain http
    warning metrics.listen: metrics are shown to whoever reaches 0.0.0.0:9787, without a login
    warning proxy.trusted: not set, although public_url says that a proxy may stand in front: all people seem to be one
    warning proxy.trusted: 10.0.0.0/7 trusts more machines than anybody has proxies: each may say where a request comes from
    warning proxy.trusted: 8.0.0.0/8 trusts more machines than anybody has proxies: each may say where a request comes from
    warning proxy.trusted: 2001::/32 trusts more machines than anybody has proxies: each may say where a request comes from
    warning session.absolute_timeout: a session lives for 31d AND warning session.keep_absolute_timeout: a session lives for 31d
    warning session.keep_absolute_timeout: a session lives for 90d
    note session.idle_timeout: a session lives unused for 1h1m
    note session.absolute_timeout: a session lives for 1d1h
    warning session.lease: somebody who logged out is served for up to 11s
    warning session.poll: polled every 400ms, a lease of 1s runs out with the second poll that is late
    warning session.retention: 91d is longer than makes sense
    warning session.feed_retention: 401d is longer than makes sense
    warning session.client_retention: 181d is longer than makes sense
    warning events.retention: 401d is longer than makes sense
    warning database.url: nothing in the URL keeps the connection from being read or redirected on the way
    warning database.url: every user of this machine can read password hashes and personal data in it (mode 0644)
    warning database.url: every user of this machine can put another file in its place in /d
    warning database.url: the file is on a network (nfs4), where SQLite's log is not shared and its locks may not hold
    error database.url: the file is on a network (fuse.sshfs), where SQLite's log is not shared and its locks may not hold
    ");
}

#[test]
fn a_password_that_everybody_can_read_is_found_where_it_stands() {
    let given = given("database.url = 'postgres://a:hunter2@localhost/c'");
    let path: &'static str = given.dir.path().join("cloakroom.toml").to_str().unwrap().to_owned().leak();
    let config = given.load().unwrap();
    let facts = |mode| Said { modes: [(path, mode)].into(), file_system: None };
    let written_in = crate::config::url_written_in(&given.inputs);
    let why = |mode| {
        audit(&config, written_in.as_deref(), &facts(mode))
            .into_iter()
            .find(|one| one.key == "database.url")
            .map(|one| given.neutral(&english(&one.why)))
    };
    assert_eq!(why(0o640), None);
    assert_snapshot!(why(0o644).unwrap(), @"every user of this machine can read the password in cloakroom.toml (mode 0644)");
}
