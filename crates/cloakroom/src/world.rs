//! The real clock and the system's random generator: the only place that reads them.
//!
//! Everything else takes a [`Clock`] and a [`Random`], so that a test can hand in others.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cloakroom_core::time::{Steady, Timestamp, millis};
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

    fn steady(&self) -> Steady {
        steady()
    }
}

/// `CLOCK_MONOTONIC` counts the time the machine is suspended everywhere but on Linux, where `CLOCK_BOOTTIME` does.
#[cfg(unix)]
fn steady() -> Steady {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::Monotonic;
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    Steady::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(nanos))
}

/// Windows' performance counter goes on while the machine is suspended.
#[cfg(not(unix))]
fn steady() -> Steady {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let now = Instant::now();
    let elapsed = now.duration_since(*START.get_or_init(|| now));
    Steady::from_nanos(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
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
    fn the_steady_clock_never_goes_back() {
        let first = SystemClock.steady();
        assert!(first > Steady::from_nanos(0) || cfg!(not(unix)));
        assert!((0..1_000).all(|_| SystemClock.steady() >= first));
    }

    #[test]
    fn the_generator_does_not_repeat_itself() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        SystemRandom.fill(&mut one).unwrap();
        SystemRandom.fill(&mut other).unwrap();
        assert_ne!(one, other);
    }
}
