//! The form token: what shows that a form comes from a page of the very session that sends it (NIST SP 800-63B-4 5.1). What is
//! refused without one is the application's to say.

use std::fmt;

use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_core::token::Token;
use http::request::Parts;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::extract::Facts;
use crate::rejection::Rejection;

/// Part of every form token: another version would be another purpose.
const PURPOSE: &str = "cloakroom form token 1";

/// Belongs to the session of the request, and nobody can know it who has not its token or one of its pages. An extractor, which
/// costs nothing where nobody asks for it.
///
/// Put [`value`](Self::value) into a hidden input of every form, and ask whether what comes back [`matches`](Self::matches)
/// before anything is changed. It is derived from the token itself: a copy of the database does not tell it, and a token that is
/// [replaced](crate::Session::replace) takes its form tokens with it. It is no credential: it opens nothing without the cookie.
///
/// ```
/// use axum::response::Html;
/// use cloakroom::{Code, FormToken};
///
/// async fn page(form_token: FormToken) -> Html<String> {
///     let hidden = format!(r#"<input type="hidden" name="form_token" value="{}">"#, form_token.value());
///     Html(format!(r#"<form method="post" action="/delete">{hidden}<button>Delete</button></form>"#))
/// }
/// async fn delete(form_token: FormToken, sent: String) -> Result<(), Code> {
///     let sent = sent.strip_prefix("form_token=").unwrap_or_default();
///     if form_token.matches(sent) { Ok(()) } else { Err(Code::CrossSite) }
/// }
/// ```
#[derive(Clone)]
pub struct FormToken(Zeroizing<String>);

impl FormToken {
    pub(crate) fn of(token: &Token) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(&token.derived_for(PURPOSE)[..])))
    }

    /// For a hidden input: 43 characters of base64url (RFC 4648 section 5), which need no escaping.
    pub fn value(&self) -> &str {
        &self.0
    }

    /// Whether a form that sent this comes from a page of this session. Compares in constant time.
    pub fn matches(&self, sent: &str) -> bool {
        self.0.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormToken(..)")
    }
}

/// Refused where validation found no session, for the same reasons as [`Principal`](crate::Principal).
impl<S: Sync> FromRequestParts<S> for FormToken {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Facts::of(parts)?.token(parts).map(|token| Self::of(&token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::world::PredictableRandom;

    const ZEROS: &str = "ck1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn known_form_token() {
        let form_token = FormToken::of(&Token::parse(ZEROS).unwrap());
        assert_eq!(form_token.value(), "hDeuWNaW2CXbirFuGc_sqf1iGKEsa6QEys0YTXTfhP8");
    }

    #[test]
    fn it_matches_itself_and_nothing_else() {
        let token = Token::generate(&PredictableRandom::from_seed(1)).unwrap();
        let other = FormToken::of(&Token::generate(&PredictableRandom::from_seed(2)).unwrap());
        let (form_token, again) = (FormToken::of(&token), FormToken::of(&token));
        assert!(form_token.matches(again.value()) && !form_token.matches(other.value()));
        let digest = URL_SAFE_NO_PAD.encode(token.digest().as_bytes());
        let value = form_token.value().to_owned();
        for wrong in ["", &value[..42], &format!("{value}="), &format!(" {value}"), &value.to_lowercase(), &digest] {
            assert!(!form_token.matches(wrong), "{wrong}");
        }
        for at in 0..value.len() {
            let mut flipped = value.clone().into_bytes();
            flipped[at] ^= 1;
            assert!(!form_token.matches(&String::from_utf8(flipped).unwrap()), "at {at}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", FormToken::of(&Token::parse(ZEROS).unwrap())), "FormToken(..)");
    }
}
