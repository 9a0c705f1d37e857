//! Why a new password is refused, in words that help to choose another. Never the password, nor any part of it.

use super::{ContextKind, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, PasswordTooLong, Pattern};

/// Why a new password is refused (NIST SP 800-63B-4 3.1.1.2: the reason is said).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Fewer than 15 code points.
    #[error(
        "the password has {found} characters and needs at least {min}; a few unrelated words in a row are easy to remember"
    )]
    TooShort {
        /// Code points found, after NFC.
        found: usize,
        /// Fewest allowed.
        min: usize,
    },
    /// More than 256 code points.
    #[error("the password has more than {max} characters")]
    TooLong {
        /// Most allowed.
        max: usize,
    },
    /// A control character: it is not part of any keyboard's text, and most likely came along with a paste.
    #[error(
        "the password contains a control character, such as a tab or a line break; letters, digits, signs, spaces and emoji are all fine"
    )]
    Control,
    /// It is one of the passwords that are tried first.
    #[error("the password is on a list of common passwords, which are tried first; choose another")]
    Common,
    /// It stands in the operator's file of breached passwords. [`PasswordRules`](super::PasswordRules) never say so: they read no file.
    #[error("the password is on a list of passwords that were stolen somewhere, which are tried first; choose another")]
    Breached,
    /// It follows a pattern that programs guess quickly.
    #[error("the password is easy to guess because of {pattern}; a few unrelated words in a row are hard to guess")]
    Guessable {
        /// Which.
        pattern: Pattern,
    },
    /// Little is left of it without words that everybody connects with this account (ASVS 5.0 6.2.11).
    #[error("the password is little more than {kind}; choose words that have nothing to do with it")]
    Context {
        /// Where the word is from.
        kind: ContextKind,
    },
}

impl PasswordRefusal {
    /// Every code there is.
    pub const CODES: &'static [&'static str] =
        &["too_short", "too_long", "control", "common", "breached", "guessable", "context"];

    /// The key of the message catalogue.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Control => "control",
            Self::Common => "common",
            Self::Breached => "breached",
            Self::Guessable { .. } => "guessable",
            Self::Context { .. } => "context",
        }
    }

    /// The numbers in that message, by their names there.
    pub fn values(&self) -> Vec<(&'static str, usize)> {
        match self {
            Self::TooShort { found, min } => vec![("found", *found), ("min", *min)],
            Self::TooLong { max } => vec![("max", *max)],
            _ => Vec::new(),
        }
    }

    pub(super) const fn too_short(found: usize) -> Self {
        Self::TooShort { found, min: PASSWORD_CHARS_MIN }
    }
}

impl From<PasswordTooLong> for PasswordRefusal {
    fn from(_: PasswordTooLong) -> Self {
        Self::TooLong { max: PASSWORD_CHARS_MAX }
    }
}
