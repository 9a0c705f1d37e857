//! Where chance comes from: everything a schedule decides is drawn here, from its seed.

use crate::world::PredictableRandom;

/// The draws of one schedule.
#[derive(Debug)]
pub(super) struct Chance(PredictableRandom);

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        // Spread, or neighbouring seeds would walk along the same sequence.
        Self(PredictableRandom::from_seed(PredictableRandom::from_seed(seed).next()))
    }

    /// From 0 up to `bound`, which it never is.
    pub(super) fn below(&self, bound: u64) -> u64 {
        self.0.next() % bound.max(1)
    }

    pub(super) fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or(0)
    }

    pub(super) fn per_mille(&self, chance: u64) -> bool {
        self.below(1_000) < chance
    }

    pub(super) fn pick<T: Copy>(&self, of: &[T; 4]) -> T {
        of[self.index(4)]
    }

    /// Mostly less than twice `usual`, each `usual` more half as likely.
    pub(super) fn falling(&self, usual: u64) -> u64 {
        self.below(usual) + usual * u64::from(self.0.next().trailing_zeros())
    }
}
