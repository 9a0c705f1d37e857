//! Reading a new password for a command: from standard input or a terminal, never from an argument.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::Arc;

use cloakroom::world::SystemRandom;
use cloakroom_core::account::LoginName;
use cloakroom_core::password::{Argon2idHasher, HashParameters, Hasher as _, PasswordHash};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::exit::Failure;

/// Most bytes of a line that are read: 256 characters and some.
const LINE_BYTES_MAX: u64 = 4_096;

/// Reads, judges and hashes a new password.
///
/// # Errors
/// When there is none to read, or it is refused; the line says why.
pub(super) fn new_hash(config: &Config, name: &LoginName, from_stdin: bool) -> Result<PasswordHash, Failure> {
    let typed = if from_stdin { line()? } else { asked()? };
    let password = config.password_rules().check(&typed, name).map_err(Failure::new)?;
    let hasher = Argon2idHasher::new(HashParameters::default(), Arc::new(SystemRandom));
    hasher.hash(&password).map_err(Failure::new)
}

fn line() -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().take(LINE_BYTES_MAX).read_line(&mut line);
    read.map_err(|error| Failure::new(format_args!("cannot read the password from standard input: {error}")))?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    if line.is_empty() {
        return Err(Failure::new("no password on standard input: write it there as one line"));
    }
    Ok(line)
}

fn asked() -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new("there is no terminal to ask for the password: use --password-stdin"));
    }
    let ask = |prompt| {
        let typed = rpassword::prompt_password(prompt);
        typed.map(Zeroizing::new).map_err(|error| Failure::new(format_args!("cannot read the password: {error}")))
    };
    let (typed, again) = (ask("Password: ")?, ask("Password, again: ")?);
    if *typed == *again { Ok(typed) } else { Err(Failure::new("the two passwords differ: try again")) }
}
