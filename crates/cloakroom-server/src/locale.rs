//! Languages and the message catalogue: every text a person sees comes from here, in each language.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};

/// Most bytes of an `Accept-Language` that are looked at.
const ACCEPT_LANGUAGE_BYTES_MAX: usize = 512;

/// The files of the catalogue, one for each subject; those of both languages have the same names.
const ENGLISH: &[&str] = &[
    include_str!("../locales/en/cloakroom.ftl"),
    include_str!("../locales/en/cli.ftl"),
    include_str!("../locales/en/help.ftl"),
];
const JAPANESE: &[&str] = &[
    include_str!("../locales/ja/cloakroom.ftl"),
    include_str!("../locales/ja/cli.ftl"),
    include_str!("../locales/ja/help.ftl"),
];

/// A language the server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    /// English, also for whoever asks for none we speak.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Locale {
    /// The language tag for `<html lang>`.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Japanese => "ja",
        }
    }

    /// The language of a tag such as `ja`, `ja-JP` or, as systems spell it, `ja_JP.UTF-8`; `None` for one we do not speak.
    pub(crate) fn of_language(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.', '@']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "ja" => Some(Self::Japanese),
            _ => None,
        }
    }

    /// The preferred language of an `Accept-Language` header (RFC 9110 section 12.5.4), or English.
    pub(crate) fn negotiate(accept_language: Option<&str>) -> Self {
        let header = accept_language.filter(|header| header.len() <= ACCEPT_LANGUAGE_BYTES_MAX).unwrap_or_default();
        let mut best = (0, Self::default());
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim();
            let Some(locale) = Self::of_language(tag) else { continue };
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(1_000, thousandths);
            if weight > best.0 {
                best = (weight, locale);
            }
        }
        best.1
    }
}

/// A weight such as `0.75` in thousandths; zero for what is none.
fn thousandths(weight: &str) -> u32 {
    match weight.trim().split_once('.') {
        None if weight.trim() == "1" => 1_000,
        Some(("1", _)) => 1_000,
        Some(("0", digits)) if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{digits:0<3}").parse().unwrap_or(0)
        }
        _ => 0,
    }
}

/// The message catalogue in every language.
pub(crate) struct Catalogue {
    english: FluentBundle<FluentResource>,
    japanese: FluentBundle<FluentResource>,
}

/// The catalogue that came with the program cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the message catalogue of {0} is broken: this build is faulty")]
pub(crate) struct BrokenCatalogue(&'static str);

impl Catalogue {
    /// Reads the catalogue that is built in.
    ///
    /// # Errors
    /// When it is broken, which a test would have shown.
    pub(crate) fn load() -> Result<Self, BrokenCatalogue> {
        let bundle = |tag: &'static str, texts: &[&str]| {
            let broken = || BrokenCatalogue(tag);
            let mut bundle = FluentBundle::new_concurrent(vec![tag.parse().map_err(|_| broken())?]);
            bundle.set_use_isolating(false); // marks around values would show up in titles and problems
            for text in texts {
                let resource = FluentResource::try_new((*text).to_owned()).map_err(|_| broken())?;
                bundle.add_resource(resource).map_err(|_| broken())?; // refused where two files have a message
            }
            Ok(bundle)
        };
        Ok(Self { english: bundle("en", ENGLISH)?, japanese: bundle("ja", JAPANESE)? })
    }

    /// The text of `key`; the key itself where there is none, which a test rules out.
    pub(crate) fn say(&self, locale: Locale, key: &str, values: &[(&str, String)]) -> String {
        let bundle = match locale {
            Locale::English => &self.english,
            Locale::Japanese => &self.japanese,
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "no such message");
            return key.to_owned();
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            // Numbers have to be numbers, so that plural rules apply. A name such as 007 is none.
            match value.parse::<u32>() {
                Ok(number) if number.to_string() == *value => args.set(*name, number),
                _ => args.set(*name, value.clone()),
            }
        }
        bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned()
    }

    /// Whether a language has this message.
    pub(crate) fn has(&self, locale: Locale, key: &str) -> bool {
        match locale {
            Locale::English => self.english.has_message(key),
            Locale::Japanese => self.japanese.has_message(key),
        }
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalogue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn keys(texts: &[&'static str]) -> BTreeSet<&'static str> {
        let is_key = |line: &&str| line.starts_with(|c: char| c.is_ascii_lowercase());
        texts
            .iter()
            .flat_map(|text| text.lines())
            .filter(is_key)
            .filter_map(|line| line.split_once(" ="))
            .map(|(key, _)| key)
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        assert_eq!(keys(ENGLISH), keys(JAPANESE));
        let catalogue = Catalogue::load().unwrap();
        for key in keys(ENGLISH) {
            assert!(catalogue.has(Locale::English, key) && catalogue.has(Locale::Japanese, key), "{key}");
        }
    }

    #[test]
    fn every_key_the_templates_say_exists() {
        let catalogue = Catalogue::load().unwrap();
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut said = 0;
        for entry in std::fs::read_dir(dir).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for part in text.split("say(\"").skip(1) {
                let key = part.split('"').next().unwrap();
                assert!(catalogue.has(Locale::English, key), "{key}");
                said += 1;
            }
        }
        assert!(said > 20);
    }

    #[test]
    fn negotiation_takes_the_heaviest_we_speak() {
        for (header, wanted) in [
            ("", Locale::English),
            ("ja", Locale::Japanese),
            ("JA-jp", Locale::Japanese),
            ("de, fr;q=0.9", Locale::English),
            ("en;q=0.5, ja;q=0.501", Locale::Japanese),
            ("ja;q=0, en;q=0.1", Locale::English),
            ("ja;q=nonsense", Locale::English),
            ("fr, ja;q=0.8, en;q=0.7", Locale::Japanese),
        ] {
            assert_eq!(Locale::negotiate(Some(header)), wanted, "{header}");
        }
        assert_eq!(Locale::negotiate(Some(&"ja,".repeat(1_000))), Locale::English);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "\\PC{0,60}|[a-z;q=.,0-9]{0,60}") {
            let _ = Locale::negotiate(Some(&header));
        }
    }
}
