//! The secret in the cookie and what a store may see of it.
//!
//! Two types that cannot be mixed up: a [`Token`] logs somebody in and exists only in the browser and in
//! memory during one request; a [`TokenDigest`] is all a store ever sees (G1). Neither prints itself.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::secret::{SECRET_TEXT_LEN, Secret};
use crate::world::{Random, RandomUnavailable};

/// Marks our tokens for secret scanners; `1` is the version of the format.
pub const TOKEN_PREFIX: &str = "ck1_";
/// Length of a token's text: the prefix and 43 base64url characters.
pub const TOKEN_TEXT_LEN: usize = TOKEN_PREFIX.len() + SECRET_TEXT_LEN;

/// The 256-bit secret that a cookie carries: `ck1_` and 43 base64url characters (RFC 4648 section 5, no padding).
///
/// 256 random bits where ASVS 5.0 7.2.3 asks for 128. It has no `Display`, its `Debug` is redacted, it
/// cannot be compared or serialised, and its memory is wiped when it is dropped.
///
/// ```
/// use cloakroom_core::token::Token;
/// use cloakroom_core::world::PredictableRandom;
///
/// let token = Token::generate(&PredictableRandom::from_seed(7))?;
/// let text = token.reveal();
/// assert_eq!(text.len(), 47);
/// assert_eq!(Token::parse(&text).map(|t| t.digest()), Ok(token.digest()));
/// assert_eq!(format!("{token:?}"), "Token(..)");
/// # Ok::<(), cloakroom_core::world::RandomUnavailable>(())
/// ```
pub struct Token(Secret);

impl Token {
    /// A new token.
    ///
    /// # Errors
    /// When no randomness is to be had.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomUnavailable> {
        Secret::generate(random).map(Self)
    }

    /// Reads a token's text. There is exactly one text for each token: no other spelling is accepted.
    ///
    /// # Errors
    /// When the text is not a token. Nothing of it is repeated in the error.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        Secret::parse(TOKEN_PREFIX, text).map(Self).ok_or(NotAToken)
    }

    /// What a store keeps: SHA-256 of the 32 bytes.
    ///
    /// A plain digest is enough because the input is random (ASVS 5.0 6.5.2 allows it from 112 bits).
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.bytes()).into())
    }

    /// What only the token's holder can know, for one purpose: SHA-256 of the purpose, a zero byte and the 32 bytes.
    ///
    /// Of the bytes and not of their digest, so that a copy of the database does not tell it (G1); and it does not tell the
    /// bytes, so that it may stand where the token may not.
    pub fn derived_for(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        self.0.derived_for(purpose)
    }

    /// The token's text, for the one `Set-Cookie` (or service answer) that hands it over.
    pub fn reveal(&self) -> Zeroizing<String> {
        self.0.reveal(TOKEN_PREFIX)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session token: expected \"ck1_\" and 43 base64url characters")]
pub struct NotAToken;

/// SHA-256 of a token's 32 bytes: the only form a store accepts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// Takes a digest read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::PredictableRandom;
    use proptest::prelude::*;

    #[test]
    fn known_digest() {
        let token = Token(Secret::of([0; 32]));
        assert_eq!(&**token.reveal(), "ck1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let digest: [u8; 4] = token.digest().as_bytes()[..4].try_into().unwrap();
        assert_eq!(digest, [0x66, 0x68, 0x7a, 0xad]); // SHA-256 of 32 zero bytes
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = Token(Secret::of([0; 32])).reveal();
        let with_last = |c: char| format!("{}{c}", &text[..46]);
        for evil in [
            String::new(),
            text[..46].to_owned(),
            format!("{}A", &**text),
            format!("{}=", &text[..46]),
            text.replace("ck1_", "CK1_"),
            text.replace("ck1_", "ck2_"),
            with_last('B'), // the same 32 bytes with stray low bits
            with_last('+'),
            with_last(' '),
            "ck1_".to_owned() + &"é".repeat(21) + "a",
        ] {
            assert!(Token::parse(&evil).is_err(), "accepted {evil:?}");
        }
    }

    #[test]
    fn what_is_derived_differs_by_purpose_token_and_from_the_digest() {
        let (token, other) = (Token(Secret::of([0; 32])), Token(Secret::of([1; 32])));
        let derived = token.derived_for("a");
        assert_eq!(derived, Token(Secret::of([0; 32])).derived_for("a"));
        assert_ne!(derived, token.derived_for("b"));
        assert_ne!(derived, token.derived_for("a\0"));
        assert_ne!(derived, other.derived_for("a"));
        assert_ne!(&*token.derived_for(""), token.digest().as_bytes());
    }

    #[test]
    fn debug_shows_nothing() {
        let token = Token::generate(&PredictableRandom::from_seed(1)).unwrap();
        assert_eq!(format!("{token:?} {:?}", token.digest()), "Token(..) TokenDigest(..)");
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_a_canonical_token(text in "\\PC{0,60}|ck1_[A-Za-z0-9_-]{43}") {
            if let Ok(token) = Token::parse(&text) {
                prop_assert_eq!(&**token.reveal(), text.as_str());
            }
        }

        #[test]
        fn reveal_then_parse_is_the_same_token(seed: u64) {
            let token = Token::generate(&PredictableRandom::from_seed(seed)).unwrap();
            let again = Token::parse(&token.reveal()).unwrap();
            prop_assert_eq!(again.digest(), token.digest());
        }
    }
}
