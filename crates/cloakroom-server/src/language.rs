//! Which language a request is answered in, and what an answer says of that. Choosing one is `POST /language`, in `pages`.

use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, COOKIE, HeaderMap, HeaderValue, VARY};

use crate::locale::Locale;

/// The cookie of whoever chose one. It says nothing else of anybody.
pub(crate) const COOKIE_NAME: &str = "cloakroom-language";
/// How long it is kept.
const COOKIE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The language of whoever sent these headers: the one they chose, else one their browser asks for, else the server's.
pub(crate) fn of(headers: &HeaderMap, default: Locale) -> Locale {
    let asked = || headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    chosen(headers).or_else(|| Locale::negotiate(asked())).unwrap_or(default)
}

/// The one they chose. A cookie with anything else in it is none.
fn chosen(headers: &HeaderMap) -> Option<Locale> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE_NAME).then(|| Locale::of_tag(value)).flatten())
}

/// The `Set-Cookie` of a choice.
pub(crate) fn cookie(locale: Locale, is_https: bool) -> String {
    let secure = if is_https { "; Secure" } else { "" };
    let tag = locale.tag();
    format!("{COOKIE_NAME}={tag}; Path=/; Max-Age={COOKIE_SECONDS}; HttpOnly; SameSite=Lax{secure}")
}

/// Says which language an answer is in, and what that came from (RFC 9110 sections 8.5 and 12.5.5).
pub(crate) fn mark(headers: &mut HeaderMap, locale: Locale) {
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(locale.tag()));
    headers.append(VARY, HeaderValue::from_static("accept-language, cookie"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_counts_more_than_the_browser_and_that_more_than_the_setting() {
        for (cookie, header, default, wanted) in [
            (None, None, Locale::Japanese, Locale::Japanese),
            (None, Some("fr"), Locale::Japanese, Locale::Japanese),
            (None, Some("en"), Locale::Japanese, Locale::English),
            (Some("cloakroom-language=ja"), Some("en"), Locale::English, Locale::Japanese),
            (Some("a=b; cloakroom-language=ja; c=d"), None, Locale::English, Locale::Japanese),
            (Some("cloakroom-language=fr"), Some("ja"), Locale::English, Locale::Japanese),
            (Some("cloakroom-language=xx; cloakroom-language=ja"), None, Locale::English, Locale::Japanese),
            (Some("x-cloakroom-language=ja; cloakroom-language"), None, Locale::English, Locale::English),
        ] {
            let mut headers = HeaderMap::new();
            for (name, text) in [(COOKIE, cookie), (ACCEPT_LANGUAGE, header)] {
                if let Some(text) = text {
                    headers.insert(name, HeaderValue::from_static(text));
                }
            }
            assert_eq!(of(&headers, default), wanted, "{cookie:?} {header:?}");
        }
    }
}
