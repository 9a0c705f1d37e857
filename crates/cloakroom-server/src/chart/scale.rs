//! Scales with round numbers: even ones for counts, one of powers of ten for times.

/// About so many steps has an even scale.
const STEPS: u64 = 4;

/// Where values lie between the lowest and the highest tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    ticks: Vec<u128>,
    is_of_powers: bool,
}

impl Scale {
    /// From zero to `max` or a little above.
    pub(crate) fn of_counts(max: u64) -> Self {
        let step = round_up(max.div_ceil(STEPS).max(1));
        let steps = u128::from(max).div_ceil(step).max(1);
        Self { ticks: (0..=steps).map(|number| number * step).collect(), is_of_powers: false }
    }

    /// From the power of ten at or below `min` to the one at or above `max`, which are no less than one.
    pub(crate) fn of_powers(min: u64, max: u64) -> Self {
        let (min, max) = (min.max(1), max.max(min).max(1));
        let first = 10_u128.pow(min.ilog10());
        let mut ticks = vec![first];
        let mut last = first;
        while last < u128::from(max) || ticks.len() < 2 {
            last *= 10;
            ticks.push(last);
        }
        Self { ticks, is_of_powers: true }
    }

    /// Round numbers, the lowest first; at least two.
    pub(crate) fn ticks(&self) -> &[u128] {
        &self.ticks
    }

    /// How far up a value lies: 0 is the lowest tick, 1 the highest. What lies outside is moved to the nearest.
    pub(crate) fn fraction(&self, value: u128) -> f64 {
        let (Some(lowest), Some(highest)) = (self.ticks.first(), self.ticks.last()) else { return 0.0 };
        let place = |value: u128| if self.is_of_powers { float(value.max(1)).log10() } else { float(value) };
        let (lowest, highest) = (place(*lowest), place(*highest));
        ((place(value) - lowest) / (highest - lowest)).clamp(0.0, 1.0)
    }
}

/// A pixel more or less does not matter.
#[expect(clippy::cast_precision_loss, reason = "positions are shown to a tenth of a unit")]
const fn float(value: u128) -> f64 {
    value as f64
}

/// The next of 1, 2, 5, 10, 20, 50 …
fn round_up(value: u64) -> u128 {
    let power = 10_u128.pow(value.max(1).ilog10());
    [1, 2, 5, 10].map(|factor| factor * power).into_iter().find(|step| *step >= u128::from(value)).unwrap_or(power)
}
