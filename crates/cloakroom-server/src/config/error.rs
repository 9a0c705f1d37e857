//! What is wrong with a configuration, as a message of one line. No secret is repeated in it.

use std::fmt;

use crate::message::{Message, Value};

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
    /// The environment, which has a variable that belongs to no key.
    Environment,
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
            Self::Environment => f.write_str("environment"),
            Self::SecretFile { path, key } => write!(f, "{key}: {path}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Within a message: what somebody wrote is the same in every language.
impl From<&Source> for Value {
    fn from(source: &Source) -> Self {
        match source {
            Source::Default => Message::new("config-source-default").into(),
            Source::Environment => Message::new("config-source-environment").into(),
            written => written.to_string().into(),
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ConfigError {
    /// The file named by `--config`, or the default one, cannot be read.
    Unreadable {
        /// Which file.
        path: String,
        /// The system's reason.
        why: Value,
        /// What to do.
        remedy: Message,
    },
    /// The file is not TOML.
    Syntax {
        /// Which file.
        path: String,
        /// Where.
        line: usize,
        /// The parser's reason.
        why: String,
    },
    /// Nothing has this name.
    Unknown {
        /// As it was written.
        name: String,
        /// Where.
        source_: Source,
        /// The nearest key, or where to find them.
        hint: Message,
    },
    /// A value is not of the key's type or out of its range.
    Value {
        /// Which key.
        key: &'static str,
        /// Who set it.
        source_: Source,
        /// What was found; a secret is redacted.
        found: Value,
        /// What is allowed.
        allowed: Message,
    },
    /// Two settings do not go together.
    Together {
        /// Of the one to change first.
        key: Option<&'static str>,
        /// For programs.
        code: &'static str,
        /// All there is to say.
        message: Message,
    },
}

impl ConfigError {
    /// The key it is about, where it is about one.
    pub(crate) const fn key(&self) -> Option<&'static str> {
        match self {
            Self::Value { key, .. } => Some(*key),
            Self::Together { key, .. } => *key,
            _ => None,
        }
    }

    /// Which mistake it is, for programs: the same in every language and version.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file-unreadable",
            Self::Syntax { .. } => "file-not-toml",
            Self::Unknown { .. } => "key-unknown",
            Self::Value { .. } => "value-refused",
            Self::Together { code, .. } => code,
        }
    }

    /// What to say about it.
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Unreadable { path, why, remedy } => Message::new("config-unreadable")
                .value("path", path.as_str())
                .value("why", why.clone())
                .value("remedy", remedy.clone()),
            Self::Syntax { path, line, why } => {
                Message::new("config-syntax").value("place", format!("{path}:{line}")).value("why", why.as_str())
            }
            Self::Unknown { name, source_, hint } => Message::new("config-unknown")
                .value("name", name.as_str())
                .value("source", source_)
                .value("hint", hint.clone()),
            Self::Value { key, source_, found, allowed } => Message::new("config-value")
                .value("key", *key)
                .value("source", source_)
                .value("value", found.clone())
                .value("allowed", allowed.clone()),
            Self::Together { message, .. } => message.clone(),
        }
    }
}
