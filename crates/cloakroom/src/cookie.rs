//! The cookie that carries the token: its names, its attributes, and reading it. Nothing else builds or reads one.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use cloakroom_core::token::{Token, TokenDigest};
use http::header::{COOKIE, HeaderMap, HeaderValue};

/// How many tokens of one request are tried: a browser sends one, a planted cookie makes two.
pub const TOKENS_TRIED_MAX: usize = 4;

/// Which cookie is used (ASVS 5.0 3.3.1 to 3.3.4, RFC 6265bis sections 4.1.3 and 5.6).
///
/// The prefix is the browser's promise about where the cookie comes from, so it follows from how the site is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Domain(Box<str>),
    PlainHttp,
}

/// The text is no domain that a cookie can be shared over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cookie domain: expected a host name with a dot, such as app.example, in letters, digits, '-' and '.'")]
pub struct NotACookieDomain;

impl CookieSettings {
    /// `__Host-cloakroom`: over https, for exactly one host. The default.
    pub const fn host() -> Self {
        Self(Kind::Host)
    }

    /// `__Secure-cloakroom`: over https, shared by `domain` and every host below it. All of them can then plant one.
    ///
    /// No list of public suffixes is asked: for `co.uk` browsers drop the cookie, and nobody can log in.
    ///
    /// # Errors
    /// When `domain` is not a host name with a dot.
    pub fn shared_over(domain: &str) -> Result<Self, NotACookieDomain> {
        let domain = domain.trim_start_matches('.').to_ascii_lowercase();
        let label = |label: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            !label.is_empty() && label.len() <= 63 && label.bytes().all(plain) && !label.starts_with('-')
        };
        if domain.len() > 253 || !domain.contains('.') || !domain.split('.').all(label) {
            return Err(NotACookieDomain);
        }
        Ok(Self(Kind::Domain(domain.into())))
    }

    /// `cloakroom` without `Secure`: for a listener on loopback. Anyone on the way can read it.
    pub const fn insecure_for_plain_http() -> Self {
        Self(Kind::PlainHttp)
    }

    /// The cookie's name.
    pub const fn name(&self) -> &'static str {
        match self.0 {
            Kind::Host => "__Host-cloakroom",
            Kind::Domain(_) => "__Secure-cloakroom",
            Kind::PlainHttp => "cloakroom",
        }
    }

    /// The `Set-Cookie` that hands `token` over; with `max_age` it outlives the browser's session.
    pub(crate) fn handing_over(&self, token: &Token, max_age: Option<Duration>) -> Option<HeaderValue> {
        let max_age = max_age.map_or_else(String::new, |age| format!("; Max-Age={}", age.as_secs()));
        let text = zeroize_on_drop(format!("{}={}{self}{max_age}", self.name(), &**token.reveal()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true); // `Debug` of the header map shows "Sensitive"
        Some(value)
    }

    /// The `Set-Cookie` that makes the browser forget the cookie.
    pub(crate) fn expiring(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{}={self}; Max-Age=0", self.name())).ok()
    }
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self::host()
    }
}

/// The attributes every cookie of ours has. `Lax`, so that a link from elsewhere finds its reader signed in.
impl fmt::Display for CookieSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("; Path=/; HttpOnly; SameSite=Lax")?;
        match &self.0 {
            Kind::Host => f.write_str("; Secure"),
            Kind::Domain(domain) => write!(f, "; Secure; Domain={domain}"),
            Kind::PlainHttp => Ok(()),
        }
    }
}

fn zeroize_on_drop(text: String) -> zeroize::Zeroizing<String> {
    zeroize::Zeroizing::new(text)
}

/// The digests of the tokens that a request presents: a slice. One token, which is what browsers send, needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presented(Digests);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Digests {
    #[default]
    Nothing,
    One([TokenDigest; 1]),
    Several(Vec<TokenDigest>),
}

impl Presented {
    fn push(&mut self, digest: TokenDigest) {
        match &mut self.0 {
            Digests::Nothing => self.0 = Digests::One([digest]),
            Digests::One([first]) => self.0 = Digests::Several(vec![*first, digest]),
            Digests::Several(digests) => digests.push(digest),
        }
    }
}

impl Deref for Presented {
    type Target = [TokenDigest];

    fn deref(&self) -> &[TokenDigest] {
        match &self.0 {
            Digests::Nothing => &[],
            Digests::One(digest) => digest,
            Digests::Several(digests) => digests,
        }
    }
}

/// The digests of the tokens that a request presents under `name`, in order, each once, at most [`TOKENS_TRIED_MAX`].
///
/// Reads every `Cookie` header once, whatever bytes it holds. What is not a token costs a comparison and does not count,
/// so that junk in front does not hide a good one. Names are compared exactly, case included: a browser guards
/// the prefixes of names case-insensitively, servers that fold case have been fooled by others.
pub fn presented_tokens(headers: &HeaderMap, name: &str) -> Presented {
    let mut found = Presented::default();
    for token in tokens(headers, name) {
        let digest = token.digest();
        if !found.contains(&digest) {
            found.push(digest);
        }
        if found.len() == TOKENS_TRIED_MAX {
            break;
        }
    }
    found
}

