//! Tables: what a configuration says, and what it says about mistakes. No process and no environment is needed.

mod audit;
mod cookie_domain;
mod defaults;
mod example;
mod secret_file;
mod traces;

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use insta::assert_snapshot;

use super::keys;
use super::layers::env_name;
use super::{Config, ConfigError, Inputs, effective};
use crate::cli::voice::Voice;
use crate::locale::Locale;
use crate::message::Message;

/// A configuration directory with one file, and what else is said.
struct Given {
    dir: tempfile::TempDir,
    inputs: Inputs,
}

fn given(file: &str) -> Given {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cloakroom.toml");
    fs::write(&path, file).unwrap();
    Given { dir, inputs: Inputs { file: Some(path), ..Inputs::default() } }
}

impl Given {
    fn env(mut self, name: &str, value: &str) -> Self {
        self.inputs.env.push((name.into(), value.into()));
        self
    }

    fn load(&self) -> Result<Config, String> {
        Config::load(&self.inputs).map_err(|error| self.neutral(&told(&error)))
    }

    fn neutral(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

fn english(message: &Message) -> String {
    message.line(&Voice::of(Locale::English).unwrap())
}

fn told(error: &ConfigError) -> String {
    english(&error.message())
}

fn mistake(file: &str) -> String {
    given(file).load().expect_err(file)
}

fn env_mistake(name: &str, value: &str) -> String {
    given("").env(name, value).load().expect_err(name)
}

/// One mistake a line, so that a table of them reads as one snapshot.
fn table(mistakes: impl IntoIterator<Item = String>) -> String {
    mistakes.into_iter().fold(String::new(), |mut text, line| {
        assert!(!line.contains('\n'), "more than one line: {line}");
        writeln!(text, "{line}").unwrap();
        text
    })
}

#[test]
fn every_key_can_be_set_in_the_file_and_in_the_environment() {
    let set = [
        ("listen", "[::1]:9000", true),
        ("public_url", "https://login.example.org", true),
        ("language", "ja", true),
        ("database.url", "sqlite:other.db", true),
        ("database.migrate", "false", false),
        ("database.connections", "4", false),
        ("database.lookup_connections", "2", false),
        ("session.idle_timeout", "15m", true),
        ("session.absolute_timeout", "12h", true),
        ("session.keep_idle_timeout", "7d", true),
        ("session.keep_absolute_timeout", "20d", true),
        ("session.touch_every", "30s", true),
        ("session.recent", "5m", true),
        ("session.max_per_subject", "3", false),
        ("session.retention", "2d", true),
        ("session.feed_retention", "60d", true),
        ("session.client_retention", "7d", true),
        ("session.client_address", "none", true),
        ("session.validation", "leased", true),
        ("session.lease", "2s", true),
        ("session.poll", "100ms", true),
        ("session.cache", "5000", false),
        ("cookie.domain", "example.org", true),
        ("cookie.insecure", "true", false),
        ("login.concurrency", "2", false),
        ("login.network_failures", "20", false),
        ("password.breached_hashes", "/srv/breached.txt", true),
        ("proxy.trusted", "10.0.0.0/8", true),
        ("metrics.listen", "127.0.0.1:9787", true),
        ("traces.endpoint", "http://127.0.0.1:4318/v1/traces", true),
        ("traces.sample", "0.5", false),
        ("events.retention", "60d", true),
        ("stop.delay", "5s", true),
        ("stop.deadline", "30s", true),
        ("log.format", "json", true),
        ("log.filter", "debug", true),
    ];
    let declared: Vec<_> = keys::ALL.iter().map(|key| key.name()).collect();
    assert_eq!(set.map(|(key, _, _)| key).to_vec(), declared);

    let toml = |key: &str, value: &str, quoted| match (key, quoted) {
        ("proxy.trusted", _) => format!("[{value:?}]"),
        (_, true) => format!("{value:?}"),
        _ => value.to_owned(),
    };
    let lines: Vec<String> =
        set.iter().map(|(key, value, quoted)| format!("{key} = {}", toml(key, value, *quoted))).collect();
    let file = lines.join("\n");
    let by_file = given(&file);
    let by_env = set.iter().fold(given(""), |given, (key, value, _)| given.env(&env_name(key), value));
    let without_source = |given: &Given| -> Vec<String> {
        let shown = effective(&given.inputs).unwrap();
        shown.lines().filter_map(|line| line.split(" # ").next().map(str::to_owned)).collect()
    };
    assert_eq!(without_source(&by_file), file.lines().collect::<Vec<_>>());
    assert_eq!(without_source(&by_env), file.lines().collect::<Vec<_>>());
    assert!(by_file.load().is_ok());
}

#[test]
fn flags_beat_environment_beats_file_beats_default() {
    let mut given = given("listen = '127.0.0.1:1'\n").env("UNRELATED", "x");
    let listen =
        |given: &Given| effective(&given.inputs).unwrap().lines().next().map(|line| given.neutral(line)).unwrap();
    assert_snapshot!(listen(&given), @r#"listen = "127.0.0.1:1" # cloakroom.toml:1"#);
    given = given.env("CLOAKROOM_LISTEN", "127.0.0.1:2");
    assert_snapshot!(listen(&given), @r#"listen = "127.0.0.1:2" # CLOAKROOM_LISTEN"#);
    given.inputs.listen = Some("127.0.0.1:3".to_owned());
    assert_snapshot!(listen(&given), @r#"listen = "127.0.0.1:3" # --listen"#);
    given.inputs = Inputs::default();
    assert_snapshot!(listen(&given), @r#"listen = "127.0.0.1:8787" # default"#);
}

#[test]
fn a_value_that_is_overridden_is_not_read() {
    let given = given("listen = 'nonsense'\n").env("CLOAKROOM_LISTEN", "127.0.0.1:2");
    assert_eq!(given.load().unwrap().listen.port(), 2);
}

#[test]
fn wrong_values_in_the_file() {
    assert_snapshot!(table([
        "listen = 8787",
        "listen = 'localhost:8787'",
        "public_url = 'login.example.org'",
        "public_url = 'https://login.example.org/app'",
        "public_url = 'https://ada:hunter2@login.example.org'",
        "public_url = ''",
        "database.url = 'mysql://ada:hunter2@db/app?password=hunter2'",
        "database.url = 'hunter2'",
        "database.url = 'sqlite:'",
        "database.migrate = 'yes'",
        "[session]\nidle_timeout = 15",
        "[session]\nidle_timeout = 'soon'",
        "[session]\n\nabsolute_timeout = '2mo'",
        "session.touch_every = '-1s'",
        "session.max_per_subject = 'many'",
        "session.max_per_subject = -1",
        "session.max_per_subject = 99999999999999999999",
        "session.validation = 'cached'",
        "session.lease = '99ms'",
        "session.lease = '200ms'\nsession.poll = '150ms'",
        "session.cache = 7",
        "session.validation = 'Strict'",
        "cookie.domain = '.example.org'",
        "cookie.domain = 'org'",
        "cookie.insecure = 1",
        "login.concurrency = 0",
        "login.concurrency = 65",
        "log.format = 'xml'",
        "log.filter = 'cloakroom=loud'",
        "log.filter = ['info']",
        "log.filter = \"\\u001b[2J=\\n=\"",
    ].map(mistake)), @r#"
    listen (cloakroom.toml:1): found 8787, allowed: an IP address and a port, such as 127.0.0.1:8787 or [::]:8787; port 0 takes a free one
    listen (cloakroom.toml:1): found "localhost:8787", allowed: an IP address and a port, such as 127.0.0.1:8787 or [::]:8787; port 0 takes a free one
    public_url (cloakroom.toml:1): found "login.example.org", allowed: http:// or https:// with a host and perhaps a port, without path or credentials, such as https://login.example.org
    public_url (cloakroom.toml:1): found "https://login.example.org/app", allowed: http:// or https:// with a host and perhaps a port, without path or credentials, such as https://login.example.org
    public_url (cloakroom.toml:1): found a URL with credentials, allowed: http:// or https:// with a host and perhaps a port, without path or credentials, such as https://login.example.org
    public_url (cloakroom.toml:1): found "", allowed: http:// or https:// with a host and perhaps a port, without path or credentials, such as https://login.example.org
    database.url (cloakroom.toml:1): found "mysql:…" (redacted), allowed: sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
    database.url (cloakroom.toml:1): found "…" (redacted), allowed: sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
    database.url (cloakroom.toml:1): found "sqlite:" (redacted), allowed: sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
    database.migrate (cloakroom.toml:1): found "yes", allowed: true or false
    session.idle_timeout (cloakroom.toml:2): found 15, allowed: 1s up to session.absolute_timeout, such as 15m or 1h30m
    session.idle_timeout (cloakroom.toml:2): found "soon", allowed: 1s up to session.absolute_timeout, such as 15m or 1h30m
    session.absolute_timeout (cloakroom.toml:3): found "2mo", allowed: 1s to 400d, such as 12h
    session.touch_every (cloakroom.toml:1): found "-1s", allowed: 0s to 1h, such as 1m
    session.max_per_subject (cloakroom.toml:1): found "many", allowed: 1 to 10000
    session.max_per_subject (cloakroom.toml:1): found -1, allowed: 1 to 10000
    session.max_per_subject (cloakroom.toml:1): found an integer out of range, allowed: 1 to 10000
    session.validation (cloakroom.toml:1): found "cached", allowed: "strict" or "leased"
    session.lease (cloakroom.toml:1): found "99ms", allowed: 100ms to 1m, such as 1s; the same on every instance
    session.poll (cloakroom.toml:2): found "150ms", allowed: 10ms up to half of session.lease, such as 200ms; session.lease is 200ms (cloakroom.toml:1)
    session.cache (cloakroom.toml:1): found 7, allowed: 8 to 16777216
    session.validation (cloakroom.toml:1): found "Strict", allowed: "strict" or "leased"
    cookie.domain (cloakroom.toml:1): found ".example.org", allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org
    cookie.domain (cloakroom.toml:1): found "org", allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org
    cookie.insecure (cloakroom.toml:1): found 1, allowed: true or false
    login.concurrency (cloakroom.toml:1): found 0, allowed: 1 to 64
    login.concurrency (cloakroom.toml:1): found 65, allowed: 1 to 64
    log.format (cloakroom.toml:1): found "xml", allowed: "auto", "text" or "json"
    log.filter (cloakroom.toml:1): found "cloakroom=loud", allowed: a level (error, warn, info, debug, trace) or directives such as info,cloakroom_sql=debug
    log.filter (cloakroom.toml:1): found ["info"], allowed: a level (error, warn, info, debug, trace) or directives such as info,cloakroom_sql=debug
    log.filter (cloakroom.toml:1): found "\u{1b}[2J=\n=", allowed: a level (error, warn, info, debug, trace) or directives such as info,cloakroom_sql=debug
    "#);
}

#[test]
fn limits_that_do_not_fit_each_other() {
    assert_snapshot!(table([
        "session.absolute_timeout = '401d'",
        "session.absolute_timeout = '0s'",
        "session.absolute_timeout = '1h'\nsession.idle_timeout = '2h'",
        "session.idle_timeout = '25h'",
        "session.keep_absolute_timeout = '1h'",
        "session.keep_idle_timeout = '31d'",
        "session.touch_every = '2h'",
        "session.recent = '0s'",
        "session.max_per_subject = 0",
        "session.retention = '401d'",
        "session.feed_retention = '59m'",
        "session.client_retention = '401d'",
        "cookie.domain = 'example.org'",
        "cookie.domain = 'example.org'\npublic_url = 'https://login.badexample.org'",
    ].map(mistake)), @r#"
    session.absolute_timeout (cloakroom.toml:1): found "401d", allowed: 1s to 400d, such as 12h
    session.absolute_timeout (cloakroom.toml:1): found "0s", allowed: 1s to 400d, such as 12h
    session.idle_timeout (cloakroom.toml:2): found "2h", allowed: 1s up to session.absolute_timeout, such as 15m or 1h30m; session.absolute_timeout is 1h (cloakroom.toml:1)
    session.idle_timeout (cloakroom.toml:1): found "1d1h", allowed: 1s up to session.absolute_timeout, such as 15m or 1h30m; session.absolute_timeout is 1d (default)
    session.keep_absolute_timeout (cloakroom.toml:1): found "1h", allowed: from session.absolute_timeout to 400d, such as 30d; session.absolute_timeout is 1d (default)
    session.keep_idle_timeout (cloakroom.toml:1): found "31d", allowed: 1s up to session.keep_absolute_timeout, such as 14d; session.keep_absolute_timeout is 30d (default)
    session.touch_every (cloakroom.toml:1): found "2h", allowed: 0s to 1h, such as 1m
    session.recent (cloakroom.toml:1): found "0s", allowed: 1s to 24h, such as 10m
    session.max_per_subject (cloakroom.toml:1): found 0, allowed: 1 to 10000
    session.retention (cloakroom.toml:1): found "401d", allowed: 0s to 400d, such as 1d
    session.feed_retention (cloakroom.toml:1): found "59m", allowed: 1h to 4000d, such as 30d
    session.client_retention (cloakroom.toml:1): found "401d", allowed: 0s to 400d, such as 30d
    cookie.domain (cloakroom.toml:1): found "example.org" without public_url, allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org
    cookie.domain (cloakroom.toml:1): found "example.org" with public_url "https://login.badexample.org", allowed: a domain name of two labels or more that is no public suffix and covers the host of an https public_url, without a leading dot, such as example.org
    "#);
}

#[test]
fn defaults_give_way_to_what_was_set() {
    let short = given("session.absolute_timeout = '5s'").load().unwrap().policy;
    assert_eq!(short.idle_timeout, Duration::from_secs(5));
    let long = given("session.absolute_timeout = '60d'").load().unwrap().policy;
    assert_eq!(long.keep_absolute_timeout, long.absolute_timeout);
    let keep = given("session.keep_absolute_timeout = '2d'").load().unwrap().policy;
    assert_eq!(keep.keep_idle_timeout, Duration::from_hours(48));
    assert!(
        effective(&given("session.absolute_timeout = '5s'").inputs)
            .unwrap()
            .contains("idle_timeout = \"5s\" # default")
    );
}

#[test]
fn unknown_keys() {
    assert_snapshot!(table([
        "[session]\nidle_timeot = '15m'",
        "idle_timeout = '15m'",
        "sesion.recent = '5m'",
        "[sessions]",
        "[database]\nuri = 'sqlite:x'",
        "database = 'sqlite:x'",
        "[listen]\nport = 1",
        "zzz = 1",
        "\"a\\u001b.b\" = 1",
        "session.leas = '1s'",
    ].map(mistake)), @"
    unknown key session.idle_timeot (cloakroom.toml:2); did you mean session.idle_timeout?
    unknown key idle_timeout (cloakroom.toml:1); did you mean session.idle_timeout?
    unknown key sesion (cloakroom.toml:1); did you mean [session]?
    unknown key sessions (cloakroom.toml:1); did you mean [session]?
    unknown key database.uri (cloakroom.toml:2); did you mean database.url?
    unknown key database (cloakroom.toml:1); it is a section: write [database] and its keys below
    listen (cloakroom.toml:1): found a table, allowed: an IP address and a port, such as 127.0.0.1:8787 or [::]:8787; port 0 takes a free one
    unknown key zzz (cloakroom.toml:1); remove it; `cloakroom config` shows every key
    unknown key a.b (cloakroom.toml:1); remove it; `cloakroom config` shows every key
    unknown key session.leas (cloakroom.toml:1); did you mean session.lease?
    ");
    assert_snapshot!(table([
        env_mistake("CLOAKROOM_SESSION__IDLE_TIMEOT", "15m"),
        env_mistake("CLOAKROOM_SESSION_IDLE_TIMEOUT", "15m"),
        env_mistake("CLOAKROOM_DATABASE_URL", "sqlite:x"),
        env_mistake("CLOAKROOM_listen", "x"),
        env_mistake("CLOAKROOM_ZZZ", "hunter2"),
        env_mistake("CLOAKROOM_", "hunter2"),
    ]), @"
    unknown key CLOAKROOM_SESSION__IDLE_TIMEOT (environment); did you mean CLOAKROOM_SESSION__IDLE_TIMEOUT?
    unknown key CLOAKROOM_SESSION_IDLE_TIMEOUT (environment); did you mean CLOAKROOM_SESSION__IDLE_TIMEOUT?
    unknown key CLOAKROOM_DATABASE_URL (environment); did you mean CLOAKROOM_DATABASE__URL?
    unknown key CLOAKROOM_listen (environment); did you mean CLOAKROOM_LISTEN?
    unknown key CLOAKROOM_ZZZ (environment); remove it; `cloakroom config` shows every key
    unknown key CLOAKROOM_ (environment); remove it; `cloakroom config` shows every key
    ");
}

#[test]
fn wrong_values_in_the_environment() {
    assert_snapshot!(table([
        env_mistake("CLOAKROOM_LISTEN", ""),
        env_mistake("CLOAKROOM_SESSION__MAX_PER_SUBJECT", "+5"),
        env_mistake("CLOAKROOM_DATABASE__MIGRATE", "1"),
        env_mistake("CLOAKROOM_DATABASE__URL", "mysql://ada:hunter2@db/app"),
    ]), @r#"
    listen (CLOAKROOM_LISTEN): found "", allowed: an IP address and a port, such as 127.0.0.1:8787 or [::]:8787; port 0 takes a free one
    session.max_per_subject (CLOAKROOM_SESSION__MAX_PER_SUBJECT): found "+5", allowed: 1 to 10000
    database.migrate (CLOAKROOM_DATABASE__MIGRATE): found "1", allowed: true or false
    database.url (CLOAKROOM_DATABASE__URL): found "mysql:…" (redacted), allowed: sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
    "#);
}

#[test]
fn files_that_cannot_be_used() {
    assert_snapshot!(table([mistake("listen = \n"), mistake("[session]\nrecent = '5m'\nrecent = '6m'\n")]), @"
    cloakroom.toml:1: not TOML: string values must be quoted, expected literal string
    cloakroom.toml:3: not TOML: duplicate key
    ");
    let mut missing = given("");
    missing.inputs.file = Some(missing.dir.path().join("absent.toml"));
    assert_snapshot!(missing.load().unwrap_err(), @"cannot read absent.toml: No such file or directory (os error 2); name a readable file with --config");
    let large = format!("# {}", "x".repeat(1024 * 1024));
    assert_snapshot!(mistake(&large), @"cannot read cloakroom.toml: it is larger than 1 MiB; name a readable file with --config");
}

#[test]
fn beyond_loopback_something_has_to_be_said() {
    let listen =
        |listen: &str, more: &str| given(&format!("listen = '{listen}'\n{more}")).load().unwrap().check_listener();
    for (address, more, allowed) in [
        ("127.0.0.1:0", "", true),
        ("127.8.8.8:1", "", true),
        ("[::1]:1", "", true),
        ("[::ffff:127.0.0.1]:1", "", true),
        ("0.0.0.0:1", "", false),
        ("[::]:1", "", false),
        ("192.168.1.1:1", "", false),
        ("0.0.0.0:1", "public_url = 'http://login.example.org'", false),
        ("0.0.0.0:1", "public_url = 'https://login.example.org'", true),
        ("0.0.0.0:1", "cookie.insecure = true", true),
        ("0.0.0.0:1", "cookie.insecure = false", false),
    ] {
        assert_eq!(listen(address, more).is_ok(), allowed, "{address} {more}");
    }
    assert_snapshot!(told(&listen("0.0.0.0:80", "").unwrap_err()), @"listen 0.0.0.0:80 is reachable from other machines, and without https a session cookie can be read on the way; set public_url to the https:// origin of the proxy in front, or listen on 127.0.0.1, or accept the risk with cookie.insecure = true");
}

#[test]
fn a_public_url_is_what_browsers_send_as_origin() {
    for (typed, origin, host) in [
        ("https://Login.Example.org", "https://login.example.org", "login.example.org"),
        ("https://login.example.org:443/", "https://login.example.org", "login.example.org"),
        ("http://localhost:8787", "http://localhost:8787", "localhost"),
        ("http://[::1]:80", "http://[::1]", "[::1]"),
    ] {
        let config = given(&format!("public_url = '{typed}'")).load().unwrap();
        let url = config.public_url.unwrap();
        assert_eq!((url.as_str(), url.host()), (origin, host), "{typed}");
    }
    for evil in [
        "ftp://a",
        "https://",
        "https://a:0",
        "https://a:",
        "https://*.a.org",
        "https://a?b",
        "https://a#b",
        "//a",
        "https://a_b",
    ] {
        assert!(given(&format!("public_url = '{evil}'")).load().is_err(), "{evil}");
    }
}
