//! Passwords: what may be one, and what is kept of it. Pure: randomness comes in, no clock of ours is read.
//!
//! [`PasswordRules::check`] is asked when a password is *set* (registration, change, reset); [`Password::new`] when one
//! is *tried*, because a rule that came later must not lock anybody out. A [`Hasher`] turns either into a
//! [`PasswordHash`], the only thing a store sees. Limits on attempts do not belong here, nor does any message in
//! another language than English: [`PasswordRefusal::code`] is the catalogue's key.

mod blocklist;
mod breached;
mod context;
mod counting;
mod fold;
mod guessable;
mod hash;
mod hasher;
mod refusal;
mod rules;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

pub use breached::{BreachKey, BreachList, BreachListError};
pub use context::ContextKind;
pub use counting::{CountingHasher, HashCounts};
pub use guessable::Pattern;
pub use hash::{HashParameters, HashParametersError, NotAPasswordHash, PasswordHash};
pub use hasher::{Argon2idHasher, HashError, Hasher};
pub use refusal::PasswordRefusal;
pub use rules::PasswordRules;

/// Fewest code points of a new password (NIST SP 800-63B-4 3.1.1.2 for a password without a second factor).
pub const PASSWORD_CHARS_MIN: usize = 15;
/// Most code points of a password. NIST SP 800-63B-4 3.1.1.2 and ASVS 5.0 6.2.9 ask for at least 64.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Longest text that is normalised at all, in bytes: no code point in NFC stands for more than four of at most four bytes,
/// so nothing longer can be 256 code points.
const TYPED_BYTES_MAX: usize = 16 * PASSWORD_CHARS_MAX;
/// NFC makes no UTF-8 text more than three times as long (Unicode Standard Annex 15, section 9).
const NFC_GROWTH_MAX: usize = 3;

/// A typed password, in Unicode normalisation form C, of at most 256 code points.
///
/// Nothing else is changed: no trimming, no case folding, no cutting (ASVS 5.0 6.2.8; NFC is the one exception and
/// NIST SP 800-63B-4 3.1.1.2 asks for it). It has no `Display`, its `Debug` is redacted, it cannot be cloned or
/// compared, and its memory is wiped when it is dropped.
///
/// ```
/// use cloakroom_core::password::Password;
///
/// let composed = Password::new("caf\u{e9} au lait, sans sucre")?;
/// let decomposed = Password::new("cafe\u{301} au lait, sans sucre")?;
/// assert_eq!(composed.reveal(), decomposed.reveal());
/// assert_eq!(format!("{composed:?}"), "Password(..)");
/// # Ok::<(), cloakroom_core::password::PasswordTooLong>(())
/// ```
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed at a login. Only its length is looked at, so that every password once accepted can be tried.
    ///
    /// # Errors
    /// When it has more than 256 code points. A text of more than 4,096 bytes is refused without being read.
    pub fn new(typed: &str) -> Result<Self, PasswordTooLong> {
        if typed.len() > TYPED_BYTES_MAX {
            return Err(PasswordTooLong);
        }
        // Room for the worst case: a string that grows leaves unwiped copies behind.
        let mut text = Zeroizing::new(String::with_capacity(NFC_GROWTH_MAX * typed.len()));
        text.extend(typed.nfc());
        if text.chars().count() > PASSWORD_CHARS_MAX {
            return Err(PasswordTooLong);
        }
        Ok(Self(text))
    }

    /// The text, for a [`Hasher`].
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The text has more than 256 code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has at most {PASSWORD_CHARS_MAX} characters")]
pub struct PasswordTooLong;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_upper_bound_is_in_code_points_after_nfc() {
        for unit in ["a", "あ", "🦀", "\u{1d160}", "\u{1f82}"] {
            let nfc_len = unit.nfc().count();
            let fits = PASSWORD_CHARS_MAX / nfc_len;
            assert!(Password::new(&unit.repeat(fits)).is_ok(), "{unit:?}");
            assert_eq!(Password::new(&unit.repeat(fits + 1)).err(), Some(PasswordTooLong), "{unit:?}");
        }
        // 256 code points in NFC, typed as 1,024 code points.
        let decomposed: String = "\u{1f82}".repeat(256).nfd().collect();
        assert_eq!(decomposed.chars().count(), 1024);
        assert_eq!(Password::new(&decomposed).map(|p| p.reveal().chars().count()), Ok(256));
    }

    #[test]
    fn nothing_but_the_normal_form_changes() {
        for text in ["  Spaces Stay  ", "ＷＩＤＥ stays wide", "Case STAYS", "tab\tstays\0", ""] {
            assert_eq!(Password::new(text).map(|p| p.reveal().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn ten_megabytes_are_refused_unread() {
        for unit in ["a", "e\u{301}", "\u{315}\u{300}"] {
            assert_eq!(Password::new(&unit.repeat(10_000_000 / unit.len())).err(), Some(PasswordTooLong));
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::new("violet tractor").unwrap()), "Password(..)");
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing_and_never_moves_the_buffer(typed in any::<String>()) {
            if let Ok(password) = Password::new(&typed) {
                prop_assert!(password.reveal().len() <= NFC_GROWTH_MAX * typed.len());
                let again = Password::new(password.reveal()).unwrap();
                prop_assert_eq!(again.reveal(), password.reveal());
            }
        }
    }
}
