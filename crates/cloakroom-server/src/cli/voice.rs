//! How the command line speaks: in which language, with which spelling of times and numbers, how wide, and whether there is
//! somebody to answer a question. What is said stands in `locales/`; what programs read (JSON, exit codes) has no language.

use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use cloakroom::Timestamp;

use crate::exit::Failure;
use crate::locale::{BrokenCatalogue, Catalogue, Locale, grouped};

/// Speaks one language.
#[derive(Clone, Debug)]
pub(crate) struct Voice {
    catalogue: Arc<Catalogue>,
    locale: Locale,
}

impl Voice {
    /// Speaks the language that was asked for.
    ///
    /// # Errors
    /// When the catalogue that is built in is broken, which a test would have shown.
    pub(crate) fn of(locale: Locale) -> Result<Self, BrokenCatalogue> {
        Ok(Self { catalogue: Arc::new(Catalogue::load()?), locale })
    }

    /// The same in English, for what programs read.
    pub(crate) fn in_english(&self) -> Self {
        Self { locale: Locale::English, ..self.clone() }
    }

    /// Which language that is.
    pub(crate) const fn locale(&self) -> Locale {
        self.locale
    }

    /// The text of a message.
    pub(crate) fn say(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.to_string())).collect();
        self.catalogue.say(self.locale, key, &values)
    }

    /// Whether there is such a message: many arguments share the words of others.
    pub(crate) fn knows(&self, key: &str) -> bool {
        self.catalogue.has(self.locale, key)
    }

    /// Writes a message to standard output, as one line.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn print(&self, key: &str, values: &[(&str, &dyn Display)]) -> Result<(), Failure> {
        writeln!(io::stdout().lock(), "{}", self.say(key, values)).map_err(|error| Failure::output(&error))
    }

    /// Such as "1 session" or "1,234 sessions".
    pub(crate) fn sessions(&self, count: u64) -> String {
        self.counted("cli-sessions", count)
    }

    /// A message about a number of things: `$count` chooses the words, `$shown` is how it is written.
    pub(crate) fn counted(&self, key: &str, count: u64) -> String {
        self.say(key, &[("count", &count), ("shown", &number(count))])
    }

    /// A moment for a table, in UTC, as people write it.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        let Ok(time) = jiff::Timestamp::from_millisecond(time.as_millis()) else { return time.to_string() };
        let format = match self.locale {
            Locale::English => "%d %b %Y, %H:%M:%S",
            Locale::Japanese => "%Y/%m/%d %H:%M:%S",
        };
        time.strftime(format).to_string()
    }

    /// Asks for consent, unless it was given by `--yes`.
    ///
    /// # Errors
    /// When it is not given, or nobody is there to be asked.
    pub(crate) fn confirm(&self, yes: bool, key: &'static str, values: &[(&str, &dyn Display)]) -> Result<(), Failure> {
        if yes {
            return Ok(());
        }
        let what = self.say(key, values);
        if !io::stdin().is_terminal() {
            return Err(Failure::say("cli-confirm-nobody", &[("what", &what)]));
        }
        let mut err = io::stderr().lock();
        let asked = write!(err, "{}", self.say("cli-confirm-ask", &[("what", &what)])).and_then(|()| err.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| io::stdin().read_line(&mut answer));
        read.map_err(|error| Failure::say("cli-confirm-unread", &[("cause", &error)]))?;
        // In either language: whoever types an English "yes" at a Japanese question means it.
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" | "はい" => Ok(()),
            _ => Err(Failure::say("cli-confirm-no", &[])),
        }
    }
}

/// A number with its thousands apart, as both languages write it.
pub(crate) fn number(number: u64) -> String {
    grouped(&number.to_string())
}

/// How many columns fit, where a person reads: those of the terminal, or what `COLUMNS` says. `None`: as many as there are.
pub(crate) fn room() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    if said.is_some() || !io::stdout().is_terminal() {
        return said;
    }
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// The language in which a command line is answered: what `--language` says, then `LC_ALL`, `LC_MESSAGES` and `LANG` as
/// POSIX orders them. It has to be known before anything is parsed, so that mistakes are answered in it as well.
pub(crate) fn chosen(args: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Locale {
    if let Some(locale) = flag(args).and_then(|tag| Locale::of_language(&tag)) {
        return locale;
    }
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    set.and_then(|tag| Locale::of_language(&tag.to_string_lossy())).unwrap_or_default()
}

/// The value of the last `--language`, wherever it stands before `--`.
fn flag(args: &[OsString]) -> Option<String> {
    const FLAG: &str = "--language";
    let typed: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--").collect();
    typed.iter().enumerate().rev().find_map(|(index, arg)| {
        if let Some(value) = arg.strip_prefix(FLAG).and_then(|rest| rest.strip_prefix('=')) {
            return Some(value.to_owned());
        }
        (arg == FLAG).then(|| typed.get(index + 1).map(ToString::to_string))?
    })
}

/// A variable of the environment, for [`chosen`].
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(OsStr::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_by(args: &[&str], env: &[(&str, &str)]) -> Locale {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        chosen(&args, |name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_flag_stands_before_the_environment() {
        let ja = [("LANG", "ja_JP.UTF-8")];
        for (args, env, wanted) in [
            (&[][..], &[][..], Locale::English),
            (&[], &ja, Locale::Japanese),
            (&["serve", "--language", "en"], &ja, Locale::English),
            (&["--language=ja", "serve"], &[], Locale::Japanese),
            (&["--language=ja", "--language", "en"], &[], Locale::English),
            (&["--", "--language=en"], &ja, Locale::Japanese),
            (&["--language"], &ja, Locale::Japanese),
            (&["--language", "fr"], &ja, Locale::Japanese),
            (&[], &[("LC_ALL", "C"), ("LANG", "ja_JP")], Locale::English),
            (&[], &[("LC_ALL", ""), ("LC_MESSAGES", "ja"), ("LANG", "en_US")], Locale::Japanese),
        ] {
            assert_eq!(chosen_by(args, env), wanted, "{args:?} {env:?}");
        }
    }

    #[test]
    fn numbers_and_times_are_written_as_people_write_them() {
        for (given, wanted) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(given), wanted);
        }
        let time = Timestamp::from_millis(1_790_000_000_123);
        assert_eq!(Voice::of(Locale::English).unwrap().time(time), "21 Sep 2026, 14:13:20");
        assert_eq!(Voice::of(Locale::Japanese).unwrap().time(time), "2026/09/21 14:13:20");
    }

    #[test]
    fn sessions_are_counted_in_words() {
        let (en, ja) = (Voice::of(Locale::English).unwrap(), Voice::of(Locale::Japanese).unwrap());
        assert_eq!([0, 1, 1_234].map(|count| en.sessions(count)), ["0 sessions", "1 session", "1,234 sessions"]);
        assert_eq!([0, 1, 1_234].map(|count| ja.sessions(count)), ["0 件", "1 件", "1,234 件"]);
    }
}
