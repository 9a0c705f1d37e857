//! `cloakroom config`: what is in effect, whether a server would start with it, what will hurt, and a file to begin with.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::json;
use super::voice::Voice;
use crate::config::audit::{Finding, Severity, audit};
use crate::config::{self, Config, InEffect, Inputs, OfThisMachine};
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
    Check {
        #[arg(long)]
        strict: bool,
        #[arg(long)]
        json: bool,
    },
    Example,
    Reference,
}

impl Shown {
    /// Shows or checks the configuration.
    ///
    /// # Errors
    /// When it cannot be used, and what is found by a check that fails.
    pub(super) fn run(self, inputs: &Inputs, voice: &Voice) -> Result<(), Failure> {
        match self.command {
            Some(Command::Check { strict, json }) => check(strict, json || self.json, inputs, voice),
            Some(Command::Example) => print(&config::example::file()),
            Some(Command::Reference) => print(&config::example::table()),
            None if self.json => {
                let all: Vec<_> = config::in_effect(inputs)?.into_iter().map(element).collect();
                json::print(&json!(all))
            }
            // TOML has no language.
            None => print(&config::effective(inputs)?),
        }
    }
}

fn element(InEffect { key, value, source }: InEffect) -> Value {
    // A value of TOML is one of JSON, but for how its strings are spelled.
    let document = value.map(|value| format!("value = {value}"));
    let value = document.and_then(|document| toml::from_str::<Value>(&document).ok());
    json!({ "key": key, "value": value.and_then(|document| document.get("value").cloned()), "source": source })
}

fn check(is_strict: bool, as_json: bool, inputs: &Inputs, voice: &Voice) -> Result<(), Failure> {
    if !as_json {
        // In the language of whoever reads it; and a mistake is one line alone.
        let config = Config::load(inputs)?;
        config.check_listener()?;
        config.check_breached_hashes()?;
    }
    let findings = findings(inputs);
    if as_json {
        let shown: Vec<_> = findings.iter().map(finding).collect();
        json::print(&json!({ "findings": shown }))?;
    }
    let fails =
        |finding: &&Told| finding.severity == Severity::Error || is_strict && finding.severity == Severity::Warning;
    let failing: Vec<_> = findings.iter().filter(fails).map(|finding| finding.line.as_str()).collect();
    if !failing.is_empty() {
        return Err(Failure::new(failing.join("; also ")));
    }
    if as_json {
        return Ok(());
    }
    // What fails is one line alone; the rest is said once that is mended, or with --json.
    let lines: Vec<_> = findings.iter().map(|one| format!("{}: {}\n", one.severity.as_str(), one.line)).collect();
    print(&lines.concat())?;
    voice.print("config-valid", &[])
}

/// A finding, or a mistake, which has a line of its own.
struct Told {
    severity: Severity,
    key: Option<&'static str>,
    why: String,
    advice: Option<&'static str>,
    line: String,
}

impl From<Finding> for Told {
    fn from(Finding { severity, key, why, advice }: Finding) -> Self {
        Self { severity, key: Some(key), line: format!("{key}: {why}; {advice}"), why, advice: Some(advice) }
    }
}

impl Told {
    /// It cannot be used, and the line says all there is to say.
    fn mistake(key: Option<&'static str>, line: String) -> Self {
        Self { severity: Severity::Error, key, why: line.clone(), advice: None, line }
    }
}

fn findings(inputs: &Inputs) -> Vec<Told> {
    let config = match Config::load(inputs) {
        Ok(config) => config,
        Err(error) => return vec![Told::mistake(error.key(), error.to_string())],
    };
    let listener =
        config.check_listener().err().map(|error| Told::mistake(Some(config::keys::LISTEN.name), error.to_string()));
    let breached = config.check_breached_hashes().err();
    let breached = breached.map(|error| Told::mistake(Some(config::keys::BREACHED_HASHES.name), error.to_string()));
    let mistakes = listener.into_iter().chain(breached);
    mistakes
        .chain(audit(&config, config::url_written_in(inputs).as_deref(), &OfThisMachine).into_iter().map(Told::from))
        .collect()
}

fn finding(told: &Told) -> Value {
    json!({ "severity": told.severity.as_str(), "key": told.key, "why": told.why, "advice": told.advice })
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}
