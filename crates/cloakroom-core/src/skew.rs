//! How far two clocks are apart: what the answer of one between two readings of the other proves.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// From this skew on an instance is not ready. Timeouts are of minutes at least, so a session lives at most this much
/// longer or shorter on one instance than on another.
pub const SKEW_MAX: Duration = Duration::from_secs(5);

/// The least by which this instance's clock and the database's differ. The true skew may be larger by the time the answer
/// took; it cannot be smaller.
///
/// ```
/// use cloakroom_core::skew::Skew;
/// use cloakroom_core::time::Timestamp;
///
/// let [asked, database, answered] = [1_000, 9_000, 1_010].map(Timestamp::from_millis);
/// let skew = Skew::proven(asked, database, answered);
/// assert_eq!(skew.to_string(), "this clock is at least 7.99 s behind the database's");
/// assert!(!skew.is_bearable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skew {
    /// None that the answer proves.
    NoneProven,
    /// This clock is at least so far ahead.
    Ahead(Duration),
    /// This clock is at least so far behind.
    Behind(Duration),
}

impl Skew {
    /// What the database's time proves that was read between `asked` and `answered` on this clock.
    pub fn proven(asked: Timestamp, database: Timestamp, answered: Timestamp) -> Self {
        if database < asked {
            Self::Ahead(asked.since(database))
        } else if database > answered {
            Self::Behind(database.since(answered))
        } else {
            Self::NoneProven
        }
    }

    /// Whether sessions end closely enough to their time.
    pub fn is_bearable(self) -> bool {
        match self {
            Self::NoneProven => true,
            Self::Ahead(by) | Self::Behind(by) => by <= SKEW_MAX,
        }
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (by, direction) = match self {
            Self::NoneProven => return f.write_str("this clock and the database's agree"),
            Self::Ahead(by) => (by, "ahead of"),
            Self::Behind(by) => (by, "behind"),
        };
        write!(f, "this clock is at least {} s {direction} the database's", by.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(asked: i64, database: i64, answered: i64) -> Skew {
        let [asked, database, answered] = [asked, database, answered].map(Timestamp::from_millis);
        Skew::proven(asked, database, answered)
    }

    #[test]
    fn a_slow_answer_proves_nothing() {
        for database in [1_000, 5_000, 61_000] {
            assert_eq!(proven(1_000, database, 61_000), Skew::NoneProven);
        }
    }

    #[test]
    fn the_bound_itself_is_bearable_and_one_more_is_not() {
        for (database, is_bearable) in [(15_000, true), (15_001, false), (0, true), (-1, false)] {
            assert_eq!(proven(5_000, database, 10_000).is_bearable(), is_bearable, "{database}");
        }
    }

    #[test]
    fn clocks_at_the_ends_of_time_do_not_overflow() {
        assert!(!proven(i64::MAX, i64::MIN, i64::MAX).is_bearable());
        assert!(!proven(i64::MIN, i64::MAX, i64::MIN).is_bearable());
    }
}
