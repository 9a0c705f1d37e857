//! Which names there are, and which one was probably meant.

use super::ALL;
use crate::config::secret_file::SECRET_FILES;

/// Whether `name` is a table of the file, such as `session`.
pub(in crate::config) fn is_section(name: &str) -> bool {
    ALL.iter().any(|key| key.name().split_once('.').is_some_and(|(section, _)| section == name))
}

/// The names of all keys, and of those that name a file for one of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|key| key.name()).chain(SECRET_FILES.iter().map(|(file_key, _)| *file_key))
}

/// The declared spelling of `name`, if there is such a key.
pub(in crate::config) fn declared(name: &str) -> Option<&'static str> {
    names().find(|declared| *declared == name)
}

/// The key that was probably meant: most alike as a whole, or in its last part where the section is missing or wrong.
pub(in crate::config) fn nearest(name: &str) -> Option<&'static str> {
    const ALIKE_MIN: f64 = 0.85;
    let last = |name: &'_ str| name.rsplit('.').next().map(str::to_owned).unwrap_or_default();
    names()
        .map(|key| {
            let whole = strsim::jaro_winkler(key, name);
            let end = 0.99 * strsim::jaro_winkler(&last(key), &last(name));
            (whole.max(end), key)
        })
        .filter(|(alike, _)| *alike >= ALIKE_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// The section that was probably meant.
pub(in crate::config) fn nearest_section(name: &str) -> Option<&'static str> {
    ALL.iter()
        .filter_map(|key| key.name().split_once('.').map(|(section, _)| section))
        .find(|section| strsim::damerau_levenshtein(section, name) <= 2)
}
