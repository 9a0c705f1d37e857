//! A published checker of security headers (shcheck) finds nothing missing and nothing that tells too much, over plain http and behind https.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::process::Place;

/// What the checker says of one address; `cargo xtask test` has put it there.
fn checked(url: &str) -> Value {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/shcheck");
    assert!(tool.exists(), "the header checker is needed: `cargo xtask test` installs it");
    let mut command = Command::new("python3");
    // Answers as a browser gets them, with caching and what servers tell of themselves; redirects are followed.
    command.env("PYTHONPATH", tool).args(["-m", "shcheck.shcheck", "-g", "-i", "-x", "-j", url]);
    let output = command.output().expect("python3 is needed: `cargo xtask test` installs it");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let [(_, said)] = &said.as_object().unwrap().iter().collect::<Vec<_>>()[..] else { panic!("{url}: {said}") };
    (*said).clone()
}

#[test]
fn a_published_header_checker_finds_nothing_missing() {
    // Said by `cargo xtask test`, where the registry could not be reached.
    if std::env::var_os("CLOAKROOM_WITHOUT_SCANNER").is_some() {
        println!("NOT RUN: the header checker could not be fetched");
        return;
    }
    let http = Place::new();
    let https = Place::new().with("PUBLIC_URL", "https://login.example.org");
    for (place, is_https) in [(http, false), (https, true)] {
        let server = place.serve();
        for path in ["/login", "/", "/account", "/nowhere", "/api/v1/session", "/healthz"] {
            let said = checked(&format!("http://{}{path}", server.address()));
            assert_eq!(said["missing"], serde_json::json!([]), "{path}: {said}");
            assert_eq!(said["information_disclosure"], serde_json::json!({}), "{path}: {said}");
            let present = said["present"].as_object().unwrap();
            assert!(present.len() >= 7, "{path}: {said}");
            assert_eq!(present.contains_key("Strict-Transport-Security"), is_https, "{path}: {said}");
        }
    }
}
