//! The texts of the command line: none missing, none left over, the same commands in both languages, and the page about them.

mod messages;
mod page;

use std::collections::BTreeSet;

use clap::{Arg, Command};
use unicode_width::UnicodeWidthStr as _;

use super::help::{about_key, arg_key, examples, for_terminal};
use super::tree;
use super::voice::Voice;
use crate::locale::Locale;

const BOTH: [Locale; 2] = [Locale::English, Locale::Japanese];

fn voice(locale: Locale) -> Voice {
    Voice::of(locale).unwrap()
}

/// Every command with where it stands (`-account-add`), as it is before clap adds to it.
fn walk<'a>(command: &'a Command, path: &str, see: &mut impl FnMut(&str, &'a Command)) {
    see(path, command);
    for below in command.get_subcommands() {
        walk(below, &format!("{path}-{}", below.get_name()), see);
    }
}

fn own_args(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments()
}

#[test]
fn every_command_and_argument_has_its_words_and_no_words_are_left_over() {
    for locale in BOTH {
        let voice = voice(locale);
        let tree = tree(&voice);
        let mut used = BTreeSet::new();
        walk(&tree, "", &mut |path, command| {
            let about = about_key(path);
            assert!(voice.knows(&about), "{about} is missing in {locale:?}");
            assert!(examples(path, &voice).is_some(), "{about}-examples is missing in {locale:?}");
            used.extend([format!("{about}-examples"), format!("{about}-long"), about]);
            for arg in own_args(command) {
                let key = arg_key(arg, path, &voice);
                assert!(voice.knows(&key), "{key} is missing in {locale:?} (of `cloakroom{}`)", path.replace('-', " "));
                used.insert(key);
            }
        });
        let file = match locale {
            Locale::English => include_str!("../../locales/en/help.ftl"),
            Locale::Japanese => include_str!("../../locales/ja/help.ftl"),
        };
        for key in messages::keys(file) {
            let is_heading =
                ["help-heading-", "help-values", "help-default", "man-"].iter().any(|k| key.starts_with(k));
            assert!(is_heading || used.contains(key), "{key} of help.ftl belongs to nothing");
        }
    }
}

/// Redirections are the shell's.
fn typed(line: &str) -> Vec<&str> {
    line.split_whitespace().take_while(|word| !matches!(*word, ">" | "<")).collect()
}

#[test]
fn every_example_can_be_typed_and_is_the_same_in_both_languages() {
    let mut seen = 0;
    let commands_of = |path: &str, locale| -> Vec<String> {
        let text = examples(path, &voice(locale)).unwrap();
        text.lines().filter(|line| !line.starts_with("# ")).map(str::to_owned).collect()
    };
    let english = tree(&voice(Locale::English));
    walk(&english, "", &mut |path, _| {
        let lines = commands_of(path, Locale::English);
        assert_eq!(lines, commands_of(path, Locale::Japanese), "{path}");
        for line in lines {
            let words = typed(&line);
            assert_eq!(words[0], "cloakroom", "{line}");
            if let Err(error) = english.clone().try_get_matches_from(words) {
                panic!("{line}: {error}");
            }
            seen += 1;
        }
    });
    assert!(seen > 30, "{seen}");
}

#[test]
fn help_is_in_one_language_and_fits() {
    for locale in BOTH {
        let mut tree = for_terminal(tree(&voice(locale)));
        tree.build();
        walk(&tree, "", &mut |path, command| {
            for help in [command.clone().render_help(), command.clone().render_long_help()] {
                let help = help.to_string();
                for line in help.lines().filter(|line| !line.starts_with("  cloakroom ")) {
                    assert!(line.width() <= 100, "{locale:?} {path}: {} columns: {line}", line.width());
                }
                if locale == Locale::Japanese {
                    for english in
                        ["Usage:", "Commands:", "Options:", "Arguments:", "Examples:", "[default", "Print", "possible"]
                    {
                        assert!(!help.contains(english), "{english} in the Japanese help of {path}: {help}");
                    }
                }
            }
        });
    }
}
