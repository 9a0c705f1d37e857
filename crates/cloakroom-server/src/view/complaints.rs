//! What is wrong with a form that comes back, in words: beside the field it is about, or above the form.

use super::Words;
use crate::fields::FieldError;

/// Complaints, by field.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    said: Vec<(String, String)>,
    /// The fields the page shows.
    shown: &'static [&'static str],
}

impl Complaints {
    pub(super) fn new(words: Words<'_>, errors: &[FieldError], shown: &'static [&'static str]) -> Self {
        let said = |error: &FieldError| (error.field.clone(), words.of_complaint(&error.complaint));
        Self { said: errors.iter().map(said).collect(), shown }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// What is said beside a field; nothing where it is right.
    pub(super) fn about(&self, field: &str) -> &str {
        self.said.iter().find(|(found, _)| found == field).map_or("", |(_, said)| said)
    }

    /// Complaints about what the page does not show.
    pub(super) fn others(&self) -> Vec<String> {
        let is_other = |(field, _): &&(String, String)| !self.shown.contains(&field.as_str());
        self.said.iter().filter(is_other).map(|(field, said)| format!("{field}: {said}")).collect()
    }
}
