//! `cloakroom openapi`: the description of the JSON interface, as the server serves it.

use std::io::{self, Write as _};

use crate::exit::Failure;
use crate::locale::Catalogue;
use crate::openapi;

/// Prints the document.
///
/// # Errors
/// When the output cannot be written.
pub(super) fn run() -> Result<(), Failure> {
    let catalogue = Catalogue::load().map_err(Failure::new)?;
    io::stdout().lock().write_all(openapi::text_of(&catalogue).as_bytes()).map_err(|error| Failure::output(&error))
}
