//! That every message exists in every language, with the same variables, and that each is said somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cloakroom::{Code, EndReason};
use cloakroom_core::measurement::LoginOutcome;
use cloakroom_core::password::PasswordRefusal;
use fluent_syntax::ast::{CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement};

use super::*;

/// Keys that are put together while the program runs: how the source writes them, and what they can become. Nothing else puts
/// a key together.
fn families() -> Vec<(&'static str, Vec<String>)> {
    let codes = || Code::ALL.iter();
    vec![
        ("code-{code}", codes().map(|code| format!("code-{code}")).collect()),
        // What has a title and says what to do next: a code, or what an application is told.
        ("{message}-next", ["service-token-needed-next", "service-token-scope-next"].map(str::to_owned).to_vec()),
        ("code-{code}-next", codes().map(|code| format!("code-{code}-next")).collect()),
        ("ended-{reason}", EndReason::ALL.iter().map(|reason| format!("ended-{reason}")).collect()),
        (
            "came-{}",
            EndReason::ALL
                .iter()
                .map(|reason| format!("came-{reason}"))
                .chain(["came-idle-after", "came-absolute-after"].map(str::to_owned))
                .collect(),
        ),
        (
            "chart-login-{}",
            LoginOutcome::ALL.iter().map(|outcome| format!("chart-login-{}", outcome.as_str())).collect(),
        ),
        ("config-allowed-{}", crate::config::keys::names().map(allowed).collect()),
        // Said on the command line alone, whose tests know them.
        ("column-{title}", Vec::new()),
        ("migrate-gone-{table}", Vec::new()),
        ("password-{}", PasswordRefusal::CODES.iter().map(|code| format!("password-{code}")).collect()),
    ]
}

fn allowed(key: &str) -> String {
    crate::config::keys::allowed(key).key().to_owned()
}

/// What the command line alone says: its own tests hold these against its commands and against what it says, and a technical line
/// that stands in English only may have other values.
const OF_COMMAND_LINE: &[&str] = &[include_str!("../../locales/en/cli.ftl"), include_str!("../../locales/en/help.ftl")];

/// Each message of a language with its variables.
fn messages(texts: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for text in texts {
        for entry in fluent_syntax::parser::parse(*text).expect("a catalogue that can be read").body {
            let Entry::Message(message) = entry else { continue };
            let mut variables = BTreeSet::new();
            of_pattern(&message.value.expect("a message says something"), &mut variables);
            let twice = found.insert(message.id.name.to_owned(), variables);
            assert_eq!(twice, None, "{} stands twice", message.id.name);
        }
    }
    found
}

fn of_pattern(pattern: &Pattern<&str>, variables: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, variables);
        }
    }
}

fn of_expression(expression: &Expression<&str>, variables: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, variables),
        Expression::Select { selector, variants } => {
            of_inline(selector, variables);
            for variant in variants {
                of_pattern(&variant.value, variables);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, variables: &mut BTreeSet<String>) {
    match inline {
        InlineExpression::VariableReference { id } => drop(variables.insert(id.name.to_owned())),
        InlineExpression::Placeable { expression } => of_expression(expression, variables),
        InlineExpression::FunctionReference { arguments: CallArguments { positional, named }, .. } => {
            for inline in positional.iter().chain(named.iter().map(|argument| &argument.value)) {
                of_inline(inline, variables);
            }
        }
        _ => {}
    }
}

/// Every file below a directory of the crate that ends so.
fn files(below: &str, ending: &str) -> Vec<PathBuf> {
    fn walk(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join(below), ending, &mut found);
    found.sort();
    found
}

/// What is said from: templates whole, and Rust files up to their tests.
fn sources() -> Vec<(PathBuf, String)> {
    let is_test = |path: &PathBuf| {
        path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "fuzzed.rs")))
    };
    let rust = files("src", ".rs").into_iter().filter(|path| !is_test(path));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let shipped = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (path, shipped)
    };
    rust.chain(files("templates", "")).map(read).collect()
}

/// The text of the literal that begins each `start`, and what follows it.
fn literals<'a>(text: &'a str, start: &str) -> Vec<(&'a str, &'a str)> {
    text.split(start).skip(1).filter_map(|rest| rest.split_once('"')).collect()
}

#[test]
fn both_languages_have_the_same_messages_with_the_same_variables() {
    let (english, japanese) = (messages(ENGLISH), messages(JAPANESE));
    let names = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<BTreeSet<_>>();
    let lonely: Vec<_> = names(&english).symmetric_difference(&names(&japanese)).cloned().collect();
    assert!(lonely.is_empty(), "only in one language: {lonely:?}");
    let of_command_line = messages(OF_COMMAND_LINE);
    for (key, variables) in english.iter().filter(|(key, _)| !of_command_line.contains_key(*key)) {
        assert_eq!(variables, &japanese[key], "the variables of {key} differ between languages");
    }
}

