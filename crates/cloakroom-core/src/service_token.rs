//! The credential of an application that calls the service API: a secret of its own form, what a store may see of it, and what it
//! opens. It logs nobody in.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::secret::{SECRET_TEXT_LEN, Secret};
use crate::time::Timestamp;
use crate::world::{Random, RandomUnavailable};

/// Marks service tokens for secret scanners; `1` is the version of the format.
pub const SERVICE_TOKEN_PREFIX: &str = "cks1_";
/// Length of a service token's text: the prefix and 43 base64url characters.
pub const SERVICE_TOKEN_TEXT_LEN: usize = SERVICE_TOKEN_PREFIX.len() + SECRET_TEXT_LEN;
/// Longest name in bytes.
pub const SERVICE_TOKEN_NAME_BYTES_MAX: usize = 64;
/// Most service tokens there can be.
pub const SERVICE_TOKENS_MAX: u32 = 1_000;

/// The secret that an application sends: `cks1_` and 43 base64url characters. Shown once, when it is made.
///
/// As a session's [`Token`](crate::token::Token), it does not print itself, and no other spelling of it is accepted.
///
/// ```
/// use cloakroom_core::service_token::ServiceToken;
/// use cloakroom_core::world::PredictableRandom;
///
/// let token = ServiceToken::generate(&PredictableRandom::from_seed(7))?;
/// assert_eq!(token.reveal().len(), 48);
/// assert_eq!(ServiceToken::parse(&token.reveal()).map(|t| t.digest()), Ok(token.digest()));
/// assert_eq!(format!("{token:?} {:?}", token.digest()), "ServiceToken(..) ServiceTokenDigest(..)");
/// # Ok::<(), cloakroom_core::world::RandomUnavailable>(())
/// ```
pub struct ServiceToken(Secret);

impl ServiceToken {
    /// A new service token.
    ///
    /// # Errors
    /// When no randomness is to be had.
    pub fn generate(random: &dyn Random) -> Result<Self, RandomUnavailable> {
        Secret::generate(random).map(Self)
    }

    /// Reads a service token's text.
    ///
    /// # Errors
    /// When the text is none. Nothing of it is repeated in the error.
    pub fn parse(text: &str) -> Result<Self, NotAServiceToken> {
        Secret::parse(SERVICE_TOKEN_PREFIX, text).map(Self).ok_or(NotAServiceToken)
    }

    /// What a store keeps (ASVS 5.0 6.5.2). Not what it would keep of a session's token of the same bytes.
    pub fn digest(&self) -> ServiceTokenDigest {
        ServiceTokenDigest(*self.0.derived_for("service token"))
    }

    /// The text, for the one line that hands it over.
    pub fn reveal(&self) -> Zeroizing<String> {
        self.0.reveal(SERVICE_TOKEN_PREFIX)
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceToken(..)")
    }
}

/// The text is not a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a service token: expected \"cks1_\" and 43 base64url characters")]
pub struct NotAServiceToken;

/// The only form of a service token that a store accepts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceTokenDigest([u8; 32]);

impl ServiceTokenDigest {
    /// Takes a digest read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ServiceTokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceTokenDigest(..)")
    }
}

/// What a service token is called: 1 to 64 bytes of letters and digits of ASCII, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceTokenName(String);

impl ServiceTokenName {
    /// Takes a name.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, NotAServiceTokenName> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=SERVICE_TOKEN_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_name);
        if fits { Ok(Self(text.to_owned())) } else { Err(NotAServiceTokenName) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceTokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServiceTokenName {
    type Err = NotAServiceTokenName;

    fn from_str(text: &str) -> Result<Self, NotAServiceTokenName> {
        Self::new(text)
    }
}

/// The text cannot be the name of a service token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a name of a service token: 1 to 64 letters, digits, `.`, `_` and `-`")]
pub struct NotAServiceTokenName;

/// What a service token opens. Neither includes the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The service API: to create, verify, list and end sessions.
    #[default]
    Sessions,
    /// What administrators may do over the API.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Sessions, Self::Admin];

    /// The word a store keeps and an operator types.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(NotAScope)
    }
}

/// The word is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scope: sessions or admin")]
pub struct NotAScope;

/// What is kept of a service token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTokenRecord {
    /// What it is called.
    pub name: ServiceTokenName,
    /// Of its secret.
    pub digest: ServiceTokenDigest,
    /// What it opens.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute or so; `None`: never yet.
    pub last_used_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    #[test]
    fn a_service_token_is_no_session_token_and_the_other_way_round() {
        let (service, session) =
            (ServiceToken(Secret::of([7; 32])), Token::parse(&Secret::of([7; 32]).reveal("ck1_")).unwrap());
        assert!(Token::parse(&service.reveal()).is_err() && ServiceToken::parse(&session.reveal()).is_err());
        assert_ne!(service.digest().as_bytes(), session.digest().as_bytes());
    }

    #[test]
    fn names_are_words() {
        for good in ["a", "billing", "Next.js_2-b", &"n".repeat(64)] {
            assert_eq!(ServiceTokenName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "é", "a\n", "a/b", "<b>", &"n".repeat(65)] {
            assert!(ServiceTokenName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn scopes_are_read_back() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert!("Admin".parse::<Scope>().is_err() && "".parse::<Scope>().is_err());
    }
}
