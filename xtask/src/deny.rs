//! `cargo xtask deny`: what we depend on, judged by `deny.toml`.
//!
//! Bans, licences and sources need no network and are always checked. Advisories need a database from the network:
//! where it cannot be had, that is said and nothing is red; where it can, a found advisory is.

use crate::run::{Outcome, cargo, succeeds, to_end};

/// Installed when no `cargo deny` is there.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Checks the dependencies.
pub(crate) fn run() -> Outcome {
    install()?;
    to_end(&mut cargo(["deny", "--all-features", "--locked", "check", "bans", "licenses", "sources"]))?;
    // A mistake in deny.toml would have failed above, so what fails here is the fetch.
    if !succeeds(&mut cargo(["deny", "fetch", "db"])) {
        println!("note: advisories were NOT checked: their database cannot be fetched from here");
        return Ok(());
    }
    to_end(&mut cargo(["deny", "--all-features", "--locked", "check", "advisories"]))
}

fn install() -> Outcome {
    if succeeds(&mut cargo(["deny", "--version"])) {
        return Ok(());
    }
    println!("`cargo deny` is missing: installing {CARGO_DENY_VERSION}");
    // Unoptimised and without debug information: it runs for a second and compiles in one minute instead of many.
    let mut install = cargo(["install", "cargo-deny", "--locked", "--debug", "--version", CARGO_DENY_VERSION]);
    to_end(install.env("CARGO_PROFILE_DEV_DEBUG", "0"))
}
