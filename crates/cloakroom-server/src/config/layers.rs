//! The values that were set, each with who set it: file, then environment, then flags, later ones on top.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use super::Inputs;
use super::error::{ConfigError, Source};
use super::file;
use super::keys::{self, Key};
use super::secret_file;
use super::types::{NoSetting, Raw, Setting};
use crate::message::Message;

const ENV_PREFIX: &str = "CLOAKROOM_";
const ENV_NEST: &str = "__";

/// What was set, by key.
#[derive(Debug, Default)]
pub(crate) struct Layers(BTreeMap<&'static str, (Raw, Source)>);

impl Layers {
    /// Reads every source.
    ///
    /// # Errors
    /// A file that cannot be read, or a key nobody declared.
    pub(super) fn read(inputs: &Inputs) -> Result<Self, ConfigError> {
        let mut layers = Self::default();
        file::read(inputs.file.as_deref(), &mut layers)?;
        layers.read_env(&inputs.env)?;
        layers.read_flag(&keys::LISTEN, inputs.listen.as_deref(), "--listen");
        layers.read_flag(&keys::DATABASE_URL, inputs.database.as_deref(), "--database");
        secret_file::resolve(&mut layers)?;
        Ok(layers)
    }

    /// Sets a declared key; a later source wins.
    pub(super) fn set(&mut self, name: &'static str, raw: Raw, source: Source) {
        self.0.insert(name, (raw, source));
    }

    /// What was set, as if it had not been.
    pub(super) fn take(&mut self, name: &str) -> Option<(Raw, Source)> {
        self.0.remove(name)
    }

    /// The value of a key: as set, or its default.
    ///
    /// # Errors
    /// When what was set is not of the key's type or range.
    pub(super) fn value<T: Setting>(&self, key: &Key<T>) -> Result<T, ConfigError> {
        Ok(self.explicit(key)?.unwrap_or_else(key.default))
    }

    /// The value somebody set.
    ///
    /// # Errors
    /// When it is not of the key's type or range.
    pub(super) fn explicit<T: Setting>(&self, key: &Key<T>) -> Result<Option<T>, ConfigError> {
        let Some((raw, source)) = self.0.get(key.name) else {
            return Ok(None);
        };
        T::read(raw).filter(key.in_range).map(Some).ok_or_else(|| ConfigError::Value {
            key: key.name,
            source_: source.clone(),
            found: T::found(raw),
            allowed: keys::allowed(key.name),
        })
    }

    /// Who set a key.
    pub(super) fn source(&self, name: &str) -> Source {
        self.0.get(name).map_or(Source::Default, |(_, source)| source.clone())
    }

    fn read_flag<T>(&mut self, key: &Key<T>, value: Option<&str>, flag: &'static str) {
        if let Some(value) = value {
            self.set(key.name, Raw::Loose(value.to_owned()), Source::Flag(flag));
        }
    }

    fn read_env(&mut self, env: &[(OsString, OsString)]) -> Result<(), ConfigError> {
        let mut ours: Vec<_> = env.iter().filter(|(name, _)| is_ours(name)).collect();
        ours.sort(); // so that of two mistakes always the same one is told
        for (name, value) in ours {
            let shown = name.to_string_lossy().into_owned();
            let source = Source::Env(shown.clone());
            let key = name.to_str().and_then(declared_by_env).ok_or_else(|| unknown_env(&shown))?;
            let raw = value.to_str().map_or(Raw::Other(NoSetting::NotUtf8), |text| Raw::Loose(text.to_owned()));
            self.set(key, raw, source);
        }
        Ok(())
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(ENV_PREFIX.as_bytes())
}

/// `session.idle_timeout` is `CLOAKROOM_SESSION__IDLE_TIMEOUT`.
pub(super) fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', ENV_NEST).to_ascii_uppercase())
}

fn declared_by_env(name: &str) -> Option<&'static str> {
    keys::names().find(|key| env_name(key) == name)
}

fn unknown_env(name: &str) -> ConfigError {
    let dotted = name.strip_prefix(ENV_PREFIX).unwrap_or(name).replace(ENV_NEST, ".").to_ascii_lowercase();
    let alike = keys::nearest(&dotted).map(env_name);
    ConfigError::Unknown { name: name.to_owned(), source_: Source::Environment, hint: hint(alike.as_deref()) }
}

/// What to do about an unknown key.
pub(super) fn hint(alike: Option<&str>) -> Message {
    match alike {
        Some(alike) => Message::new("config-hint-alike").value("name", alike),
        None => Message::new("config-hint-none"),
    }
}
