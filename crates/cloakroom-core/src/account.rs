//! An account: the server's own subject, with a login name and a password. Library users may have none.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

use crate::password::PasswordHash;
use crate::session::Subject;
use crate::time::Timestamp;

/// Longest login name in bytes, after normalisation: an e-mail address has at most 254.
pub const LOGIN_NAME_BYTES_MAX: usize = 255;
/// Longest text that is normalised at all: bounds the work for what cannot be a name anyway.
const TYPED_BYTES_MAX: usize = 4 * LOGIN_NAME_BYTES_MAX;

/// What a person types to say who they are, normalised once: trimmed, NFKC, lower case.
///
/// ```
/// use cloakroom_core::account::LoginName;
///
/// let typed = LoginName::new("  ＡＤＡ@Example.org ")?;
/// assert_eq!(typed.as_str(), "ada@example.org");
/// # Ok::<(), cloakroom_core::account::NotALoginName>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoginName(Box<str>);

impl LoginName {
    /// Normalises what was typed.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes, or has characters that cannot be seen: controls, direction marks,
    /// zero-width characters, which would let two names look alike.
    pub fn new(typed: &str) -> Result<Self, NotALoginName> {
        if typed.len() > TYPED_BYTES_MAX {
            return Err(NotALoginName::TooLong);
        }
        let name: String = typed.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let name = name.trim();
        if name.is_empty() {
            return Err(NotALoginName::Empty);
        }
        if name.len() > LOGIN_NAME_BYTES_MAX {
            return Err(NotALoginName::TooLong);
        }
        if name.chars().any(is_invisible) {
            return Err(NotALoginName::Invisible);
        }
        Ok(Self(name.into()))
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LoginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Controls, format characters and separators that change how text looks without being seen.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

/// What was typed cannot be a login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALoginName {
    /// Nothing but white space.
    #[error("a login name cannot be empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a login name has at most {LOGIN_NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Characters that cannot be seen.
    #[error("a login name cannot contain control, direction or zero-width characters")]
    Invisible,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Look after its own sessions.
    Person,
    /// Look after everybody's.
    Administrator,
}

/// An account as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The subject of its sessions; never reused.
    pub subject: Subject,
    /// Unique.
    pub login_name: LoginName,
    /// The credential.
    pub password_hash: PasswordHash,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its password was last changed.
    pub password_changed_at: Timestamp,
    /// Since when it may not log in; `None`: it may.
    pub disabled_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_look_alike_are_alike() {
        for typed in ["ada", " Ada ", "ＡＤＡ", "\tADA\n"] {
            assert_eq!(LoginName::new(typed).map(|n| n.as_str().to_owned()), Ok("ada".to_owned()), "{typed:?}");
        }
    }

    #[test]
    fn names_that_cannot_be() {
        for (typed, why) in [
            ("", NotALoginName::Empty),
            (" \u{3000}", NotALoginName::Empty),
            ("a\u{202e}b", NotALoginName::Invisible),
            ("a\u{200b}b", NotALoginName::Invisible),
            ("a\0b", NotALoginName::Invisible),
            (&"x".repeat(256), NotALoginName::TooLong),
            (&"x".repeat(10_000), NotALoginName::TooLong),
            (&"\u{fdfa}".repeat(50), NotALoginName::TooLong), // 18 characters each in NFKC
        ] {
            assert_eq!(LoginName::new(typed), Err(why), "{typed:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(typed in "\\PC{0,40}") {
            if let Ok(name) = LoginName::new(&typed) {
                prop_assert_eq!(LoginName::new(name.as_str()), Ok(name));
            }
        }
    }
}
