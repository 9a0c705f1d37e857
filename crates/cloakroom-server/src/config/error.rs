//! What is wrong with a configuration, in one line. No secret is repeated in it.

use std::fmt;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nobody set it.
    Default,
    /// A line of the configuration file.
    File {
        /// The file as it was named.
        path: String,
        /// From 1.
        line: usize,
    },
    /// An environment variable.
    Env(String),
    /// A file that a key names because its value is secret.
    SecretFile {
        /// The file as it was named.
        path: String,
        /// The key that names it.
        key: &'static str,
    },
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Env(name) => f.write_str(name),
            Self::SecretFile { path, key } => write!(f, "{key}: {path}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file named by `--config`, or the default one, cannot be read.
    #[error("cannot read {path}: {why}; {remedy}")]
    Unreadable {
        /// Which file.
        path: String,
        /// The system's reason.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The file is not TOML.
    #[error("{path}:{line}: not TOML: {why}")]
    Syntax {
        /// Which file.
        path: String,
        /// Where.
        line: usize,
        /// The parser's reason.
        why: String,
    },
    /// Nothing has this name.
    #[error("unknown key {name} ({source_}); {hint}")]
    Unknown {
        /// As it was written.
        name: String,
        /// Where.
        source_: Source,
        /// The nearest key, or where to find them.
        hint: String,
    },
    /// A value is not of the key's type or out of its range.
    #[error("{key} ({source_}): found {found}, allowed: {allowed}")]
    Value {
        /// Which key.
        key: &'static str,
        /// Who set it.
        source_: Source,
        /// What was found; a secret is redacted.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// Two settings do not go together.
    #[error("{0}")]
    Together(String),
}

impl ConfigError {
    /// The key it is about, where it is about one.
    pub(crate) const fn key(&self) -> Option<&'static str> {
        match self {
            Self::Value { key, .. } => Some(key),
            _ => None,
        }
    }
}
