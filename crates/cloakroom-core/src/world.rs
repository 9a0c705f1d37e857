//! What the core needs from outside: a clock and randomness, as traits, with deterministic ones for tests.
//!
//! The real ones live in `cloakroom::world`, the only place that reads them.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::time::{Steady, Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time (UTC).
    fn now(&self) -> Timestamp;

    /// The current point on a clock that nobody sets and that counts the time the machine is suspended: for leases (G9).
    fn steady(&self) -> Steady;
}

/// A cryptographically secure random generator (ASVS 5.0 11.5.1).
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// When the system cannot provide them; nothing secret may be made then.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The system's random generator did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random generator is unavailable")]
pub struct RandomUnavailable;

/// A clock that moves only when told to. For tests.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicI64,
    steady: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub const fn at(start: Timestamp) -> Self {
        Self { now: AtomicI64::new(start.as_millis()), steady: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.now.fetch_add(crate::time::millis(span), Ordering::SeqCst);
        self.steady.fetch_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Sets the time of day, backwards too; no time passes.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Steady {
        Steady::from_nanos(self.steady.load(Ordering::SeqCst))
    }
}

/// Predictable bytes from a seed (SplitMix64), so that a failing test can be replayed. **Never for anything real.**
#[derive(Debug)]
pub struct PredictableRandom(AtomicU64);

impl PredictableRandom {
    /// The sequence that `seed` names.
    pub const fn from_seed(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next 64 bits.
    pub fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
        let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

impl Random for PredictableRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let next = self.next().to_le_bytes();
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
        Ok(())
    }
}
