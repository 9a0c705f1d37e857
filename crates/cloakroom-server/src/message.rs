//! A message of the catalogue with its values, on its way to whoever will say it. Only there is it known in which language.

use std::borrow::Cow;
use std::fmt::Display;

use crate::cli::voice::Voice;

/// A message with its values. Small, because it stands in errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    key: Cow<'static, str>,
    values: Vec<(&'static str, Value)>,
}

/// What stands in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The same in every language.
    Text(String),
    /// Another message, which has to be in the same language.
    Message(Message),
}

impl Message {
    /// The message of this key, with no values yet.
    pub(crate) fn new(key: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts { key: key.into(), values: Vec::new() }))
    }

    /// With one value more.
    pub(crate) fn value(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.values.push((name, value.into()));
        self
    }

    /// Its key, which has no language.
    pub(crate) fn key(&self) -> &str {
        &self.0.key
    }

    /// The line in the language of `voice`.
    pub(crate) fn line(&self, voice: &Voice) -> String {
        let shown: Vec<(&str, String)> =
            self.0.values.iter().map(|(name, value)| (*name, value.shown(voice))).collect();
        let values: Vec<(&str, &dyn Display)> =
            shown.iter().map(|(name, text)| (*name, text as &dyn Display)).collect();
        voice.say(&self.0.key, &values)
    }
}

impl Value {
    fn shown(&self, voice: &Voice) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Message(message) => message.line(voice),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}
