//! What is measured over time, for charts: names, buckets, and how values of one bucket combine. Pure: who counts is the server,
//! who keeps is a store.
//!
//! Every row only grows: a count of one instance is added to what others counted, what anybody can read from the database is the
//! greatest that was read, and an hour is the greatest roll-up of its five minutes. So writes need no order among instances, and
//! one table row per bucket and name is enough, however many instances there are.

mod estimate;
mod history;
mod latency;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use estimate::{SAMPLE_MAX, Sample};
pub use history::{History, Slot, Window};
pub use latency::{Band, Latencies};

use crate::ending::EndReason;
use crate::time::{Timestamp, millis};

/// How far the clock of an instance may be ahead of another's before the other purges what it measured.
pub const AHEAD_MAX: Duration = Duration::from_hours(1);

/// How long a bucket is, and how long it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// Buckets of five minutes, kept for 48 hours.
    FiveMinutes,
    /// Buckets of an hour, kept for 31 days.
    Hour,
}

impl Resolution {
    /// Both.
    pub const ALL: [Self; 2] = [Self::FiveMinutes, Self::Hour];

    /// How long a bucket is.
    pub const fn length(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_mins(5),
            Self::Hour => Duration::from_hours(1),
        }
    }

    /// How long a bucket is kept after it began.
    pub const fn retention(self) -> Duration {
        match self {
            Self::FiveMinutes => Duration::from_hours(48),
            Self::Hour => Duration::from_hours(31 * 24),
        }
    }

    /// The start of the bucket that a time is in.
    pub fn bucket_of(self, at: Timestamp) -> Timestamp {
        let (length, at) = (millis(self.length()), at.as_millis());
        Timestamp::from_millis(at.saturating_sub(at.rem_euclid(length)))
    }

    /// The length of a bucket in seconds: how a store names a resolution.
    pub const fn seconds(self) -> u32 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
        }
    }

    /// The resolution of that name.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|resolution| i64::from(resolution.seconds()) == seconds)
    }
}

/// How a login ended for who tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoginOutcome {
    /// There is a session.
    Succeeded,
    /// The credential was wrong, or the login was overtaken.
    Refused,
    /// Too many had failed before.
    Throttled,
    /// The server or its database could not: 503.
    Busy,
}

impl LoginOutcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Refused, Self::Throttled, Self::Busy];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Busy => "busy",
        }
    }
}

/// What is measured: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Most living sessions at once, as far as anybody looked.
    ActiveSessions,
    /// Attempts to log in that ended so.
    Logins(LoginOutcome),
    /// Sessions that ended for this reason.
    Ends(EndReason),
    /// Requests whose session was validated in such a time.
    Validations(Band),
}

impl Measure {
    /// Everything that is measured.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::ActiveSessions)
            .chain(LoginOutcome::ALL.into_iter().map(Self::Logins))
            .chain(EndReason::ALL.iter().copied().map(Self::Ends))
            .chain(Band::all().map(Self::Validations))
    }

    /// How a value joins the one that is there.
    pub const fn combining(self, resolution: Resolution) -> Combining {
        match (self, resolution) {
            (Self::Logins(_) | Self::Validations(_), Resolution::FiveMinutes) => Combining::Added,
            _ => Combining::Greatest,
        }
    }
}

/// Its name, such as `logins.refused`.
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActiveSessions => f.write_str("active_sessions"),
            Self::Logins(outcome) => write!(f, "logins.{}", outcome.as_str()),
            Self::Ends(reason) => write!(f, "ends.{reason}"),
            Self::Validations(band) => write!(f, "validations.{band}"),
        }
    }
}

impl FromStr for Measure {
    type Err = NotAMeasure;

    fn from_str(name: &str) -> Result<Self, NotAMeasure> {
        let measure = match name.split_once('.') {
            None => (name == "active_sessions").then_some(Self::ActiveSessions),
            Some(("logins", word)) => {
                LoginOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == word).map(Self::Logins)
            }
            Some(("ends", word)) => word.parse().ok().map(Self::Ends),
            Some(("validations", word)) => Band::named(word).map(Self::Validations),
            Some(_) => None,
        };
        measure.ok_or(NotAMeasure)
    }
}

/// The name is of nothing this version measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing of this name is measured")]
pub struct NotAMeasure;

/// How values of one bucket join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combining {
    /// What each instance counted is added up.
    Added,
    /// All instances read the same, some of them earlier: the greatest stays.
    Greatest,
}

impl Combining {
    /// What is kept of both.
    #[must_use]
    pub fn of(self, held: u64, new: u64) -> u64 {
        match self {
            Self::Added => held.saturating_add(new),
            Self::Greatest => held.max(new),
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Of a bucket of this length …
    pub resolution: Resolution,
    /// … that starts here.
    pub bucket: Timestamp,
    /// What.
    pub measure: Measure,
    /// How much; stores keep at most `i64::MAX`.
    pub value: u64,
}

impl Measurement {
    /// A value of the five minutes that a time is in.
    pub fn at(at: Timestamp, measure: Measure, value: u64) -> Self {
        let resolution = Resolution::FiveMinutes;
        Self { resolution, bucket: resolution.bucket_of(at), measure, value }
    }

    /// What says which row it is, in the order in which every store locks rows.
    pub const fn key(&self) -> (Resolution, Timestamp, Measure) {
        (self.resolution, self.bucket, self.measure)
    }
}

/// The hours of these five minutes: counts are added up, of active sessions the most at once stays.
pub fn roll_up(measurements: &[Measurement]) -> Vec<Measurement> {
    let mut hours = BTreeMap::new();
    let fine = measurements.iter().filter(|measurement| measurement.resolution == Resolution::FiveMinutes);
    for Measurement { bucket, measure, value, .. } in fine {
        let hour: &mut u64 = hours.entry((Resolution::Hour.bucket_of(*bucket), *measure)).or_default();
        *hour = match measure {
            Measure::ActiveSessions => Combining::Greatest,
            _ => Combining::Added,
        }
        .of(*hour, *value);
    }
    let hour = |((bucket, measure), value)| Measurement { resolution: Resolution::Hour, bucket, measure, value };
    hours.into_iter().map(hour).collect()
}

#[cfg(test)]
mod tests;
