//! That the table of keys is the one the documentation shows.

use super::super::layers::env_name;
use super::*;
use crate::cli::voice::Voice;

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
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with('|')).collect();
    let found = rows.join("\n") + "\n";
    assert_eq!(
        found,
        crate::config::example::table(&Voice::of(Locale::English).unwrap()),
        "docs/configuration.md has another table than `cloakroom config reference` prints"
    );
    for key in ALL {
        assert!(env_name(key.name()).starts_with("CLOAKROOM_"));
    }
}

#[test]
fn every_key_has_a_reason_and_every_secret_a_file() {
    for key in ALL {
        let reason = crate::config::reasons::of(key.name()).unwrap_or_else(|| panic!("{} has no reason", key.name()));
        assert!(reason.why.ends_with('.'), "{}", key.name());
        assert!(key.default_shown().is_some() || reason.sample.is_some(), "{} has nothing to begin with", key.name());
    }
    let secret: Vec<_> = ALL.iter().filter(|key| key.is_secret()).map(|key| key.name()).collect();
    assert_eq!(crate::config::secret_file::SECRET_FILES.iter().map(|(_, key)| *key).collect::<Vec<_>>(), secret);
    for (file_key, key) in crate::config::secret_file::SECRET_FILES {
        assert_eq!(*file_key, format!("{key}_file"));
    }
}
