//! Secrets in files of their own: an environment is shown to every child process, and a configuration file to whoever may
//! read the rest of it.

use std::path::Path;

use super::error::{ConfigError, Source};
use super::layers::Layers;
use super::types::Raw;
use super::{file, keys};
use crate::message::{Message, Value};

/// Largest file that is read.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// The keys that name a file, each with the key whose value is in it: all that may hold a secret.
pub(crate) static SECRET_FILES: &[(&str, &str)] = &[("database.url_file", "database.url")];

/// Reads what the files hold. A flag that sets the key itself stands above them.
///
/// # Errors
/// When both are set, or the file cannot be read, is empty or no text. Nothing of it is repeated.
pub(super) fn resolve(layers: &mut Layers) -> Result<(), ConfigError> {
    for (file_key, key) in SECRET_FILES {
        let Some((raw, source)) = layers.take(file_key) else { continue };
        match layers.source(key) {
            Source::Default => {}
            Source::Flag(_) => continue,
            other => {
                let message = Message::new("config-set-twice").value("key", *key).value("source", &other);
                let message = message.value("file", *file_key).value("place", &source);
                return Err(ConfigError::Together { key: Some(key), code: "set-twice", message });
            }
        }
        let refused = |found: Value| ConfigError::Value {
            key: file_key,
            source_: source.clone(),
            found,
            allowed: keys::allowed(file_key),
        };
        let but =
            |why: Value| refused(Message::new("config-found-but").value("value", raw.shown()).value("why", why).into());
        let path =
            raw.text().filter(|path| !path.is_empty() && !path.contains('\0')).ok_or_else(|| refused(raw.shown()))?;
        let text = file::bounded(Path::new(path), SECRET_BYTES_MAX).map_err(|error| but(file::why(&error)))?;
        let text = text.strip_suffix('\n').map_or(&*text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        if text.trim().is_empty() {
            return Err(but(Message::new("config-found-empty").into()));
        }
        let source = Source::SecretFile { path: path.to_owned(), key: file_key };
        layers.set(key, Raw::Text(text.to_owned()), source);
    }
    Ok(())
}
