//! A command line that cannot be understood: what is wrong with it and what was meant perhaps, in the language of the voice.
//! Exit code 2. Help and version, which clap treats as errors too, are printed as they are.

use std::error::Error as _;
use std::fmt::Display;
use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use cloakroom_core::account::NotALoginName;
use cloakroom_core::session::NotASessionId;

use super::voice::Voice;
use crate::exit::complain;

/// The exit code of a usage error.
const MISUSED: u8 = 2;

/// Answers what clap did not take, and says with which exit code to end.
pub(super) fn answer(error: &Error, voice: &Voice) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Where the terminal is gone as well, the exit code has to do.
            let _ = error.print();
        }
        _ => complain_of(error, voice),
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::from(MISUSED), ExitCode::from)
}

fn complain_of(error: &Error, voice: &Voice) {
    use std::io::Write as _;
    complain(explained(error, voice));
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => usage.to_string(),
        _ => String::new(),
    };
    let mut err = std::io::stderr().lock();
    if let Some((_, usage)) = usage.split_once(": ") {
        let _ = writeln!(err, "{}: {}", voice.say("help-heading-usage", &[]), usage.trim_end());
    }
    let _ = writeln!(err, "{}", voice.say("usage-more", &[]));
}

/// What is wrong, in one line.
fn explained(error: &Error, voice: &Voice) -> String {
    let arg = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    let what = match error.kind() {
        ErrorKind::UnknownArgument => voice.say("usage-unknown", &[("arg", &arg)]),
        ErrorKind::InvalidSubcommand => {
            voice.say("usage-command", &[("command", &text(error, ContextKind::InvalidSubcommand))])
        }
        ErrorKind::MissingSubcommand => voice.say("usage-command-missing", &[]),
        ErrorKind::MissingRequiredArgument => voice.say("usage-missing", &[("arg", &arg)]),
        ErrorKind::InvalidValue if value.is_empty() => voice.say("usage-value-missing", &[("arg", &arg)]),
        ErrorKind::InvalidValue => {
            let values = text(error, ContextKind::ValidValue);
            voice.say("usage-value", &[("arg", &arg), ("value", &value), ("values", &values)])
        }
        ErrorKind::ValueValidation => {
            let why = reason(error, voice);
            voice.say("usage-value-wrong", &[("arg", &arg), ("value", &value), ("why", &why)])
        }
        ErrorKind::ArgumentConflict => {
            let other = text(error, ContextKind::PriorArg);
            if other.is_empty() || other == arg {
                voice.say("usage-twice", &[("arg", &arg)])
            } else {
                voice.say("usage-conflict", &[("arg", &arg), ("other", &other)])
            }
        }
        ErrorKind::TooManyValues => voice.say("usage-too-many", &[("arg", &arg), ("value", &value)]),
        ErrorKind::InvalidUtf8 => voice.say("usage-utf8", &[]),
        // The others do not occur with the arguments there are; their words are clap's, without its "error: ".
        _ => {
            let said = error.to_string();
            let first = said.lines().next().unwrap_or_default();
            voice.say("cli-failed", &[("cause", &first.trim_start_matches("error: "))])
        }
    };
    let meant = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    match meant.into_iter().map(|kind| text(error, kind)).find(|meant| !meant.is_empty()) {
        Some(meant) => voice.say("usage-meant", &[("what", &what), ("meant", &meant)]),
        None => what,
    }
}

/// What clap knows about an error, several things with commas between them.
fn text(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

/// Why a value is not taken.
fn reason(error: &Error, voice: &Voice) -> String {
    let Some(source) = error.source() else { return String::new() };
    if let Some(name) = source.downcast_ref::<NotALoginName>() {
        return voice.say(
            match name {
                NotALoginName::Empty => "usage-name-empty",
                NotALoginName::TooLong => "usage-name-long",
                NotALoginName::Invisible => "usage-name-invisible",
            },
            &[],
        );
    }
    if source.is::<NotASessionId>() {
        return voice.say("usage-session-id", &[]);
    }
    voice.say("usage-reason", &[("cause", &source as &dyn Display)])
}

#[cfg(test)]
mod tests;
