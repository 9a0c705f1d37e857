//! The words of `--help`: every command, argument and heading in the language of the voice. The keys follow from where
//! something stands in the tree of commands, so that none can be forgotten: `help-account-add`, `arg-account-add-admin`, and
//! `arg-yes` for an argument that means the same everywhere. `docs/command-line.md` is the same tree as a page.

use std::io::{self, Write as _};

use clap::{Arg, ArgAction, Command};

use super::fold::{folded, unfolded};
use super::voice::Voice;
use crate::exit::Failure;

/// What stands where, in clap's own notation.
const TEMPLATE: &str = "{about-with-newline}\n%USAGE%: {usage}\n\n{all-args}{after-help}";

/// The tree of commands with all its texts.
pub(super) fn spoken(command: Command, voice: &Voice) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true);
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let own = command.disable_help_flag(true).disable_help_subcommand(true).disable_version_flag(true);
    worded(own.arg(help).arg(version), "", voice)
}

/// The same with paragraphs in lines as wide as a terminal; manual pages and completions have their own width.
pub(super) fn for_terminal(mut tree: Command) -> Command {
    let names: Vec<_> = tree.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names {
        tree = tree.mut_subcommand(&name, for_terminal);
    }
    match tree.get_long_about().map(ToString::to_string) {
        Some(long) => tree.long_about(folded(&long)),
        None => tree,
    }
}

/// A command, and those below it, in words. `path` is where it stands: `-account-add`, or nothing for the program itself.
fn worded(mut command: Command, path: &str, voice: &Voice) -> Command {
    let ids: Vec<_> = command.get_arguments().map(|arg| arg.get_id().clone()).collect();
    for id in ids {
        command = command.mut_arg(id, |arg| with_help(arg, path, voice));
    }
    let names: Vec<_> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(&name, |below| worded(below, &format!("{path}-{name}"), voice));
    }
    let about = voice.say(&about_key(path), &[]);
    let long_about = match optional(&format!("{}-long", about_key(path)), voice) {
        Some(more) => format!("{about}\n\n{}", unfolded(&more)),
        None => about.clone(),
    };
    if let Some(examples) = examples(path, voice) {
        let heading = voice.say("help-heading-examples", &[]);
        command = command.after_long_help(format!("{heading}:\n  {}", examples.replace('\n', "\n  ")));
    }
    command
        .about(about)
        .long_about(long_about)
        .subcommand_help_heading(voice.say("help-heading-commands", &[]))
        .help_template(TEMPLATE.replace("%USAGE%", &voice.say("help-heading-usage", &[])))
}

/// The key of what a command is for.
pub(super) fn about_key(path: &str) -> String {
    if path.is_empty() { "help-cloakroom".to_owned() } else { format!("help{path}") }
}

/// What is typed for example, a line each; lines that begin with # say what for.
pub(super) fn examples(path: &str, voice: &Voice) -> Option<String> {
    optional(&format!("{}-examples", about_key(path)), voice)
}

fn optional(key: &str, voice: &Voice) -> Option<String> {
    voice.knows(key).then(|| voice.say(key, &[]))
}

/// The key of an argument's words: its own, or those it shares.
pub(super) fn arg_key(arg: &Arg, path: &str, voice: &Voice) -> String {
    let id = arg.get_id().as_str().replace('_', "-");
    let own = format!("arg{path}-{id}");
    if voice.knows(&own) { own } else { format!("arg-{id}") }
}

fn with_help(arg: Arg, path: &str, voice: &Voice) -> Arg {
    let mut help = voice.say(&arg_key(&arg, path, voice), &[]);
    let heading = match &arg {
        arg if arg.is_global_set() => "help-heading-everywhere",
        arg if arg.is_positional() => "help-heading-arguments",
        _ => "help-heading-options",
    };
    let arg = arg.help_heading(voice.say(heading, &[]));
    if !arg.get_action().takes_values() {
        return arg.help(help);
    }
    if !arg.get_possible_values().is_empty() {
        let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        help = format!("{help} {}", voice.say("help-values", &[("values", &values.join(", "))]));
    }
    if !arg.get_default_values().is_empty() {
        let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        help = format!("{help} {}", voice.say("help-default", &[("value", &values.join(", "))]));
    }
    arg.help(help).hide_possible_values(true).hide_default_value(true)
}

/// `cloakroom help COMMAND…`: the long help of a command.
///
/// # Errors
/// When there is no such command, or the output cannot be written.
pub(super) fn run(path: &[String], mut tree: Command) -> Result<(), Failure> {
    tree.build();
    let mut command = &mut tree;
    for name in path {
        let missing = || Failure::say("cli-help-missing", &[("command", &path.join(" "))]);
        command = command.find_subcommand_mut(name).ok_or_else(missing)?;
    }
    let help = command.render_long_help();
    write!(io::stdout().lock(), "{help}").map_err(|error| Failure::output(&error))
}
