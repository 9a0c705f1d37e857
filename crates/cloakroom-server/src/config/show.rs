//! The configuration in effect, as TOML with the source of every value. Secrets are redacted.

use std::fmt::Write as _;

use super::layers::Layers;
use super::{Config, ConfigError, Inputs, keys};

/// Every key with its value and source, one a line.
///
/// # Errors
/// As [`Config::load`].
pub(crate) fn effective(inputs: &Inputs) -> Result<String, ConfigError> {
    let layers = Layers::read(inputs)?;
    let config = Config::from_layers(&layers)?;
    let mut text = String::new();
    for key in keys::ALL {
        let (shown, source) = key.effective(&layers)?;
        // These defaults give way to other limits, so what counts is the checked policy.
        let shown = adjusted(key.name(), &config).or(shown);
        let line = match shown {
            Some(value) => writeln!(text, "{} = {value} # {source}", key.name()),
            None => writeln!(text, "# {} is not set", key.name()),
        };
        debug_assert!(line.is_ok(), "a String takes every write");
    }
    Ok(text)
}

fn adjusted(name: &str, config: &Config) -> Option<String> {
    use super::types::Setting as _;
    match name {
        "database.migrate" => config.database.migrate.show(),
        "session.idle_timeout" => config.policy.idle_timeout.show(),
        "session.keep_idle_timeout" => config.policy.keep_idle_timeout.show(),
        "session.keep_absolute_timeout" => config.policy.keep_absolute_timeout.show(),
        _ => None,
    }
}
