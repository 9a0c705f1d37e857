//! The configuration in effect, as TOML with the source of every value. Secrets are redacted.

use std::fmt::Write as _;

use cloakroom_core::coherence::LeaseTerms;

use super::layers::Layers;
use super::{Config, ConfigError, Inputs, check, keys};

/// A key as it is in effect.
pub(crate) struct InEffect {
    /// Dotted, as in the file.
    pub(crate) key: &'static str,
    /// As TOML; `None`: not set.
    pub(crate) value: Option<String>,
    /// Who set it.
    pub(crate) source: String,
}

/// Every key with its value and source, one a line.
///
/// # Errors
/// As [`Config::load`].
pub(crate) fn effective(inputs: &Inputs) -> Result<String, ConfigError> {
    let mut text = String::new();
    for InEffect { key, value, source } in in_effect(inputs)? {
        let line = match value {
            Some(value) => writeln!(text, "{key} = {value} # {source}"),
            None => writeln!(text, "# {key} is not set"),
        };
        debug_assert!(line.is_ok(), "a String takes every write");
    }
    Ok(text)
}

/// Every key there is.
///
/// # Errors
/// As [`Config::load`].
pub(crate) fn in_effect(inputs: &Inputs) -> Result<Vec<InEffect>, ConfigError> {
    let layers = Layers::read(inputs)?;
    let config = Config::from_layers(&layers)?;
    let terms = check::lease(&layers)?;
    let in_effect = |key: &&dyn keys::AnyKey| {
        let (shown, source) = key.effective(&layers)?;
        // These defaults give way to other limits, so what counts is the checked policy.
        let value = adjusted(key.name(), &config, &terms).or(shown);
        Ok(InEffect { key: key.name(), value, source: source.to_string() })
    };
    keys::ALL.iter().map(in_effect).collect()
}

fn adjusted(name: &str, config: &Config, terms: &LeaseTerms) -> Option<String> {
    use super::types::Setting as _;
    match name {
        "database.migrate" => config.database.migrate.show(),
        "session.idle_timeout" => config.policy.idle_timeout.show(),
        "session.keep_idle_timeout" => config.policy.keep_idle_timeout.show(),
        "session.poll" => terms.poll.show(),
        "session.keep_absolute_timeout" => config.policy.keep_absolute_timeout.show(),
        _ => None,
    }
}

/// A text as a basic string of TOML. What cannot be seen is escaped, so that a terminal shows what is there.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\'' => quoted.push(c),
            _ if c.escape_debug().len() == 1 => quoted.push(c),
            _ => quoted.extend(format!("\\U{:08X}", u32::from(c)).chars()),
        }
    }
    quoted + "\""
}
