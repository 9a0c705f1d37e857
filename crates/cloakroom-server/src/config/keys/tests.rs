//! That the table of keys is the one the documentation shows.

use super::super::layers::env_name;
use super::*;

#[test]
fn suggestions_are_near_or_absent() {
    for (typed, meant) in [
        ("listn", Some("listen")),
        ("publicurl", Some("public_url")),
        ("login.concurency", Some("login.concurrency")),
        ("cookies.domain", Some("cookie.domain")),
        ("proxy.trusts", Some("proxy.trusted")),
        ("colour", None),
        ("", None),
    ] {
        assert_eq!(nearest(typed), meant, "{typed}");
    }
}

#[test]
fn the_documentation_lists_every_key_as_declared() {
    let page = include_str!("../../../../../docs/configuration.md");
    let wanted: Vec<String> = ALL
        .iter()
        .map(|key| {
            let [kind, default, allowed, doc] = key.documented();
            format!("| `{}` | {kind} | {default} | {allowed} | {doc} |", key.name())
        })
        .collect();
    let found: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(
        found.join("\n"),
        wanted.join("\n"),
        "docs/configuration.md has another table than config/keys.rs; copy the one on the right"
    );
    for key in ALL {
        assert!(env_name(key.name()).starts_with("CLOAKROOM_"));
    }
}
