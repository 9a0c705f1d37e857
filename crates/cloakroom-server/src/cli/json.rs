//! A JSON array on standard output, written a page at a time.

use std::io::{self, Write};

use serde_json::Value;

use super::text::escaped_json;

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
