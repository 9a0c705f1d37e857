//! `cloakroom config` as an operator types it.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn findings(ended: &Ended) -> Vec<String> {
    let json: Value = serde_json::from_str(&ended.out).unwrap();
    let found = json["findings"].as_array().unwrap().iter();
    found.map(|one| format!("{} {}", one["severity"].as_str().unwrap(), one["key"].as_str().unwrap_or("-"))).collect()
}

#[test]
fn a_check_fails_on_mistakes_and_with_strict_on_warnings() {
    let place = Place::new();
    std::fs::set_permissions(place.0.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let write = |text: &str| std::fs::write(place.0.path().join("cloakroom.toml"), text).unwrap();
    let note = "note: session.idle_timeout: a session lives unused for 2h; NIST SP 800-63B-4 recommends 24h in all and 1h of \
                inactivity at AAL2; shorten it where that is wanted\n";
    assert_eq!(place.run(&["config", "check", "--strict"]).done(), format!("{note}the configuration is valid\n"));

    write("[metrics]\nlisten = '0.0.0.0:9787'\n");
    let warned = place.run(&["config", "check"]).done();
    assert!(
        warned.starts_with("warning: metrics.listen: metrics are shown to whoever reaches 0.0.0.0:9787"),
        "{warned}"
    );
    let strict = place.run(&["config", "check", "--strict"]);
    assert_eq!(strict.out, "", "what fails stands alone");
    assert!(strict.refused().contains("metrics.listen: metrics are shown"));
    let json = place.run(&["config", "check", "--json"]);
    assert_eq!(findings(&json), ["warning metrics.listen", "note session.idle_timeout"]);
    assert_eq!(json.code, Some(0));

    write("listen = '0.0.0.0:8787'\n");
    assert!(place.run(&["config", "check"]).refused().contains("listen 0.0.0.0:8787 is reachable from other machines"));
    write("listn = 'x'\n");
    let json = place.run(&["config", "check", "--json"]);
    assert_eq!(findings(&json), ["error -"]);
    assert!(json.refused().contains("did you mean listen?"));
}

#[test]
fn what_is_wrong_and_what_will_hurt_is_said_in_japanese_too() {
    let place = Place::new();
    std::fs::set_permissions(place.0.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let write = |text: &str| std::fs::write(place.0.path().join("cloakroom.toml"), text).unwrap();
    let said = |args: &[&str]| place.run(&[&["--language", "ja"], args].concat());

    write("[metrics]\nlisten = '0.0.0.0:9787'\n");
    let warned = said(&["config", "check"]).done();
    assert_eq!(
        warned,
        "警告: metrics.listen: 0.0.0.0:9787 に接続できる人なら誰でも、ログインせずにメトリクスを見られます。\
         127.0.0.1 で待ち受けるか、収集する側だけをファイアウォールで通してください\n\
         参考: session.idle_timeout: 使われていないセッションが 2h 続きます。\
         NIST SP 800-63B-4 は、AAL2 では全体で 24h、無操作で 1h を推奨しています。AAL2 が必要なら短くしてください\n\
         設定に問題はありません\n"
    );
    write("[metrics]\nlisten = '0.0.0.0:9787'\n[cookie]\ninsecure = true\n");
    let strict = said(&["config", "check", "--strict"]).refused();
    assert!(strict.contains("設定してください。また、metrics.listen: "), "{strict}");

    for (file, line) in [
        (
            "[session]\nidle_timeot = '15m'",
            "session.idle_timeot という設定キーはありません（cloakroom.toml:2）。session.idle_timeout のことですか？",
        ),
        (
            "zzz = 1",
            "zzz という設定キーはありません（cloakroom.toml:1）。取り除いてください。`cloakroom config` ですべてのキーを確認できます",
        ),
        (
            "session = 1",
            "session という設定キーはありません（cloakroom.toml:1）。これはセクションです。[session] と書き、その下にキーを並べてください",
        ),
        (
            "login.concurrency = 65",
            "login.concurrency に 65 は指定できません（cloakroom.toml:1）。指定できるのは、1 から 64 までです",
        ),
        (
            "session.cache = 1.5",
            "session.cache に 1.5 は指定できません（cloakroom.toml:1）。指定できるのは、8 から 16777216 までです",
        ),
        (
            "session.idle_timeout = '25h'",
            "session.idle_timeout に \"1d1h\" は指定できません（cloakroom.toml:1）。指定できるのは、15m や 1h30m のような、1s から session.absolute_timeout までの時間です。session.absolute_timeout は 1d です（既定値）",
        ),
        ("listen = '0.0.0.0:8787'", "listen が 0.0.0.0:8787 のため、ほかのマシンから接続できますが、"),
        ("listen =", "設定ファイル cloakroom.toml:1 は TOML として正しくありません（"),
    ] {
        write(file);
        // A server does not start with it, for the same reason.
        for args in [&["config", "check"][..], &["serve"]] {
            let refused = said(args).refused();
            assert!(refused.starts_with(&format!("cloakroom: {line}")), "{args:?}: {refused}");
        }
    }
}

#[test]
fn findings_for_programs_have_codes_and_no_language() {
    let place = Place::new();
    let write = |text: &str| std::fs::write(place.0.path().join("cloakroom.toml"), text).unwrap();
    for (file, code) in [
        ("cookie.insecure = true", "cookie-over-http"),
        ("listn = 'x'", "key-unknown"),
        ("listen = 1", "value-refused"),
        ("listen =", "file-not-toml"),
        ("listen = '0.0.0.0:1'", "listener"),
        ("password.breached_hashes = 'missing'", "breached-hashes"),
    ] {
        write(file);
        let [english, japanese] =
            ["en", "ja"].map(|tag| place.run(&["config", "check", "--json", "--language", tag]).out);
        assert_eq!(english, japanese, "{file}");
        let json: Value = serde_json::from_str(&english).unwrap();
        assert_eq!(json["findings"][0]["code"], code, "{json}");
        assert!(json["findings"][0]["why"].as_str().unwrap().is_ascii(), "{json}");
    }
}

#[test]
fn a_password_in_a_file_of_its_own_is_used_and_shown_by_nothing() {
    let place = Place::new();
    let secret = place.0.path().join("url");
    std::fs::write(&secret, "postgres://ada:hunter2-hunter2@localhost:1/app\n").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(place.0.path().join("cloakroom.toml"), "database.url_file = 'url'\n").unwrap();
    for args in [
        &["config"][..],
        &["config", "--json"],
        &["config", "check"],
        &["account", "list"],
        &["backup", "x"],
        &["doctor"],
    ] {
        let ended = place.run(args);
        assert!(!ended.out.contains("hunter2") && !ended.err.contains("hunter2"), "{args:?}: {ended:?}");
    }
    let json: Value = serde_json::from_str(&place.run(&["config", "--json"]).done()).unwrap();
    let url = json.as_array().unwrap().iter().find(|shown| shown["key"] == "database.url").unwrap();
    assert_eq!((&url["value"], &url["source"]), (&"postgres:…".into(), &"database.url_file: url".into()));
    assert!(place.run(&["account", "list"]).refused().contains("postgres://ada@localhost:1/app"));
    let warned = place.run(&["config", "check"]).done();
    assert!(
        warned.contains("database.url: every user of this machine can read the password in url (mode 0644)"),
        "{warned}"
    );
}

#[test]
fn the_example_is_a_configuration() {
    let place = Place::new();
    let example = place.run(&["config", "example"]).done();
    let before = place.run(&["config"]).done();
    std::fs::write(place.0.path().join("cloakroom.toml"), example).unwrap();
    assert_eq!(place.run(&["config"]).done(), before);
}
