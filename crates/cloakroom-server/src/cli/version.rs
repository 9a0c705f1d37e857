//! `cloakroom version`: which version this is, for programs too.

use std::io::{self, Write as _};

use clap::Args;
use serde_json::json;

use super::json;
use crate::exit::Failure;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Version {
    #[arg(long)]
    json: bool,
}

impl Version {
    /// Says it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let version = env!("CARGO_PKG_VERSION");
        if self.json {
            return json::print(&json!({ "name": "cloakroom", "version": version }));
        }
        writeln!(io::stdout().lock(), "cloakroom {version}").map_err(|error| Failure::output(&error))
    }
}
