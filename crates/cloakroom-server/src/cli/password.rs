//! A new password from whoever runs the command: typed twice, or one line of standard input. Never an argument, which
//! other users of the machine could read.

use std::io::{self, BufRead, IsTerminal as _};
use std::sync::Arc;

use clap::Args;
use cloakroom::world::SystemRandom;
use cloakroom_core::account::LoginName;
use cloakroom_core::password::{Argon2idHasher, HashParameters, Hasher as _, PasswordHash};
use zeroize::Zeroizing;

use super::voice::Voice;
use crate::config::Config;
use crate::exit::Failure;

/// Longest line that is read, in bytes: no acceptable password is longer.
const LINE_BYTES_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Source {
    #[arg(long)]
    password_stdin: bool,
}

impl Source {
    /// Whether standard input is the password, so that nobody can be asked anything.
    pub(super) const fn is_piped(self) -> bool {
        self.password_stdin
    }

    /// Reads a new password for `name`, checks and hashes it. Blocks for as long as somebody is typing.
    ///
    /// # Errors
    /// When there is nobody to ask, or the password breaks a rule; the text says which, and never the password.
    pub(super) fn read_hash(self, name: &LoginName, config: &Config, voice: &Voice) -> Result<PasswordHash, Failure> {
        // Before anybody types a password for nothing.
        config.check_breached_hashes()?;
        let typed = if self.password_stdin { first_line(io::stdin().lock())? } else { ask(name, voice)? };
        let password = config.new_passwords().judge_blocking(&typed, name)?;
        let hasher = Argon2idHasher::new(HashParameters::default(), Arc::new(SystemRandom));
        hasher.hash(&password).map_err(|error| Failure::say("password-not-hashed", &[("cause", &error)]))
    }
}

impl Source {
    /// Reads the password that `name` has. Blocks for as long as somebody is typing.
    ///
    /// # Errors
    /// When there is nobody to ask.
    pub(super) fn read_current(self, name: &LoginName, voice: &Voice) -> Result<Zeroizing<String>, Failure> {
        if self.password_stdin {
            return first_line(io::stdin().lock());
        }
        typed("password-prompt-current", name, voice)
    }
}

/// Asks on the terminal, if there is one.
fn typed(key: &str, name: &LoginName, voice: &Voice) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::say("password-no-terminal", &[]));
    }
    let typed = rpassword::prompt_password(voice.say(key, &[("name", name)])).map(Zeroizing::new);
    typed.map_err(|error| Failure::say("password-not-typed", &[("cause", &error)]))
}

fn ask(name: &LoginName, voice: &Voice) -> Result<Zeroizing<String>, Failure> {
    let first = typed("password-prompt", name, voice)?;
    let second = typed("password-prompt-again", name, voice)?;
    if first != second {
        return Err(Failure::say("password-differs", &[]));
    }
    Ok(first)
}

/// The first line, without its end. What follows it is not read.
fn first_line(input: impl BufRead) -> Result<Zeroizing<String>, Failure> {
    // Room for the longest line and its end: a buffer that grows leaves unwiped copies behind.
    let room = LINE_BYTES_MAX + 2;
    let mut line = Zeroizing::new(Vec::with_capacity(room));
    input
        .take(room as u64)
        .read_until(b'\n', &mut line)
        .map_err(|error| Failure::say("password-unread", &[("cause", &error)]))?;
    let text = std::str::from_utf8(&line).map_err(|_| Failure::say("password-not-utf8", &[]));
    // A line that was cut may end within a character, so its length is looked at first.
    let end = line.strip_suffix(b"\n").map_or(&line[..], |rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    if end.len() > LINE_BYTES_MAX {
        return Err(Failure::say("password-line-long", &[("max", &LINE_BYTES_MAX)]));
    }
    let text = text?;
    if text.is_empty() {
        return Err(Failure::say("password-line-missing", &[]));
    }
    Ok(Zeroizing::new(text[..end.len()].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<String> {
        first_line(bytes).ok().map(|line| line.as_str().to_owned())
    }

    #[test]
    fn only_the_end_of_the_line_goes() {
        for (input, line) in
            [("a b \n", "a b "), ("a\r\n", "a"), ("a\r", "a\r"), ("a", "a"), ("a\nb\n", "a"), ("\n", "")]
        {
            assert_eq!(read(input.as_bytes()).as_deref(), Some(line), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_line_is_refused() {
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\xff\n"), None);
        for end in ["", "\n", "\r\n"] {
            let longest = "x".repeat(LINE_BYTES_MAX);
            assert_eq!(read(format!("{longest}{end}").as_bytes()), Some(longest.clone()));
            assert_eq!(read(format!("{longest}x{end}").as_bytes()), None);
            assert_eq!(read("あ".repeat(3000).as_bytes()), None);
        }
    }
}