#[test]
fn every_file_of_the_catalogue_is_read_in_both_languages() {
    for (tag, texts) in [("en", ENGLISH), ("ja", JAPANESE)] {
        let files = files(&format!("locales/{tag}"), ".ftl");
        let mut found: Vec<_> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let mut read: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        found.sort();
        read.sort();
        assert!(found == read, "locales/{tag} has other files than the list at the top of locale.rs");
    }
}

#[test]
fn every_message_that_is_said_exists_and_every_one_that_exists_is_said() {
    let known = messages(ENGLISH);
    let families = families();
    let mut said: BTreeSet<String> = families.iter().flat_map(|(_, keys)| keys.clone()).collect();
    let missing: Vec<_> = said.iter().filter(|key| !known.contains_key(*key)).collect();
    assert!(missing.is_empty(), "of a family, but in no file: {missing:?}");
    for (path, text) in sources() {
        let path = path.display().to_string();
        // What is said to the supervisor of services is an assignment.
        for (key, rest) in literals(&text, "say(\"").into_iter().filter(|(key, _)| !key.contains('=')) {
            let variables = known.get(key).unwrap_or_else(|| panic!("{path} says {key}, which is in no file"));
            // The doctor's findings take their values one by one.
            let is_plain = rest.starts_with(')') && !rest.trim_start_matches(')').trim_start().starts_with(".with(");
            assert!(!is_plain || variables.is_empty(), "{path} says {key} without its {variables:?}");
        }
        // The doctor's findings take values so, not messages.
        let of_words = if path.contains("cli/doctor") { "" } else { &*text };
        for (key, _) in literals(of_words, ".with(\"") {
            assert!(known.contains_key(key), "{path} says {key}, which is in no file");
        }
        for start in ["say(&format!(\"", "with(&format!(\"", "key = format!(\""] {
            for (pattern, _) in literals(&text, start) {
                let is_declared = families.iter().any(|(declared, _)| *declared == pattern);
                assert!(is_declared, "{path} puts a key together that is no family here: {pattern}");
            }
        }
        said.extend(known.keys().filter(|key| text.contains(&format!("\"{key}\""))).cloned());
    }
    // What the command line alone says, its own tests hold against its commands and against what it says.
    let of_command_line =
        messages(&[include_str!("../../locales/en/cli.ftl"), include_str!("../../locales/en/help.ftl")]);
    let unused: Vec<_> =
        known.keys().filter(|key| !said.contains(*key) && !of_command_line.contains_key(*key)).collect();
    assert!(unused.is_empty(), "in the files, but said nowhere: {unused:?}");
    assert!(said.len() > 100, "{}", said.len());
}

#[test]
fn text_is_shown_as_it_is_and_numbers_as_numbers() {
    let catalogue = Catalogue::load().unwrap();
    let say = |key, values: &[(&str, String)]| catalogue.say(Locale::English, key, values);
    for name in ["007", "2026", "1000000"] {
        assert_eq!(say("account-signed-in-as", &[("name", name.to_owned())]), format!("Signed in as {name}"));
    }
    for (count, wanted) in [(1, "one day ago"), (2, "2 days ago"), (999, "999 days ago"), (1_000, "1,000 days ago")] {
        assert_eq!(say("time-days-ago", &[("count", count.to_string())]), wanted);
    }
    assert_eq!(say("time-days-ago", &[("count", "1234567".to_owned())]), "1,234,567 days ago");
}

#[test]
fn negotiation_takes_the_heaviest_we_speak() {
    for (header, wanted) in [
        ("", None),
        ("ja", Some(Locale::Japanese)),
        ("JA-jp", Some(Locale::Japanese)),
        ("de, fr;q=0.9", None),
        ("en;q=0.5, ja;q=0.501", Some(Locale::Japanese)),
        ("ja;q=0, en;q=0.1", Some(Locale::English)),
        ("ja;q=nonsense", None),
        ("fr, ja;q=0.8, en;q=0.7", Some(Locale::Japanese)),
    ] {
        assert_eq!(Locale::negotiate(Some(header)), wanted, "{header}");
    }
    assert_eq!(Locale::negotiate(Some(&"ja,".repeat(1_000))), None);
}

proptest::proptest! {
    #[test]
    fn no_header_makes_it_panic(header in "\\PC{0,60}|[a-z;q=.,0-9]{0,60}") {
        let _ = Locale::negotiate(Some(&header));
    }
}