/// The token of this digest, read from the request once more: nothing keeps tokens.
pub(crate) fn presented_token(headers: &HeaderMap, name: &str, digest: &TokenDigest) -> Option<Token> {
    tokens(headers, name).find(|token| token.digest() == *digest)
}

fn tokens(headers: &HeaderMap, name: &str) -> impl Iterator<Item = Token> {
    let pairs = headers.get_all(COOKIE).into_iter().flat_map(|line| line.as_bytes().split(|&byte| byte == b';'));
    pairs.filter_map(move |pair| token_in(pair, name))
}

fn token_in(pair: &[u8], name: &str) -> Option<Token> {
    let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
    Token::parse(std::str::from_utf8(value).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::world::PredictableRandom;
    use proptest::prelude::*;

    fn token(seed: u64) -> Token {
        Token::generate(&PredictableRandom::from_seed(seed)).unwrap()
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap())).collect()
    }

    #[test]
    fn attributes_follow_from_the_kind() {
        let token = token(1);
        let text = |settings: &CookieSettings, age| {
            let value = settings.handing_over(&token, age).unwrap();
            value.to_str().unwrap().replace(&**token.reveal(), "T")
        };
        let day = Some(Duration::from_hours(24));
        let shared = CookieSettings::shared_over("App.example.").err().map_or("accepted", |_| "refused");
        assert_eq!(shared, "refused");
        let shared = CookieSettings::shared_over(".App.example").unwrap();
        assert_eq!(text(&CookieSettings::host(), None), "__Host-cloakroom=T; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(
            text(&shared, day),
            "__Secure-cloakroom=T; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=app.example; Max-Age=86400"
        );
        let plain = CookieSettings::insecure_for_plain_http();
        assert_eq!(text(&plain, None), "cloakroom=T; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(plain.expiring().unwrap(), "cloakroom=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn the_header_does_not_show_its_token() {
        let value = CookieSettings::host().handing_over(&token(1), None).unwrap();
        assert_eq!(format!("{value:?}"), "Sensitive");
    }

    #[test]
    fn domains_that_cannot_be() {
        for evil in ["", ".", "localhost", "a..b", "a b.c", "a.b; Path=/x", "-a.b", &format!("{}.b", "a".repeat(64))] {
            assert_eq!(CookieSettings::shared_over(evil), Err(NotACookieDomain), "{evil:?}");
        }
    }

    #[test]
    fn finds_tokens_among_anything() {
        let (one, two) = (token(1), token(2));
        let (a, b) = (one.reveal(), two.reveal());
        let (a, b) = (a.as_str(), b.as_str());
        for (lines, wanted) in [
            (vec![format!("n={a}")], vec![one.digest()]),
            (vec![format!("x=1;n={a} ; y")], vec![one.digest()]),
            (vec![format!("n={a}; n={a}")], vec![one.digest()]),
            (vec![format!("n={a}"), format!("n={b}")], vec![one.digest(), two.digest()]),
            (vec![format!("n=ck1_; n=; n; =n; n=\"{a}\"; n={b}")], vec![two.digest()]),
            (vec![format!("N={a}")], vec![]),
            (vec![format!("nn={a}; n ={b}")], vec![]),
            (vec![format!("n={a}x")], vec![]),
        ] {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let headers = headers(&lines);
            assert_eq!(*presented_tokens(&headers, "n"), *wanted, "{}", lines.len());
            for digest in [one.digest(), two.digest(), token(3).digest()] {
                let again = presented_token(&headers, "n", &digest).map(|token| token.digest());
                assert_eq!(again, wanted.contains(&digest).then_some(digest), "{}", lines.len());
            }
        }
    }

    #[test]
    fn at_most_four_are_tried() {
        let line = (0..50).map(|seed| format!("n={}", &**token(seed).reveal())).collect::<Vec<_>>().join("; ");
        assert_eq!(presented_tokens(&headers(&[&line]), "n").len(), TOKENS_TRIED_MAX);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6)) {
            let headers: HeaderMap = lines.iter()
                .filter_map(|bytes| HeaderValue::from_bytes(bytes).ok()).map(|value| (COOKIE, value)).collect();
            prop_assert!(presented_tokens(&headers, "cloakroom").len() <= TOKENS_TRIED_MAX);
        }

        #[test]
        fn junk_around_never_hides_a_token(before in "[ -:<-~]{0,40}", after in "[ -:<-~]{0,40}") {
            let line = format!("{before}; cloakroom={}; {after}", &**token(9).reveal());
            let found = presented_tokens(&headers(&[&line]), "cloakroom");
            prop_assert!(found.contains(&token(9).digest()));
        }
    }
}
