//! An instance's clocks, as functions of the true time: none agrees with it or with another's.

use crate::time::{Steady, Timestamp};
use crate::world::Clock;

/// How much a steady clock runs too fast or too slow at most, in millionths: two differ by a hundredth at most.
pub(super) const DRIFT_MAX: i64 = 4_975;
const MILLION: i64 = 1_000_000;
const MILLISECOND: u64 = 1_000_000;

/// The clocks of an instance. Times without a type are true ones, in nanoseconds since the schedule's start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    /// Millionths by which it runs too fast.
    pub(super) drift: i64,
    /// What the steady clock showed at the start.
    pub(super) start: u64,
    /// The time of day at the start, as this instance has it, in milliseconds.
    pub(super) day: i64,
    /// How long the machine has been suspended.
    pub(super) suspended: u64,
}

impl Clocks {
    pub(super) fn read(&self, now: u64) -> Reading {
        Reading {
            steady: Steady::from_nanos(self.start + self.drifted(now)),
            awake: Steady::from_nanos(self.start + self.drifted(now.saturating_sub(self.suspended))),
            now: Timestamp::from_millis(self.day.saturating_add_unsigned(now / MILLISECOND)),
        }
    }

    fn drifted(&self, span: u64) -> u64 {
        let by = i128::from(span) * i128::from(self.drift) / i128::from(MILLION);
        span.saturating_add_signed(i64::try_from(by).unwrap_or(0))
    }

    /// The true time at which the steady clock shows `steady`.
    pub(super) fn reaches(&self, steady: Steady) -> u64 {
        self.undrifted(steady.as_nanos().saturating_sub(self.start))
    }

    /// How long a span of the steady clock is in truth, never too short, and by two microseconds at most too long.
    pub(super) fn undrifted(&self, span: u64) -> u64 {
        let speed = u128::from((MILLION + self.drift).unsigned_abs());
        u64::try_from(u128::from(span) * u128::from(MILLION.unsigned_abs()) / speed).unwrap_or(u64::MAX) + 2_000
    }
}

/// What an instance's clocks show at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The clock that leases are measured on.
    pub steady: Steady,
    /// A clock that stops while the machine is suspended: not for leases.
    pub awake: Steady,
    /// The time of day, which somebody may set.
    pub now: Timestamp,
}

impl Clock for Reading {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn steady(&self) -> Steady {
        self.steady
    }
}
