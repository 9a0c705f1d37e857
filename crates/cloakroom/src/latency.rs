//! How long things took, in buckets: for metrics. Noting one allocates nothing and waits for nobody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds: from a read of a file in memory to who waits for a stalled database.
const BOUNDS_MICROS: [u64; 16] = [
    25, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

/// A histogram that many threads write.
#[derive(Debug, Default)]
pub struct Latency {
    counts: [AtomicU64; BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

/// What a [`Latency`] shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyCounts {
    /// How many took up to so long, and longer than the bound before. The last has no bound.
    pub buckets: Vec<(Option<Duration>, u64)>,
    /// How long all of them took.
    pub sum: Duration,
}

impl Latency {
    /// One more took so long.
    pub fn note(&self, took: Duration) {
        self.note_many(took, 1);
    }

    /// So many more took about so long: one of them was measured.
    pub(crate) fn note_many(&self, took: Duration, number: u64) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get(at) {
            count.fetch_add(number, Ordering::Relaxed);
        }
        self.sum_micros.fetch_add(micros.saturating_mul(number), Ordering::Relaxed);
    }

    /// What was noted until now.
    pub fn read(&self) -> LatencyCounts {
        let bounds = BOUNDS_MICROS.into_iter().map(|micros| Some(Duration::from_micros(micros))).chain([None]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let sum = Duration::from_micros(self.sum_micros.load(Ordering::Relaxed));
        LatencyCounts { buckets: bounds.zip(counts).collect(), sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_in_its_own_bucket_and_one_more_is_in_the_next() {
        let latency = Latency::default();
        for micros in [0, 25, 26, 10_000_000, 10_000_001] {
            latency.note(Duration::from_micros(micros));
        }
        latency.note_many(Duration::MAX, 64);
        let counts: Vec<_> = latency.read().buckets.into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 65]);
    }
}
