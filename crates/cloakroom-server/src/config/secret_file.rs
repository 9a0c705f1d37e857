//! Secrets in files of their own: an environment is shown to every child process, and a configuration file to whoever may
//! read the rest of it.

use std::fs::File;
use std::io::{self, Read as _};

use super::error::{ConfigError, Source};
use super::layers::Layers;
use super::types::Raw;

/// Largest file that is read.
const SECRET_BYTES_MAX: u64 = 64 * 1024;
/// What is allowed, for people.
pub(crate) const ALLOWED: &str =
    "the path of a file that can be read and holds the value in one line; not beside the key itself";

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
                return Err(ConfigError::Together(format!(
                    "{key} ({other}) and {file_key} ({source}) are both set; remove one of them"
                )));
            }
        }
        let refused = |found: String| ConfigError::Value {
            key: file_key,
            source_: source.clone(),
            found,
            allowed: ALLOWED.to_owned(),
        };
        let path =
            raw.text().filter(|path| !path.is_empty() && !path.contains('\0')).ok_or_else(|| refused(raw.shown()))?;
        let text = read(path).map_err(|error| refused(format!("{} ({error})", raw.shown())))?;
        let text = text.strip_suffix('\n').map_or(&*text, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        if text.trim().is_empty() {
            return Err(refused(format!("{} (it is empty)", raw.shown())));
        }
        let source = Source::SecretFile { path: path.to_owned(), key: file_key };
        layers.set(key, Raw::Text(text.to_owned()), source);
    }
    Ok(())
}

fn read(path: &str) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(io::Error::other("it is larger than 64 KiB"));
    }
    Ok(text)
}
