//! Messages and the code that says them, compared as texts: a message nobody says is left over, a key without a message is
//! missing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{BOTH, voice};

/// The keys of a Fluent file.
pub(super) fn keys(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    lines.filter_map(|line| line.split_once(" =")).map(|(key, _)| key)
}

/// Every source file that speaks to whoever runs a command.
fn sources() -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut waiting: Vec<PathBuf> =
        ["cli", "cli.rs", "exit.rs", "interrupt.rs", "main.rs", "server.rs", "telemetry.rs"]
            .map(|name| src.join(name))
            .into();
    let mut text = String::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if !path.components().any(|part| part.as_os_str() == "tests") && !path.ends_with("tests.rs") {
            text += &fs::read_to_string(&path).unwrap();
        }
    }
    text
}

/// What stands in quotation marks and looks like a key.
fn quoted(text: &str) -> BTreeSet<&str> {
    let is_key = |part: &&str| {
        part.contains('-')
            && part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.lines().flat_map(|line| line.split('"').skip(1).step_by(2)).filter(is_key).collect()
}

#[test]
fn what_is_said_has_a_message_and_every_message_is_said() {
    let text = sources();
    let quoted = quoted(&text);
    let english: BTreeSet<_> = keys(include_str!("../../../locales/en/cli.ftl")).collect();
    for key in &english {
        let is_said = quoted.contains(key)
            || key.strip_prefix("column-").is_some_and(|title| text.contains(&format!("\"{title}\"")))
            || key.starts_with("migrate-gone-"); // of each table: `migrate down` asks for them by name
        assert!(is_said, "{key} of cli.ftl is said nowhere");
    }
    let kinds: BTreeSet<_> = english.iter().filter_map(|key| key.split('-').next()).collect();
    for key in quoted {
        let looks_like_ours = key.split('-').next().is_some_and(|kind| kinds.contains(kind));
        for locale in BOTH {
            let exists = voice(locale).knows(key) || voice(locale).knows(&format!("column-{key}"));
            assert!(!looks_like_ours || exists, "{key} is said in {locale:?}, but there is no such message");
        }
    }
}
