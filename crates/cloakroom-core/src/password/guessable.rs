//! How many guesses a password stands. The estimate is zxcvbn's; what it is given, and what counts as few, is decided here.
//!
//! zxcvbn reads a clock of its own: once for the current year, which it weighs dates and years against, and for a stopwatch
//! that is ignored here. So an estimate for a password made of a date can move a little from year to year, and nothing else.

use std::fmt;

use zeroize::Zeroizing;
use zxcvbn::matching::Match;
use zxcvbn::matching::patterns::MatchPattern;

use super::fold::{compatible, folded, is_strewn};

/// Fewer guesses than this are few: the border of zxcvbn's score 3. At 20 ms a guess it is 23 days of one core.
const GUESSES_MIN: u64 = 100_000_000;
/// The same for a text whose strewn-in separator is left out, which is itself worth something.
const STREWN_GUESSES_MIN: u64 = GUESSES_MIN / 100;
/// Characters given to zxcvbn at once: its work grows with the square, and worse with signs that can stand for letters.
const WINDOW_CHARS: usize = 64;

/// What makes a password guessable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// The same again and again.
    Repetition,
    /// Characters in their order, such as `abcdef` or `13579`.
    Sequence,
    /// Keys that lie side by side.
    Keyboard,
    /// Dates or years.
    Date,
    /// Frequent words and names, also reversed or with signs for letters.
    Words,
    /// None in particular.
    Short,
}

impl Pattern {
    /// The word the message catalogue uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repetition => "repetition",
            Self::Sequence => "sequence",
            Self::Keyboard => "keyboard",
            Self::Date => "date",
            Self::Words => "words",
            Self::Short => "short",
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repetition => "repetitions",
            Self::Sequence => "characters in their usual order",
            Self::Keyboard => "keys that lie side by side",
            Self::Date => "dates or years",
            Self::Words => "frequent words or names",
            Self::Short => "its few different parts",
        })
    }
}

/// What makes `text` guessable for somebody who knows the `context` words; `None`: nothing does.
pub(super) fn pattern(text: &str, context: &[&str]) -> Option<Pattern> {
    let as_typed = few_guesses(&compatible(text), context, GUESSES_MIN);
    if as_typed.is_some() || !is_strewn(text) {
        return as_typed;
    }
    few_guesses(&folded(text), context, STREWN_GUESSES_MIN)
}

/// The pattern, if every window of the text stands fewer than `guesses_min`: one strong part makes the whole strong.
fn few_guesses(text: &str, context: &[&str], guesses_min: u64) -> Option<Pattern> {
    let mut found = None;
    for window in windows(text) {
        let entropy = zxcvbn::zxcvbn(&window, context);
        if entropy.guesses() >= guesses_min {
            return None;
        }
        found = found.or(Some(prevailing(entropy.sequence())));
    }
    found
}

/// The text in pieces of 64 characters; a short last piece is part of the one before, read from the end.
fn windows(text: &str) -> Vec<Zeroizing<String>> {
    let count = text.chars().count();
    let starts = (0..count).step_by(WINDOW_CHARS).map(|start| start.min(count.saturating_sub(WINDOW_CHARS)));
    starts.map(|start| Zeroizing::new(text.chars().skip(start).take(WINDOW_CHARS).collect())).collect()
}

/// The pattern that covers most characters.
fn prevailing(sequence: &[Match]) -> Pattern {
    let longest = sequence.iter().max_by_key(|part| part.token.chars().count());
    longest.map_or(Pattern::Short, |part| match part.pattern {
        MatchPattern::Repeat(_) => Pattern::Repetition,
        MatchPattern::Sequence(_) => Pattern::Sequence,
        MatchPattern::Spatial(_) => Pattern::Keyboard,
        MatchPattern::Date(_) | MatchPattern::Regex(_) => Pattern::Date,
        MatchPattern::Dictionary(_) => Pattern::Words,
        MatchPattern::BruteForce => Pattern::Short,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_named() {
        for (text, wanted) in [
            ("aaaaaaaaaaaaaaa", Pattern::Repetition),
            ("abcabcabcabcabc", Pattern::Repetition),
            (&"ab".repeat(128), Pattern::Repetition),
            ("abcdefghijklmnop", Pattern::Sequence),
            ("passwordpassword1", Pattern::Repetition),
            ("iloveyou-password", Pattern::Words),
            ("p a s s w o r d", Pattern::Words),
            ("ｐａｓｓｗｏｒｄｐａｓｓｗｏｒｄ", Pattern::Repetition),
        ] {
            assert_eq!(pattern(text, &[]), Some(wanted), "{text}");
        }
        assert_eq!(pattern("ada-lovelace-ada", &["adalovelace", "ada", "lovelace"]), Some(Pattern::Words));
    }

    #[test]
    fn a_strong_part_anywhere_is_enough() {
        let strong = "violet tractor hums at noon";
        for text in [format!("{}{strong}", "a".repeat(100)), format!("{strong}{}", "a".repeat(100))] {
            assert_eq!(pattern(&text, &[]), None, "{text}");
        }
    }

    #[test]
    fn signs_that_can_all_be_letters_do_not_explode() {
        // The worst known input: every sign stands for several letters, and all combinations are tried.
        let signs: String = "4@8({[<369!|170$5+%2".chars().cycle().take(256).collect();
        let _ = pattern(&signs, &[]);
    }

    #[test]
    fn windows_cover_everything() {
        assert_eq!(windows("").len(), 0);
        assert_eq!(windows("a").len(), 1);
        let text: String = ('\u{4e00}'..).take(130).collect();
        let windows = windows(&text);
        assert_eq!(windows.len(), 3);
        assert!(windows.iter().all(|w| w.chars().count() == 64) && text.ends_with(windows[2].as_str()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_is_too_much(text in "\\PC{0,80}|[ab]{0,256}|[0-9/.-]{0,80}|(1|a|\u{1f980}|\u{301}){0,256}") {
            let _ = pattern(&text, &["cloakroom", ""]);
        }
    }
}
