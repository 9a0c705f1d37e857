//! How long ago, and how long, in words.

use std::time::Duration;

use cloakroom::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The catalogue's key for how long before `now` `then` was, and how many of its unit.
pub(crate) fn in_words(then: Timestamp, now: Timestamp) -> (&'static str, u64) {
    match now.since(then).as_secs() {
        seconds if seconds < MINUTE => ("time-just-now", 0),
        seconds if seconds < HOUR => ("time-minutes-ago", seconds / MINUTE),
        seconds if seconds < DAY => ("time-hours-ago", seconds / HOUR),
        seconds => ("time-days-ago", seconds / DAY),
    }
}

/// The catalogue's key for a span, and how many of its unit: the largest that divides it, as whoever configured it wrote it.
pub(crate) fn span_in_words(span: Duration) -> (&'static str, u64) {
    match span.as_secs() {
        seconds if seconds % DAY == 0 && seconds > DAY => ("span-days", seconds / DAY),
        seconds if seconds % HOUR == 0 && seconds > 0 => ("span-hours", seconds / HOUR),
        seconds if seconds >= MINUTE => ("span-minutes", seconds / MINUTE),
        seconds => ("span-seconds", seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_follows_from_the_span() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        for (seconds, wanted) in [
            (0, ("time-just-now", 0)),
            (59, ("time-just-now", 0)),
            (60, ("time-minutes-ago", 1)),
            (3_599, ("time-minutes-ago", 59)),
            (3_600, ("time-hours-ago", 1)),
            (86_399, ("time-hours-ago", 23)),
            (86_400, ("time-days-ago", 1)),
            (8_640_000, ("time-days-ago", 100)),
        ] {
            assert_eq!(in_words(now.minus(Duration::from_secs(seconds)), now), wanted, "{seconds}");
        }
        assert_eq!(in_words(now.plus(Duration::from_secs(9)), now).0, "time-just-now");
        for (seconds, wanted) in [
            (16, ("span-seconds", 16)),
            (0, ("span-seconds", 0)),
            (60, ("span-minutes", 1)),
            (5_400, ("span-minutes", 90)),
            (7_200, ("span-hours", 2)),
            (86_400, ("span-hours", 24)),
            (14 * 86_400, ("span-days", 14)),
        ] {
            assert_eq!(span_in_words(Duration::from_secs(seconds)), wanted, "{seconds}");
        }
    }
}
