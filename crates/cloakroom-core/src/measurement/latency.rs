//! How long something took, as a small fixed histogram: counts of several instances add up, and quantiles can still be had.

use std::fmt;
use std::time::Duration;

/// Upper bounds of the bands in microseconds; what took longer is in one more.
const BOUNDS_US: [u64; 16] =
    [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];
const BANDS: usize = BOUNDS_US.len() + 1;

/// Which times are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Band(usize);

impl Band {
    /// How many there are.
    pub const COUNT: usize = BANDS;

    /// All of them, the shortest times first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..BANDS).map(Self)
    }

    /// The band of a time.
    pub fn of(took: Duration) -> Self {
        Self(BOUNDS_US.partition_point(|bound| Duration::from_micros(*bound) < took))
    }

    /// Its place among all of them, below [`COUNT`](Self::COUNT).
    pub const fn index(self) -> usize {
        self.0
    }

    /// The band of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|band| band.to_string() == name)
    }

    /// Longer than the first, at most the second; for the longest times the two are the same.
    fn bounds_us(self) -> (u64, u64) {
        let bound = |index: usize| BOUNDS_US.get(index).copied();
        let lower = self.0.checked_sub(1).and_then(bound).unwrap_or(0);
        (lower, bound(self.0).unwrap_or(lower))
    }
}

/// Its name, such as `le_200us`.
impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match BOUNDS_US.get(self.0) {
            Some(bound) => write!(f, "le_{bound}us"),
            None => f.write_str("longer"),
        }
    }
}

/// How often each band was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies([u64; BANDS]);

impl Latencies {
    /// Counts so many more of a band.
    pub fn add(&mut self, band: Band, more: u64) {
        if let Some(count) = self.0.get_mut(band.0) {
            *count = count.saturating_add(more);
        }
    }

    /// Counts all that another counted.
    pub fn merge(&mut self, other: &Self) {
        for (band, more) in Band::all().zip(other.0) {
            self.add(band, more);
        }
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The time that so many of a thousand do not exceed, as near as bands tell; `None` where nothing was counted.
    ///
    /// ```
    /// use cloakroom_core::measurement::{Band, Latencies};
    /// use std::time::Duration;
    ///
    /// let mut latencies = Latencies::default();
    /// latencies.add(Band::of(Duration::from_micros(150)), 100);
    /// assert_eq!(latencies.quantile(500), Some(Duration::from_micros(150)));
    /// ```
    pub fn quantile(&self, per_mille: u32) -> Option<Duration> {
        let count = u128::from(self.count());
        let rank = (count * u128::from(per_mille.min(1_000))).div_ceil(1_000).clamp(1, count.max(1));
        let mut below = 0_u128;
        for (band, counted) in Band::all().zip(self.0) {
            let counted = u128::from(counted);
            if below + counted >= rank && counted > 0 {
                let (lower, upper) = band.bounds_us();
                // Within a band times are taken to lie evenly.
                let within = u128::from(upper - lower) * (rank - below) / counted;
                return Some(Duration::from_micros(lower.saturating_add(u64::try_from(within).unwrap_or(0))));
            }
            below += counted;
        }
        None
    }
}
