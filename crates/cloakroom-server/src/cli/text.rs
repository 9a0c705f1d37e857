//! Stored and typed text on a terminal: what could move the cursor, change colours or direction is written out.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text in which every character that acts on a terminal instead of being seen is written as `\u{…}`.
///
/// Stored values come from requests and other programs; printed as they are, they could rewrite the screen (CWE-150).
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if acts(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// JSON whose strings hold no such character: the same document, spelled with `\uXXXX`.
pub(crate) fn escaped_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}"); // a String takes every write
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Controls (C0, DEL, C1), line separators, direction marks and tags.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_written_out() {
        assert_eq!(escaped("ada é 日本"), "ada é 日本");
        assert_eq!(escaped("\x1b[2Jx\r\n\u{9b}\u{202e}"), "\\u{1b}[2Jx\\u{d}\\u{a}\\u{9b}\\u{202e}");
    }

    #[test]
    fn json_stays_the_same_document() {
        let value = serde_json::json!({ "a": "\u{9b}\u{202e}\u{e0001}\x1b" });
        let shown = escaped_json(&value.to_string());
        assert!(shown.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
