//! The one-time setup link: whoever started the server makes the first administrator with it.

use std::fmt;

use cloakroom_core::token::{TOKEN_PREFIX, Token, TokenDigest};
use cloakroom_core::world::{Random, RandomUnavailable};
use zeroize::Zeroizing;

/// The setup code's digest, in memory only: a restart makes a new link.
pub(crate) struct Setup(TokenDigest);

impl Setup {
    /// A new code, to be printed once, and what recognises it.
    ///
    /// # Errors
    /// When no randomness is to be had.
    pub(crate) fn new(random: &dyn Random) -> Result<(Self, Zeroizing<String>), RandomUnavailable> {
        let secret = Token::generate(random)?;
        // Without the prefix of session tokens: it logs nobody in.
        let code = Zeroizing::new(secret.reveal().trim_start_matches(TOKEN_PREFIX).to_owned());
        Ok((Self(secret.digest()), code))
    }

    /// Whether `code` is the one that was printed. Compares digests: how long it takes says nothing about the code.
    pub(crate) fn is(&self, code: &str) -> bool {
        let text = Zeroizing::new(format!("{TOKEN_PREFIX}{code}"));
        Token::parse(&text).is_ok_and(|token| token.digest() == self.0)
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setup(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::world::PredictableRandom;

    #[test]
    fn only_the_printed_code_is_the_code() {
        let (setup, code) = Setup::new(&PredictableRandom::from_seed(1)).unwrap();
        let (_, other) = Setup::new(&PredictableRandom::from_seed(2)).unwrap();
        assert!(setup.is(&code));
        for wrong in ["", &other, &code[1..], &format!("{TOKEN_PREFIX}{}", &**code), &format!("{}=", &**code)] {
            assert!(!setup.is(wrong));
        }
        assert_eq!(format!("{setup:?}"), "Setup(..)");
    }
}
