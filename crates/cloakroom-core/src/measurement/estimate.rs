//! How many sessions live, without counting a million rows.

/// Most sessions that are looked at.
pub const SAMPLE_MAX: u32 = 4_000;

/// The first sessions in the order of their token digests, at most one more than [`SAMPLE_MAX`].
///
/// Digests are SHA-256 of random tokens and lie evenly in their space. So the part of it that the first 4,000 take up says
/// how many there are in all, within 1.6 % (one standard error), whatever the database knows of its tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// How many were looked at.
    pub rows: u32,
    /// How many of them live: neither timeout has passed.
    pub living: u32,
    /// The first eight bytes of the last one's digest, as a number, the most significant byte first.
    pub last: u64,
}

impl Sample {
    /// How many sessions live: exact where all were looked at.
    ///
    /// ```
    /// use cloakroom_core::measurement::{SAMPLE_MAX, Sample};
    ///
    /// assert_eq!(Sample { rows: 12, living: 7, last: 1 }.living(), 7);
    /// let full = Sample { rows: SAMPLE_MAX + 1, living: SAMPLE_MAX + 1, last: u64::MAX / 250 };
    /// assert_eq!(full.living(), 999_999); // 4,000 in a 250th of the space of digests
    /// ```
    pub fn living(&self) -> u64 {
        let (rows, living) = (u128::from(self.rows), u128::from(self.living));
        if self.rows <= SAMPLE_MAX {
            return u64::from(self.living);
        }
        // The last of `rows` is where they end, not one of those that lie before.
        let space = u128::from(u64::MAX) + 1;
        let estimated = living * (rows - 1) * space / rows / (u128::from(self.last) + 1);
        u64::try_from(estimated).unwrap_or(u64::MAX)
    }
}
