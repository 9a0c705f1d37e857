//! `cloakroom config`: what is in effect, and whether a server would start with it.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::json;
use super::voice::Voice;
use crate::config::{self, Config, InEffect, Inputs};
use crate::exit::Failure;

#[derive(Clone, Copy, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Shown {
    #[command(subcommand)]
    command: Option<Command>,
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    Check,
}

impl Shown {
    /// Shows or checks the configuration.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(super) fn run(self, inputs: &Inputs, voice: &Voice) -> Result<(), Failure> {
        if let Some(Command::Check) = self.command {
            let config = Config::load(inputs)?;
            config.check_listener()?;
            config.check_breached_hashes()?;
            return voice.print("config-valid", &[]);
        }
        if self.json {
            let all: Vec<_> = config::in_effect(inputs)?.into_iter().map(element).collect();
            return json::print(&json!(all));
        }
        // TOML has no language.
        let text = config::effective(inputs)?;
        io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
    }
}

fn element(InEffect { key, value, source }: InEffect) -> Value {
    // A value of TOML is one of JSON, but for how its strings are spelled.
    let document = value.map(|value| format!("value = {value}"));
    let value = document.and_then(|document| toml::from_str::<Value>(&document).ok());
    json!({ "key": key, "value": value.and_then(|document| document.get("value").cloned()), "source": source })
}
