//! How a command ends: exit code 0, or 1 with one line on stderr that says why and what to do. Usage errors (2) are in
//! `cli/usage`. What the line says is a message of the catalogue; which one belongs to an error of a library is decided in
//! `cli/failures`.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli::text::escaped;
use crate::cli::voice::Voice;
use crate::message::Message;

/// A command was refused or failed: one line for a person, without any secret.
#[derive(Debug)]
pub(crate) struct Failure(Kind);

#[derive(Debug)]
enum Kind {
    /// Why, and what to do.
    Said {
        /// What it is about, as it was typed: `--from`.
        about: Option<&'static str>,
        message: Message,
    },
    /// Whoever read the output has gone: nothing is left to say, and nothing failed.
    OutputClosed,
}

impl Failure {
    /// A failure for which the catalogue has a message: what happened and what to do about it.
    pub(crate) fn say(key: impl Into<String>, values: &[(&'static str, &dyn Display)]) -> Self {
        let message = Message::new(key.into());
        values.iter().fold(message, |message, (name, value)| message.value(name, value.to_string())).into()
    }

    /// A failure whose only explanation is a technical line, which stays as it is in every language.
    pub(crate) fn new(line: impl Display) -> Self {
        Self::say("cli-failed", &[("cause", &line)])
    }

    /// The same failure, about one of several things that were typed.
    pub(crate) fn about(self, typed: &'static str) -> Self {
        match self.0 {
            Kind::Said { message, .. } => Self(Kind::Said { about: Some(typed), message }),
            Kind::OutputClosed => self,
        }
    }

    /// The same failure, where another message tells what it kept from happening: its `$why`.
    pub(crate) fn within(self, key: &'static str) -> Self {
        match self.0 {
            Kind::Said { message, .. } => Message::new(key).value("why", message).into(),
            Kind::OutputClosed => self,
        }
    }

    /// Output could not be written. A closed pipe, as in `cloakroom session list | head`, is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self(Kind::OutputClosed);
        }
        Self::say("cli-output", &[("cause", error)])
    }

    /// The line in the language of `voice`; nothing where nothing failed.
    pub(crate) fn line(&self, voice: &Voice) -> Option<String> {
        match &self.0 {
            Kind::Said { about: None, message } => Some(message.line(voice)),
            Kind::Said { about: Some(about), message } => Some(format!("{about}: {}", message.line(voice))),
            Kind::OutputClosed => None,
        }
    }
}

impl From<Message> for Failure {
    fn from(message: Message) -> Self {
        Self(Kind::Said { about: None, message })
    }
}

/// Reports how a command ended.
pub(crate) fn report(result: Result<(), Failure>, voice: &Voice) -> ExitCode {
    let Some(line) = result.err().and_then(|failure| failure.line(voice)) else { return ExitCode::SUCCESS };
    complain(&line);
    ExitCode::FAILURE
}

/// One line on stderr.
pub(crate) fn complain(line: impl Display) {
    // Where stderr is gone as well, the exit code has to do.
    let _ = writeln!(io::stderr().lock(), "cloakroom: {}", escaped(&line.to_string()));
}
