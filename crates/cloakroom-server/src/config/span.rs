//! Durations as people write them: `15m`, `30d`, `1h30m`, `500ms`. A day has 24 hours; months and years have no length.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;

/// Reads a duration of whole milliseconds. `None` for anything else: no unit, a sign, a calendar unit, a fraction of a
/// millisecond.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let span = SpanParser::new().parse_span(text).ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let duration = Duration::try_from(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()?;
    (duration.subsec_nanos() % 1_000_000 == 0).then_some(duration)
}

/// Writes a duration so that [`parse`] reads it: the largest units first, none that is zero.
pub(super) fn show(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
        (u64::from(millis), "ms"),
    ];
    let mut text = String::new();
    for (n, unit) in parts.into_iter().filter(|(n, _)| *n > 0) {
        let _ = write!(text, "{n}{unit}"); // a String takes every write
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_people_write() {
        for (text, millis) in [
            ("15m", 900_000),
            ("30d", 2_592_000_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("1.5h", 5_400_000),
            ("500ms", 500),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_durations() {
        for text in ["", "15", "soon", "1mo", "1y", "-5m", "5m ago", "500us", "PT15M", "15m junk", "99999999999999d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn shown_then_parsed_is_the_same(millis in 0..500_u64 * 86_400_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(duration)), Some(duration));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}|[0-9.hmsd -]{0,12}") {
            let _ = parse(&text);
        }
    }
}
