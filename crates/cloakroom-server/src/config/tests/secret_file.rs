//! A secret in a file of its own.

use super::*;

const URL: &str = "postgres://ada:hunter2-hunter2@db.example/app";

fn with_file(text: &str) -> Given {
    let given = given("");
    let path = given.dir.path().join("url");
    fs::write(&path, text).unwrap();
    given.env("CLOAKROOM_DATABASE__URL_FILE", path.to_str().unwrap())
}

#[test]
fn it_is_read_without_the_end_of_its_line_and_shown_without_its_text() {
    for end in ["", "\n", "\r\n"] {
        let given = with_file(&format!("{URL}{end}"));
        assert_eq!(given.load().unwrap().database.url.reveal(), URL);
        let shown = given.neutral(&effective(&given.inputs).unwrap());
        assert!(shown.contains("database.url = \"postgres:…\" # database.url_file: url\n"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let given = given("");
    fs::write(given.dir.path().join("url"), URL).unwrap();
    let line = format!("[database]\nurl_file = {:?}", given.dir.path().join("url"));
    fs::write(given.dir.path().join("cloakroom.toml"), line).unwrap();
    assert_eq!(given.load().unwrap().database.url.reveal(), URL);
    let all = crate::config::in_effect(&given.inputs).unwrap();
    let value = |key| all.iter().find(|shown| shown.key == key).unwrap().value.as_deref();
    assert_eq!((value("database.url"), value("session.idle_timeout")), (Some("\"postgres:…\""), Some("\"2h\"")));
    assert_eq!((value("cookie.domain"), value("login.network_failures")), (None, Some("100")));
}

#[test]
fn mistakes_with_it_are_told_without_its_text() {
    let missing = given("").env("CLOAKROOM_DATABASE__URL_FILE", "missing/url");
    let both = with_file(URL).env("CLOAKROOM_DATABASE__URL", URL);
    let nearly = given("").env("CLOAKROOM_DATABASE__URL_FIEL", "x");
    let told = |given: Given| given.load().map(drop).unwrap_err();
    let large = with_file(&"x".repeat(70_000));
    assert_snapshot!(table([
        told(missing), told(both), told(with_file("")), told(with_file("\n")), told(with_file("hunter2\n")), told(large), told(nearly),
    ]), @r#"
    database.url_file (CLOAKROOM_DATABASE__URL_FILE): found "missing/url" (No such file or directory (os error 2)), allowed: the path of a file that can be read and holds the value in one line; not beside the key itself
    database.url (CLOAKROOM_DATABASE__URL) and database.url_file (CLOAKROOM_DATABASE__URL_FILE) are both set; remove one of them
    database.url_file (CLOAKROOM_DATABASE__URL_FILE): found "url" (it is empty), allowed: the path of a file that can be read and holds the value in one line; not beside the key itself
    database.url_file (CLOAKROOM_DATABASE__URL_FILE): found "url" (it is empty), allowed: the path of a file that can be read and holds the value in one line; not beside the key itself
    database.url (database.url_file: url): found "…" (redacted), allowed: sqlite: and a path, such as sqlite:/var/lib/cloakroom/cloakroom.db, or a URL such as postgres://USER:PASSWORD@HOST/DATABASE
    database.url_file (CLOAKROOM_DATABASE__URL_FILE): found "url" (it is larger than 64 KiB), allowed: the path of a file that can be read and holds the value in one line; not beside the key itself
    unknown key CLOAKROOM_DATABASE__URL_FIEL (environment); did you mean CLOAKROOM_DATABASE__URL_FILE?
    "#);
    // A flag stands above the file, as above everything.
    let mut flagged = with_file(URL);
    flagged.inputs.database = Some("sqlite:x.db".to_owned());
    assert_eq!(flagged.load().unwrap().database.url.reveal(), "sqlite:x.db");
}
