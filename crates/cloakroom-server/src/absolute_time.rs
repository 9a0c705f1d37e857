//! A point in time in words: date and time of day in UTC, which is all the server knows of where somebody is; the script of the
//! pages makes local time of it.
//!
//! Two languages and one calendar need two patterns. ICU would bring megabytes of data for the same.

use cloakroom::Timestamp;

use crate::locale::Locale;

/// Date and time of day, such as "25 November 2026, 13:55 UTC".
pub(crate) fn date_and_time(at: Timestamp, locale: Locale) -> String {
    formatted(
        at,
        match locale {
            Locale::English => "%-d %B %Y, %H:%M UTC",
            Locale::Japanese => "%Y年%-m月%-d日 %H:%M（UTC）",
        },
    )
}

/// The time of day alone where `at` is on the day of `now`.
pub(crate) fn soon(at: Timestamp, now: Timestamp, locale: Locale) -> String {
    let day = |at| formatted(at, "%F");
    if day(at) != day(now) {
        return date_and_time(at, locale);
    }
    formatted(
        at,
        match locale {
            Locale::English => "%H:%M UTC",
            Locale::Japanese => "%H:%M（UTC）",
        },
    )
}

/// Times no calendar has are shown as they are.
fn formatted(at: Timestamp, pattern: &str) -> String {
    let time = jiff::Timestamp::from_millisecond(at.as_millis());
    time.map_or_else(|_| at.to_string(), |time| time.strftime(pattern).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_each_language_does() {
        let at = Timestamp::from_millis(1_790_000_000_000);
        assert_eq!(date_and_time(at, Locale::English), "21 September 2026, 14:13 UTC");
        assert_eq!(date_and_time(at, Locale::Japanese), "2026年9月21日 14:13（UTC）");
        assert_eq!(soon(at, at, Locale::English), "14:13 UTC");
        assert_eq!(
            soon(at, at.plus(std::time::Duration::from_hours(12)), Locale::Japanese),
            "2026年9月21日 14:13（UTC）"
        );
        assert!(!date_and_time(Timestamp::from_millis(i64::MAX), Locale::English).is_empty());
    }
}
