//! What a store keeps of measurements, and what it can say of sessions without counting all of them.

use std::fmt::Debug;

use super::StoreFuture;
use crate::measurement::{Measurement, Resolution, Sample};
use crate::time::Timestamp;

/// Which measurements are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasurementQuery {
    /// Of buckets of this length …
    pub resolution: Resolution,
    /// … that start at this time or later …
    pub from: Timestamp,
    /// … and before this one.
    pub before: Timestamp,
}

/// Keeps measurements, in the database of the accounts. One row for each bucket and name.
pub trait MeasurementStore: Send + Sync + Debug + 'static {
    /// Writes all of it or nothing: each value joins the one that is there as [`Measure::combining`] says. Of a name that comes
    /// twice each value counts.
    ///
    /// [`Measure::combining`]: crate::measurement::Measure::combining
    fn measure(&self, measurements: Vec<Measurement>) -> StoreFuture<'_, ()>;

    /// What was measured, in no order. Names that this version does not know are passed over.
    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>>;

    /// Forgets up to `chunk` rows that are kept long enough, or lie further ahead than
    /// [`AHEAD_MAX`](crate::measurement::AHEAD_MAX). Returns how many.
    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64>;

    /// How many sessions the feed says ended from `from` on and before `before`, by five minutes and reason: whoever ended them,
    /// by hand too. A reason of a later version counts as by hand. What has none has no entry.
    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>>;

    /// The sessions with the lowest token digests, to estimate from how many live at `now`. Looks at no more than one above
    /// [`SAMPLE_MAX`](crate::measurement::SAMPLE_MAX).
    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample>;
}
