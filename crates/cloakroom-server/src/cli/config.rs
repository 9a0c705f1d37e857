//! `cloakroom config`: what is in effect, and whether a server would start with it.

use std::io::{self, Write as _};

use clap::Subcommand;

use super::voice::Voice;
use crate::config::{self, Config, Inputs};
use crate::exit::Failure;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum Command {
    Check,
}

/// Shows or checks the configuration.
///
/// # Errors
/// When it cannot be used.
pub(super) fn run(command: Option<Command>, inputs: &Inputs, voice: &Voice) -> Result<(), Failure> {
    let text = match command {
        None => config::effective(inputs)?,
        Some(Command::Check) => {
            let config = Config::load(inputs)?;
            config.check_listener()?;
            config.check_breached_hashes()?;
            return voice.print("config-valid", &[]);
        }
    };
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}
