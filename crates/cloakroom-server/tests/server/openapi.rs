//! The document of the JSON interface as it is served and printed. That it tells the truth is held against every answer in `document`.

use serde_json::Value;

use crate::process::Place;

const CHECKED_IN: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn the_document_is_served_to_everybody_and_may_be_kept() {
    let server = Place::new().serve();
    let mut client = server.client();
    let answer = client.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert!(answer.set_cookies().is_empty() && answer.header("vary").is_none(), "the same for everybody: {answer:?}");
    for usual in ["content-security-policy", "x-content-type-options", "x-request-id"] {
        assert!(answer.header(usual).is_some(), "{usual}");
    }
    assert_eq!(answer.json(), serde_json::from_str::<Value>(CHECKED_IN).unwrap());
    let refused = client.post("/openapi.json");
    assert_eq!((refused.status, refused.code().as_str()), (405, "method_not_allowed"), "a problem, and no page");
    assert_eq!(refused.header("allow"), Some("GET,HEAD"));
}

#[test]
fn the_command_prints_what_is_checked_in() {
    let place = Place::new();
    // Whatever is configured, and without a database.
    std::fs::write(place.file("cloakroom.toml"), "nonsense").unwrap();
    let output = place.run(&["openapi"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), CHECKED_IN);
    assert!(!place.file("cloakroom.db").exists());
}
