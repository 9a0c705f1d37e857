//! What a password is compared as. Only for the rules: what is hashed is never folded.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Most characters of a folded text: compatibility normalisation can make one code point into eighteen.
const FOLDED_CHARS_MAX: usize = super::PASSWORD_CHARS_MAX;

/// A text without what people vary to get past a rule: NFKC, lower case, without white space and punctuation, and
/// of at most 256 characters.
pub(super) fn folded(text: &str) -> Zeroizing<String> {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    bounded(lower.nfkc().filter(|c| !is_separator(*c)))
}

/// A text in NFKC, of at most 256 characters: full-width letters become the ones a guesser would try.
pub(super) fn compatible(text: &str) -> Zeroizing<String> {
    bounded(text.nfkc())
}

/// Whether a text is letters with always the same character strewn in, such as `p-a-s-s-w-o-r-d`.
pub(super) fn is_strewn(text: &str) -> bool {
    let mut separators = text.chars().filter(|c| is_separator(*c));
    separators.next().is_some_and(|first| separators.all(|c| c == first))
}

/// White space, ASCII punctuation, and the blocks of general and of CJK punctuation but for the signs that are read as letters.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || c.is_ascii_punctuation()
        || matches!(c, '\u{2000}'..='\u{206f}')
        || (matches!(c, '\u{3000}'..='\u{303f}') && !matches!(c, '々' | '〆' | '〇'))
}

fn bounded(chars: impl Iterator<Item = char>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(4 * FOLDED_CHARS_MAX));
    text.extend(chars.take(FOLDED_CHARS_MAX));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_vary_does_not_count() {
        for typed in ["Correct Horse", "correct-horse", "ＣＯＲＲＥＣＴ　ｈｏｒｓｅ!!", "…correct… horse"]
        {
            assert_eq!(**folded(typed), *"correcthorse", "{typed:?}");
        }
        assert_eq!(**folded("時々、雨。🐙"), *"時々雨🐙");
        assert_eq!(folded(&"\u{fdfa}".repeat(256)).chars().count(), FOLDED_CHARS_MAX);
    }

    #[test]
    fn strewn_texts() {
        assert!(is_strewn("p-a-s-s"));
        assert!(!is_strewn("pass"));
        assert!(!is_strewn("pa-ss word"));
    }
}
