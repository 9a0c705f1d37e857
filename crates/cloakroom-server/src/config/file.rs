//! The configuration file: TOML, bounded, with the line of every value.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::DEFAULT_FILE;
use super::error::{ConfigError, Source};
use super::keys;
use super::layers::{Layers, hint};
use super::types::{NoSetting, Raw};
use crate::message::{Message, Value};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = MIB;
const MIB: u64 = 1024 * 1024;

/// Reads `named`, or `cloakroom.toml` in the working directory if there is one.
///
/// # Errors
/// A file that cannot be read or is no TOML, or a key nobody declared.
pub(super) fn read(named: Option<&Path>, layers: &mut Layers) -> Result<(), ConfigError> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    let shown = path.display().to_string();
    match text(path) {
        Ok(text) => Reader { path: &shown, text: &text, layers }.document(),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let remedy = if named.is_some() { "config-unreadable-named" } else { "config-unreadable-default" };
            Err(ConfigError::Unreadable { path: shown, why: why(&error), remedy: Message::new(remedy) })
        }
    }
}

fn text(path: &Path) -> io::Result<String> {
    bounded(path, FILE_BYTES_MAX)
}

/// A file that is no larger than so many bytes.
pub(super) fn bounded(path: &Path, bytes_max: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        let max =
            if bytes_max < MIB { format!("{} KiB", bytes_max / 1024) } else { format!("{} MiB", bytes_max / MIB) };
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, max));
    }
    Ok(text)
}

/// Why a [`bounded`] file cannot be read.
pub(super) fn why(error: &io::Error) -> Value {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Message::new("config-found-too-large").value("size", error.to_string()).into(),
        _ => error.to_string().into(),
    }
}

struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    layers: &'a mut Layers,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), ConfigError> {
        let parsed = DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            path: self.path.to_owned(),
            line: self.line(error.span().map_or(0, |span| span.start)),
            why: error.message().replace('\n', ", "),
        })?;
        self.table("", parsed.get_ref())
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name =
                if prefix.is_empty() { key.get_ref().to_string() } else { format!("{prefix}.{}", key.get_ref()) };
            let source = Source::File { path: self.path.to_owned(), line: self.line(key.span().start) };
            self.entry(&name, value, source)?;
        }
        Ok(())
    }

    fn entry(&mut self, name: &str, value: &Spanned<DeValue<'_>>, source: Source) -> Result<(), ConfigError> {
        if let Some(declared) = keys::declared(name) {
            self.layers.set(declared, raw(value.get_ref()), source);
            return Ok(());
        }
        match value.get_ref() {
            DeValue::Table(table) if keys::is_section(name) => self.table(name, table),
            _ if keys::is_section(name) => {
                let hint = Message::new("config-hint-section").value("name", name);
                Err(ConfigError::Unknown { name: name.to_owned(), source_: source, hint })
            }
            DeValue::Table(_) => {
                let alike = keys::nearest_section(name).map(|section| format!("[{section}]"));
                Err(ConfigError::Unknown { name: name.to_owned(), source_: source, hint: hint(alike.as_deref()) })
            }
            _ => Err(ConfigError::Unknown { name: name.to_owned(), source_: source, hint: hint(keys::nearest(name)) }),
        }
    }

    /// The line of a byte, from 1.
    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or(Raw::Other(NoSetting::LargeNumber), Raw::Integer),
        DeValue::Float(number) => {
            number.as_str().replace('_', "").parse().map_or(Raw::Other(NoSetting::LargeNumber), Raw::Float)
        }
        DeValue::Datetime(_) => Raw::Other(NoSetting::Date),
        DeValue::Array(values) => {
            let text = |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().map(str::to_owned);
            values.iter().map(text).collect::<Option<_>>().map_or(Raw::Other(NoSetting::Mixed), Raw::Texts)
        }
        DeValue::Table(_) => Raw::Other(NoSetting::Table),
    }
}
