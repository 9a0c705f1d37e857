//! Where to go after a login: a path on this site and nothing else (ASVS 5.0 3.7.2).

use std::fmt;

/// Longest accepted return target in bytes: what every browser and proxy takes in a URL.
pub const RETURN_TARGET_BYTES_MAX: usize = 2_048;

/// A checked local path with an optional query, such as `/account?tab=devices`.
///
/// It starts with exactly one `/`, and consists of visible ASCII without `\`, `#` or `"`; no part of its path is empty, a
/// dot segment or an encoded slash. Whatever a browser or proxy makes of it, it stays on this site.
///
/// ```
/// use cloakroom_core::return_target::ReturnTarget;
///
/// assert!(ReturnTarget::parse("/reports?page=2").is_some());
/// for evil in ["//evil.example", "https://evil.example", "/\\evil.example", "/%2f%2fevil.example", "/a/../..//evil"] {
///     assert!(ReturnTarget::parse(evil).is_none());
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTarget(Box<str>);

impl ReturnTarget {
    /// Reads a return target; `None` if it is anything but a local path.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > RETURN_TARGET_BYTES_MAX || !text.bytes().all(is_plain) {
            return None;
        }
        let path = text.split_once('?').map_or(text, |(path, _)| path);
        let segments = path.strip_prefix('/')?;
        let mut rest = segments.split('/').peekable();
        while let Some(segment) = rest.next() {
            let trailing_slash = segment.is_empty() && rest.peek().is_none();
            if !trailing_slash && !is_harmless(segment) {
                return None;
            }
        }
        Some(Self(text.into()))
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>')
}

/// Not empty, no dot segment in any spelling, no encoded slash, backslash or control character.
fn is_harmless(segment: &str) -> bool {
    let lower = segment.to_ascii_lowercase();
    let dots_decoded = lower.replace("%2e", ".");
    let hidden = ["%2f", "%5c", "%00", "%0a", "%0d", "%09", "%25"].iter().any(|code| lower.contains(code));
    !(segment.is_empty() || dots_decoded == "." || dots_decoded == ".." || hidden || has_broken_escape(segment))
}

/// Whether a `%` is not followed by two hexadecimal digits: decoded twice, `%2%66` becomes a slash.
fn has_broken_escape(segment: &str) -> bool {
    segment.split('%').skip(1).any(|rest| rest.get(..2).is_none_or(|hex| !hex.bytes().all(|b| b.is_ascii_hexdigit())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn local_paths_pass() {
        for good in ["/", "/account", "/a/b/?q=//x&r=https://y", "/%E3%81%82", "/a.b/..c", "/account/"] {
            assert_eq!(ReturnTarget::parse(good).map(|t| t.as_str().to_owned()), Some(good.to_owned()));
        }
    }

    #[test]
    fn every_evil_shape_is_refused() {
        for evil in [
            "",
            " ",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "http:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/ /evil",
            "/\n/evil",
            "/\r\nSet-Cookie: a=b",
            "/%2fevil",
            "/%2Fevil",
            "/%5cevil",
            "%2f%2fevil",
            "/./evil",
            "/../evil",
            "/%2e%2e//evil",
            "/.%2e/evil",
            "/a//b",
            "/a/..",
            "/\u{202e}evil",
            "/é",
            "/a#b",
            "/%252fevil",
            "/%2%66evil",
            "/a%",
            "/%00",
            "/<script>",
        ] {
            assert_eq!(ReturnTarget::parse(evil), None, "accepted {evil:?}");
        }
        assert_eq!(ReturnTarget::parse(&format!("/{}", "a".repeat(2_048))), None);
    }

    proptest! {
        #[test]
        fn what_passes_is_one_local_path(text in "\\PC{0,80}|[/\\\\%2fe.?#a-z:]{0,40}") {
            if let Some(target) = ReturnTarget::parse(&text) {
                prop_assert!(target.as_str().starts_with('/'));
                prop_assert!(!target.as_str().starts_with("//"));
                prop_assert!(target.as_str().bytes().all(|b| b.is_ascii_graphic() && b != b'\\'));
                prop_assert_eq!(ReturnTarget::parse(target.as_str()), Some(target));
            }
        }
    }
}
