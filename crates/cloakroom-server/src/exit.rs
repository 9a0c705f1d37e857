//! How a command ends: exit code 0, or 1 with one line on stderr that says why and what to do. Usage errors (2) are clap's.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cli::text::escaped;

/// A command was refused or failed: one line for a person, without any secret.
#[derive(Debug)]
pub(crate) struct Failure(Kind);

#[derive(Debug)]
enum Kind {
    /// Why, and what to do.
    Explained(String),
    /// Whoever read the output has gone: nothing is left to say, and nothing failed.
    OutputClosed,
}

impl Failure {
    /// A failure, explained in one line: what happened and what to do about it.
    pub(crate) fn new(line: impl fmt::Display) -> Self {
        Self(Kind::Explained(line.to_string()))
    }

    /// Output could not be written. A closed pipe, as in `cloakroom session list | head`, is no failure.
    pub(crate) fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self(Kind::OutputClosed);
        }
        Self::new(format_args!("cannot write the output: {error}"))
    }
}

/// Reports how a command ended.
pub(crate) fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) | Err(Failure(Kind::OutputClosed)) => ExitCode::SUCCESS,
        Err(Failure(Kind::Explained(line))) => {
            // Where stderr is gone as well, the exit code has to do.
            let _ = writeln!(io::stderr().lock(), "cloakroom: {}", escaped(&line));
            ExitCode::FAILURE
        }
    }
}
