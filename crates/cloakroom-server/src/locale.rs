//! Languages and the message catalogue: every text a person sees comes from here, in each language.

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

/// The variables of messages whose values are text whatever they look like: a login name may consist of digits. Any other value that
/// is written like a number is one, so that plural rules apply and thousands are set apart.
const TEXTS: &[&str] = &[
    "account", "address", "browser", "device", "field", "file", "id", "ip", "key", "mode", "name", "path", "place",
    "source", "status", "subject", "system", "value", "version", "when", "who",
];

/// Most bytes of an `Accept-Language` that are looked at.
const ACCEPT_LANGUAGE_BYTES_MAX: usize = 512;

/// The files of the catalogue, one for each subject; those of both languages have the same names.
const ENGLISH: &[&str] = &[
    include_str!("../locales/en/admin.ftl"),
    include_str!("../locales/en/chart.ftl"),
    include_str!("../locales/en/cli.ftl"),
    include_str!("../locales/en/cloakroom.ftl"),
    include_str!("../locales/en/config.ftl"),
    include_str!("../locales/en/doctor.ftl"),
    include_str!("../locales/en/help.ftl"),
    include_str!("../locales/en/person.ftl"),
    include_str!("../locales/en/service.ftl"),
    include_str!("../locales/en/service_token.ftl"),
];
const JAPANESE: &[&str] = &[
    include_str!("../locales/ja/admin.ftl"),
    include_str!("../locales/ja/chart.ftl"),
    include_str!("../locales/ja/cli.ftl"),
    include_str!("../locales/ja/cloakroom.ftl"),
    include_str!("../locales/ja/config.ftl"),
    include_str!("../locales/ja/doctor.ftl"),
    include_str!("../locales/ja/help.ftl"),
    include_str!("../locales/ja/person.ftl"),
    include_str!("../locales/ja/service.ftl"),
    include_str!("../locales/ja/service_token.ftl"),
];

/// A language the server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Locale {
    /// English, unless the configuration says another for whoever asks for none we speak.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Locale {
    /// Every language there is.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The language of a tag, as [`tag`](Self::tag) writes it.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }

    /// Its own name for itself.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Japanese => "日本語",
        }
    }

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
        Self::of_tag(&primary.to_ascii_lowercase())
    }

    /// The preferred language of an `Accept-Language` header (RFC 9110 section 12.5.4), if it is one of ours.
    pub(crate) fn negotiate(accept_language: Option<&str>) -> Option<Self> {
        let header = accept_language.filter(|header| header.len() <= ACCEPT_LANGUAGE_BYTES_MAX).unwrap_or_default();
        let mut best = (0, None);
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let tag = pieces.next().unwrap_or_default().trim();
            let Some(locale) = Self::of_language(tag) else { continue };
            let weight = pieces.find_map(|piece| piece.trim().strip_prefix("q=")).map_or(1_000, thousandths);
            if weight > best.0 {
                best = (weight, Some(locale));
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
            bundle.set_formatter(Some(in_groups));
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
            // Numbers have to be numbers, so that plural rules apply. Somebody's name may be 007, which is none.
            match value.parse::<u32>() {
                Ok(number) if !TEXTS.contains(name) && number.to_string() == *value => args.set(*name, number),
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

/// Numbers with their thousands set apart, which both languages do by commas.
fn in_groups<M>(value: &FluentValue<'_>, _: &M) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let digits = number.as_string().into_owned();
    let is_whole = digits.len() > 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| grouped(&digits))
}

/// Digits with their thousands set apart.
pub(crate) fn grouped(digits: &str) -> String {
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalogue")
    }
}

#[cfg(test)]
mod tests;
