//! Properties of the configuration, for any file: what is accepted is shown as a file that means the same, and no unknown key passes.

use proptest::prelude::*;

use super::keys;
use super::{Config, ConfigError, Inputs, effective};
use crate::mutation::mutated;

const WORDS: &[&str] = &[
    "listen",
    "public_url",
    "[session]",
    "[database]",
    "[cookie]",
    "[log]",
    "session.",
    "idle_timeout",
    "absolute_timeout",
    "lease",
    "poll",
    "cache",
    "url",
    "domain",
    "filter",
    "breached_hashes",
    "=",
    "\"",
    "'",
    "'''",
    "\n",
    "#",
    "\\u001b",
    "\\u0301",
    "\\U0001F980",
    "\\n",
    "\u{7f}",
    "\u{301}",
    "\u{202e}",
    "true",
    "1",
    "300ms",
    "1h",
    "15d",
    "0s",
    "sqlite:",
    "postgres://ada:secret@db/app",
    "https://",
    "example.org",
    "{",
    "}",
    ".",
    ",",
    "[",
    "]",
];

/// A file that is written anew for each case.
struct Case {
    dir: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn inputs(&self, text: &[u8]) -> Inputs {
        let path = self.dir.path().join("cloakroom.toml");
        std::fs::write(&path, text).unwrap();
        Inputs { file: Some(path), ..Inputs::default() }
    }
}

/// What is accepted is shown as a file that is accepted too and is the same configuration.
fn check(case: &Case, text: &[u8]) -> Result<(), TestCaseError> {
    let inputs = case.inputs(text);
    let Ok(config) = Config::load(&inputs) else { return Ok(()) };
    let shown = effective(&inputs).expect("what was loaded can be shown");
    // The one value that is not shown whole.
    let url = config.database.url.reveal();
    let whole = |line: &str| match line.strip_prefix("database.url =") {
        Some(_) if !config.database.url.is_file() => format!("database.url = {}", quoted(url)),
        _ => line.to_owned(),
    };
    let written: Vec<String> = shown.lines().map(whole).collect();
    let again = Config::load(&case.inputs(written.join("\n").as_bytes()));
    prop_assert!(again.is_ok(), "{:?} after\n{}\nshown as\n{}", again.err(), String::from_utf8_lossy(text), shown);
    prop_assert_eq!(format!("{:?}", again.unwrap()), format!("{:?}", config), "{}", shown);
    Ok(())
}

/// As TOML that needs no thought: every character by its number.
fn quoted(text: &str) -> String {
    let escaped: Vec<String> = text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    format!("\"{}\"", escaped.concat())
}

/// Values that go together or do not, of every kind a key has.
fn value() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        4 => prop::sample::select(&[
            "1h", "15m", "300ms", "100ms", "10ms", "2s", "1d", "20d", "30d", "400d", "leased", "strict", "json", "text", "info", "debug",
            "127.0.0.1:0", "[::1]:80", "https://login.example.org", "http://localhost:1", "example.org", "sqlite:a.db",
            "postgres://ada:secret@db/app", "info,cloakroom_sql=debug",
        ][..]).prop_map(str::to_owned),
        1 => "sqlite:\\PC{1,6}|\\PC{0,6}|[\\x01-\\x7f]{1,4}",
    ];
    let text = text.prop_map(|text| quoted(&text));
    prop_oneof![6 => text, 1 => any::<bool>().prop_map(|flag| flag.to_string()), 2 => (0..70_i64).prop_map(|n| n.to_string())]
}

fn file() -> impl Strategy<Value = String> {
    let names: Vec<&str> = keys::ALL.iter().map(|key| key.name()).collect();
    let line = (prop::sample::select(names), value());
    prop::collection::btree_map(line.0, line.1, 0..5)
        .prop_map(|lines| lines.iter().fold(String::new(), |text, (name, value)| text + &format!("{name} = {value}\n")))
}

/// No key, nor a section.
fn unknown() -> impl Strategy<Value = String> {
    "((session|database|cookie|log|login)\\.)?[a-z_]{1,16}"
        .prop_filter("known", |name| keys::declared(name).is_none() && !keys::is_section(name))
}

proptest! {
    #[test]
    fn any_accepted_file_is_shown_as_one_that_means_the_same(text in mutated("configuration", WORDS)) {
        check(&Case::new(), &text)?;
    }

    #[test]
    fn any_accepted_values_are_shown_as_a_file_that_means_the_same(text in file()) {
        check(&Case::new(), text.as_bytes())?;
    }

    #[test]
    fn an_unknown_key_is_refused_wherever_it_stands(text in file(), name in unknown(), value in value(), is_first in any::<bool>()) {
        let line = format!("{name} = {value}\n");
        let text = if is_first { line + &text } else { text + &line };
        let refused = Config::load(&Case::new().inputs(text.as_bytes())).expect_err(&text);
        let ConfigError::Unknown { name: said, .. } = &refused else { return Err(TestCaseError::fail(format!("{text}: {refused:?}"))) };
        prop_assert!(said.contains(&name), "{}: {:?}", text, refused);
    }
}
