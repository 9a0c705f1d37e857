//! JSON on standard output: one document, or an array that is written a page at a time. It has no language.

use std::io::{self, Write};

use serde_json::Value;

use super::text::escaped_json;
use crate::exit::Failure;

/// One document, on a line.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn print(document: &Value) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{}", escaped_json(&document.to_string())).map_err(|error| Failure::output(&error))
}

/// One array, an element a line.
#[derive(Default)]
pub(super) struct Array {
    has_elements: bool,
}

impl Array {
    /// Writes a page of elements.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn write(&mut self, page: impl Iterator<Item = Value>, out: &mut impl Write) -> io::Result<()> {
        for element in page {
            let before = if self.has_elements { ",\n " } else { "[" };
            self.has_elements = true;
            write!(out, "{before}{}", escaped_json(&element.to_string()))?;
        }
        Ok(())
    }

    /// Writes the end.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn finish(self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}", if self.has_elements { "]" } else { "[]" })
    }
}
