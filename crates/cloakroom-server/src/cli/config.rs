//! `cloakroom config`: what is in effect, whether a server would start with it, what will hurt, and a file to begin with.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::json;
use super::voice::Voice;
use crate::config::audit::{Finding, Severity, audit};
use crate::config::{self, Config, ConfigError, InEffect, Inputs, OfThisMachine};
use crate::exit::Failure;
use crate::message::Message;

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
            Some(Command::Example) => print(&config::example::file(voice)),
            Some(Command::Reference) => print(&config::example::table(voice)),
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
        config.check_traces()?;
    }
    let findings = findings(inputs);
    if as_json {
        let english = voice.in_english();
        let shown: Vec<_> = findings.iter().map(|told| finding(told, &english)).collect();
        json::print(&json!({ "findings": shown }))?;
    }
    let fails = |told: &&Told| told.severity == Severity::Error || is_strict && told.severity == Severity::Warning;
    let failing = findings.iter().filter(fails).map(|told| told.line.clone());
    let failing =
        failing.rev().reduce(|more, line| Message::new("config-also").value("line", line).value("more", more));
    if let Some(failing) = failing {
        return Err(failing.into());
    }
    if as_json {
        return Ok(());
    }
    // What fails is one line alone; the rest is said once that is mended, or with --json.
    for told in findings {
        let line =
            Message::new("config-finding-of").value("severity", told.severity.message()).value("line", told.line);
        print(&(line.line(voice) + "\n"))?;
    }
    voice.print("config-valid", &[])
}

/// A finding, or a mistake, which has a line of its own.
struct Told {
    severity: Severity,
    key: Option<&'static str>,
    code: String,
    why: Message,
    advice: Option<Message>,
    line: Message,
}

impl From<Finding> for Told {
    fn from(finding: Finding) -> Self {
        let code = finding.code().to_owned();
        let Finding { severity, key, why, advice } = finding;
        let line = Message::new("config-finding").value("key", key).value("why", why.clone());
        let line = line.value("advice", advice.clone());
        Self { severity, key: Some(key), code, why, advice: Some(advice), line }
    }
}

/// It cannot be used, and the line says all there is to say.
impl From<ConfigError> for Told {
    fn from(error: ConfigError) -> Self {
        let (key, code, line) = (error.key(), error.code().to_owned(), error.message());
        Self { severity: Severity::Error, key, code, why: line.clone(), advice: None, line }
    }
}

fn findings(inputs: &Inputs) -> Vec<Told> {
    let config = match Config::load(inputs) {
        Ok(config) => config,
        Err(error) => return vec![error.into()],
    };
    let checks = [config.check_listener(), config.check_breached_hashes(), config.check_traces()];
    let audited = audit(&config, config::url_written_in(inputs).as_deref(), &OfThisMachine);
    let mistakes = checks.into_iter().filter_map(Result::err);
    mistakes.map(Told::from).chain(audited.into_iter().map(Told::from)).collect()
}

/// For programs, which get the same whoever reads what they make of it.
fn finding(told: &Told, english: &Voice) -> Value {
    json!({
        "severity": told.severity.as_str(),
        "code": told.code,
        "key": told.key,
        "why": told.why.line(english),
        "advice": told.advice.as_ref().map(|advice| advice.line(english)),
    })
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}
