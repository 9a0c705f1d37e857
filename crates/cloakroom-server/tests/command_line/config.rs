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
