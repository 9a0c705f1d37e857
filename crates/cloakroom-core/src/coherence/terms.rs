//! The terms of a lease: how long, how often it is renewed, and how much is kept meanwhile.

use std::time::Duration;

use crate::policy::{PolicyError, within};

/// The shortest lease: below it, a busy network decides whether there is one.
const LEASE_MIN: Duration = Duration::from_millis(100);
/// The longest: who logs out must not be served a minute later.
const LEASE_MAX: Duration = Duration::from_mins(1);
/// The shortest time between two polls: a hundred statements a second and instance is more than any hint needs.
const POLL_MIN: Duration = Duration::from_millis(10);
/// Most entries: 16 million, some 3 GB.
const CAPACITY_MAX: u32 = 1 << 24;
/// Fewest: one set of the cache.
const CAPACITY_MIN: u32 = 8;
/// How much faster or slower than ours the clock of another instance may run: a hundredth.
const DRIFT: u32 = 100;
/// What starting and stopping to wait may cost.
const WAKING: Duration = Duration::from_millis(5);

/// How leased validation trades staleness for speed.
///
/// ```
/// use cloakroom_core::coherence::LeaseTerms;
/// use std::time::Duration;
///
/// assert!(LeaseTerms::default().check().is_ok());
/// let nonsense = LeaseTerms { poll: Duration::from_secs(1), ..LeaseTerms::default() };
/// assert_eq!(nonsense.check().map_err(|error| error.key), Err("poll"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// L: what is revoked is refused at the latest this long after the commit. 100 ms to 1 min; default 1 s.
    pub lease: Duration,
    /// P: the feed is asked this often. 10 ms up to half the lease, so that one poll may be lost; default 200 ms.
    pub poll: Duration,
    /// How many sessions are kept in memory, 8 to 16,777,216, at 200 bytes each or less; default 100,000.
    pub capacity: u32,
}

impl Default for LeaseTerms {
    fn default() -> Self {
        Self { lease: Duration::from_secs(1), poll: Duration::from_millis(200), capacity: 100_000 }
    }
}

impl LeaseTerms {
    /// Checks every term against its range and against the others.
    ///
    /// # Errors
    /// The first that is out of range, with what was found and what is allowed.
    pub fn check(&self) -> Result<(), PolicyError> {
        within("lease", self.lease, LEASE_MIN, LEASE_MAX)?;
        within("poll", self.poll, POLL_MIN, self.lease / 2)?;
        if !(CAPACITY_MIN..=CAPACITY_MAX).contains(&self.capacity) {
            let allowed = format!("{CAPACITY_MIN} to {CAPACITY_MAX}");
            return Err(PolicyError { key: "cache", found: self.capacity.to_string(), allowed });
        }
        Ok(())
    }

    /// How long after an ending's commit no instance can serve what ended: the lease, and a margin for clocks that run at
    /// different speeds.
    pub fn everywhere(&self) -> Duration {
        self.lease + self.lease / (DRIFT - 1) + WAKING // a clock slower by 1/100 takes 100/99 as long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_by_name() {
        let ok = LeaseTerms::default();
        let ms = Duration::from_millis;
        for (bad, key) in [
            (LeaseTerms { lease: ms(99), ..ok }, "lease"),
            (LeaseTerms { lease: ms(60_001), ..ok }, "lease"),
            (LeaseTerms { poll: ms(9), ..ok }, "poll"),
            (LeaseTerms { poll: ms(501), ..ok }, "poll"),
            (LeaseTerms { capacity: 7, ..ok }, "cache"),
            (LeaseTerms { capacity: u32::MAX, ..ok }, "cache"),
        ] {
            assert_eq!(bad.check().map_err(|error| error.key), Err(key));
        }
    }

    #[test]
    fn everywhere_is_longer_than_the_lease_on_any_clock() {
        for lease in [LEASE_MIN, Duration::from_secs(1), LEASE_MAX] {
            let terms = LeaseTerms { lease, ..LeaseTerms::default() };
            let on_a_slower_clock = terms.everywhere() * (DRIFT - 1) / DRIFT;
            let on_a_faster_clock = terms.everywhere() * (DRIFT + 1) / DRIFT;
            assert!(on_a_slower_clock > lease && on_a_faster_clock > lease, "{lease:?}: {on_a_slower_clock:?}");
        }
    }
}
