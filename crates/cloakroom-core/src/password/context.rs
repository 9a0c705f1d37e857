//! Words that a guesser who knows the account would try: its login name, the service, the host (ASVS 5.0 6.1.2 and 6.2.11).

use std::fmt;

use zeroize::Zeroizing;

use super::fold::folded;
use crate::account::LoginName;

/// How much has to be left without the context words, in characters.
const REST_CHARS_MIN: usize = 8;
/// Shortest whole name that counts.
const NAME_CHARS_MIN: usize = 3;
/// Shortest part of a name that counts: below, it is more likely a syllable than a name.
const PART_CHARS_MIN: usize = 4;
/// Most words of one kind: bounds the work whatever the configuration or login name.
const WORDS_MAX: usize = 32;

/// Where a context word is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextKind {
    /// The account's login name, or a part of it.
    LoginName,
    /// The name of the service or of its host, or a part of it.
    Service,
}

impl ContextKind {
    /// The word the message catalogue uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoginName => "login_name",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for ContextKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginName => "the login name",
            Self::Service => "the name of this service",
        })
    }
}

/// Folded words, longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContextWords(Vec<String>);

impl ContextWords {
    /// The words of a service: each text as a whole and in its parts.
    pub(super) fn of_service(texts: impl IntoIterator<Item = String>) -> Self {
        Self::collected(texts.into_iter().flat_map(|text| words_of(&text)))
    }

    /// The words of a login name: the whole, the local part and the host of an address, and their parts.
    pub(super) fn of_login_name(name: &LoginName) -> Self {
        let (local, host) = name.as_str().split_once('@').unwrap_or((name.as_str(), ""));
        Self::collected([name.as_str(), local, host].into_iter().flat_map(words_of))
    }

    fn collected(words: impl Iterator<Item = String>) -> Self {
        let mut words: Vec<String> = words.take(WORDS_MAX).collect();
        words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        Self(words)
    }

    /// The words.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the words occur in a folded text and too little of it is left without them.
    pub(super) fn make_up(&self, folded: &str) -> bool {
        let mut rest = Zeroizing::new(folded.to_owned());
        // Again, as long as something goes: taking a word out can put another one together.
        while let Some(word) = self.iter().find(|word| rest.contains(word)) {
            rest = Zeroizing::new(rest.replace(word, ""));
        }
        rest.len() < folded.len() && rest.chars().count() < REST_CHARS_MIN
    }
}

/// A text as a whole and split at everything that is no letter or digit.
fn words_of(text: &str) -> Vec<String> {
    let whole = (text, NAME_CHARS_MIN);
    let parts = text.split(|c: char| !c.is_alphanumeric()).map(|part| (part, PART_CHARS_MIN));
    std::iter::once(whole)
        .chain(parts)
        .map(|(word, chars_min)| (folded(word), chars_min))
        .filter(|(word, chars_min)| word.chars().count() >= *chars_min)
        .map(|(word, _)| String::clone(&word))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_address_are_words() {
        let name = LoginName::new("Ada.Lovelace+web@mail.example.org").unwrap();
        let words: Vec<String> = ContextWords::of_login_name(&name).iter().map(str::to_owned).collect();
        for word in ["adalovelace+web", "adalovelaceweb", "lovelace", "example", "mail"] {
            assert_eq!(words.iter().any(|w| w == word), word != "adalovelace+web", "{word}: {words:?}");
        }
        assert!(!words.iter().any(|w| w == "org" || w == "ada"), "{words:?}");
    }

    #[test]
    fn what_is_left_decides() {
        let words = ContextWords::of_service(["cloakroom".to_owned()]);
        for refused in ["cloakroomcloakroom", "mycloakroom2024x", "cloakcloakroomroom", "cloakroom"] {
            assert!(words.make_up(refused), "{refused}");
        }
        for accepted in ["cloakroomviolettractor", "violet", "", "12345678cloakroom"] {
            assert!(!words.make_up(accepted), "{accepted}");
        }
    }

    #[test]
    fn nothing_that_is_empty_or_short_is_a_word() {
        assert_eq!(ContextWords::of_service(["", "!!", "ab"].map(str::to_owned)), ContextWords::default());
    }
}
