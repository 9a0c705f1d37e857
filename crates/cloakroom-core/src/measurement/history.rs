//! Measurements in the order of time, with the gaps in which nobody measured.

use std::time::Duration;

use super::{Combining, Latencies, LoginOutcome, Measure, Measurement, Resolution};
use crate::ending::EndReason;
use crate::time::{Timestamp, millis};

/// A row of buckets that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How long each is.
    pub resolution: Resolution,
    /// The start of the first.
    pub from: Timestamp,
    /// How many there are.
    pub buckets: usize,
}

impl Window {
    /// The `buckets` whole ones before the bucket that `now` is in, which is not among them: it is not over. Some more at the
    /// start, so that it begins at a multiple of `aligned`, and [`History::coarser`] has a piece at its end only.
    pub fn before(now: Timestamp, resolution: Resolution, buckets: usize, aligned: Duration) -> Self {
        let (length, end) = (millis(resolution.length()), resolution.bucket_of(now).as_millis());
        let aligned = millis(aligned).max(length);
        let span = length.saturating_mul(i64::try_from(buckets).unwrap_or(i64::MAX));
        let from = end.saturating_sub(span);
        let from = from.saturating_sub(from.rem_euclid(aligned));
        let buckets = usize::try_from(end.saturating_sub(from) / length).unwrap_or(buckets);
        Self { resolution, from: Timestamp::from_millis(from), buckets }
    }

    /// Where it ends: the start of the bucket after the last.
    pub fn end(&self) -> Timestamp {
        self.start_of(self.buckets)
    }

    /// The start of a bucket by its place.
    pub fn start_of(&self, index: usize) -> Timestamp {
        let buckets = i64::try_from(index).unwrap_or(i64::MAX);
        let after = buckets.saturating_mul(millis(self.resolution.length()));
        Timestamp::from_millis(self.from.as_millis().saturating_add(after))
    }

    fn index_of(&self, bucket: Timestamp) -> Option<usize> {
        let after = bucket.as_millis().checked_sub(self.from.as_millis())?;
        let index = usize::try_from(after.div_euclid(millis(self.resolution.length()))).ok()?;
        (index < self.buckets).then_some(index)
    }
}

/// What was measured in one bucket, each `None` where nobody measured it: that is no zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Most living sessions at once.
    pub active: Option<u64>,
    /// Logins by outcome, in the order of [`LoginOutcome::ALL`].
    pub logins: Option<[u64; LoginOutcome::ALL.len()]>,
    /// Ends by reason, in the order of [`EndReason::ALL`].
    pub ends: Option<[u64; EndReason::ALL.len()]>,
    /// How long validations took.
    pub validations: Option<Latencies>,
}

impl Slot {
    /// Adds a value: of a kind that was measured, what has no row is zero.
    fn take(&mut self, measure: Measure, value: u64) {
        let add = |count: Option<&mut u64>| {
            if let Some(count) = count {
                *count = Combining::Added.of(*count, value);
            }
        };
        match measure {
            Measure::ActiveSessions => self.active = self.active.max(Some(value)),
            Measure::Logins(outcome) => {
                let place = LoginOutcome::ALL.iter().position(|known| *known == outcome);
                add(place.and_then(|place| self.logins.get_or_insert_default().get_mut(place)));
            }
            Measure::Ends(reason) => {
                let place = EndReason::ALL.iter().position(|known| *known == reason);
                add(place.and_then(|place| self.ends.get_or_insert_default().get_mut(place)));
            }
            Measure::Validations(band) => self.validations.get_or_insert_default().add(band, value),
        }
    }

    /// Both together, as one longer bucket.
    #[must_use]
    fn joined(mut self, other: Self) -> Self {
        self.active = self.active.max(other.active);
        self.logins = summed(self.logins, other.logins);
        self.ends = summed(self.ends, other.ends);
        if let Some(others) = other.validations {
            self.validations.get_or_insert_default().merge(&others);
        }
        self
    }
}

fn summed<const N: usize>(one: Option<[u64; N]>, other: Option<[u64; N]>) -> Option<[u64; N]> {
    let (Some(mut sum), Some(other)) = (one, other) else { return one.or(other) };
    for (sum, more) in sum.iter_mut().zip(other) {
        *sum = sum.saturating_add(more);
    }
    Some(sum)
}

/// What was measured in a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The start of each bucket, and what was measured in it.
    pub slots: Vec<(Timestamp, Slot)>,
}

impl History {
    /// Sorts measurements into a window; what lies outside or has another resolution is passed over.
    pub fn of(window: Window, measurements: &[Measurement]) -> Self {
        let mut slots: Vec<_> = (0..window.buckets).map(|index| (window.start_of(index), Slot::default())).collect();
        for measurement in measurements.iter().filter(|measurement| measurement.resolution == window.resolution) {
            let place = window.index_of(measurement.bucket).and_then(|index| slots.get_mut(index));
            if let Some((_, slot)) = place {
                slot.take(measurement.measure, measurement.value);
            }
        }
        Self { slots }
    }

    /// The same in longer buckets, each of so many of these; the last may be of fewer.
    #[must_use]
    pub fn coarser(&self, each: usize) -> Self {
        let joined = |slots: &[(Timestamp, Slot)]| {
            let (start, _) = slots.first()?;
            Some((*start, slots.iter().fold(Slot::default(), |sum, (_, slot)| sum.joined(*slot))))
        };
        Self { slots: self.slots.chunks(each.max(1)).filter_map(joined).collect() }
    }

    /// Whether nothing was measured at all.
    pub fn is_empty(&self) -> bool {
        self.slots.iter().all(|(_, slot)| *slot == Slot::default())
    }
}
