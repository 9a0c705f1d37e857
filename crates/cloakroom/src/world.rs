//! The real clock and the system's random generator: the only place that reads them.
//!
//! Everything else takes a [`Clock`] and a [`Random`], so that a test can hand in others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloakroom_core::time::{Timestamp, millis};
use cloakroom_core::world::{Clock, Random, RandomUnavailable};

/// The system's clock (UTC).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let now = SystemTime::now();
        // A clock set before 1970 is read as 1970: every session then looks unused, none looks older than it is.
        Timestamp::from_millis(millis(now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)))
    }
}

/// The operating system's cryptographically secure generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's generator")]
        getrandom::fill(bytes).map_err(|_| RandomUnavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_reads_a_time_after_this_was_written() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_760_000_000_000));
    }

    #[test]
    fn the_generator_does_not_repeat_itself() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut one).unwrap();
        SystemRandom.fill(&mut other).unwrap();
        assert_ne!(one, other);
    }
}
