//! Buckets, names, roll-ups, quantiles and estimates, without a store.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::world::PredictableRandom;

const FIVE: Resolution = Resolution::FiveMinutes;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

#[test]
fn every_name_reads_back_and_is_once_in_the_list() {
    let names: std::collections::BTreeSet<_> = Measure::all().map(|measure| measure.to_string()).collect();
    assert_eq!(names.len(), Measure::all().count());
    for measure in Measure::all() {
        assert_eq!(measure.to_string().parse(), Ok(measure));
        assert!(measure.to_string().len() <= 32);
    }
    for name in ["", "logins", "logins.", "ends.nothing", "validations.le_3us", "active_sessions.", "x.y"] {
        assert_eq!(name.parse::<Measure>(), Err(NotAMeasure), "{name}");
    }
    for resolution in Resolution::ALL {
        assert_eq!(Resolution::from_seconds(i64::from(resolution.seconds())), Some(resolution));
        assert_eq!(resolution.length(), Duration::from_secs(u64::from(resolution.seconds())));
    }
}

/// The number that `docs/measurements.md` says.
#[test]
fn rows_are_bounded() {
    let buckets = |resolution: Resolution| {
        // One may be under way at either end, and as many as the clocks are apart.
        2 + (resolution.retention() + AHEAD_MAX).as_secs() / u64::from(resolution.seconds())
    };
    let rows = Measure::all().count() as u64 * Resolution::ALL.into_iter().map(buckets).sum::<u64>();
    assert_eq!((Measure::all().count(), rows), (35, 46_795));
}

#[test]
fn an_hour_has_the_sum_of_what_was_counted_and_the_most_at_once() {
    let refused = Measure::Logins(LoginOutcome::Refused);
    let ended = Measure::Ends(EndReason::Logout);
    let minute = |minute: i64, measure, value| Measurement::at(at(minute * 60_000), measure, value);
    let fine = [
        minute(0, refused, 1),
        minute(59, refused, 2),
        minute(60, refused, 4),
        minute(5, Measure::ActiveSessions, 9),
        minute(10, Measure::ActiveSessions, 7),
        minute(10, ended, 3),
        minute(15, ended, 3),
    ];
    let hour = |hour: i64, measure, value| Measurement {
        resolution: Resolution::Hour,
        bucket: at(hour * 3_600_000),
        measure,
        value,
    };
    let wanted = [hour(0, Measure::ActiveSessions, 9), hour(0, refused, 3), hour(0, ended, 6), hour(1, refused, 4)];
    assert_eq!(roll_up(&fine), wanted);
    assert_eq!(roll_up(&wanted), [], "hours are not rolled up again");
}

#[test]
fn what_nobody_measured_is_a_gap_and_no_zero() {
    let window = Window { resolution: FIVE, from: at(0), buckets: 4 };
    let rows = [
        Measurement::at(at(0), Measure::Logins(LoginOutcome::Succeeded), 2),
        Measurement::at(at(300_000), Measure::ActiveSessions, 5),
        Measurement::at(at(900_000), Measure::Logins(LoginOutcome::Busy), 0),
        Measurement::at(at(1_200_000), Measure::ActiveSessions, 99),
        Measurement { resolution: Resolution::Hour, ..Measurement::at(at(0), Measure::ActiveSessions, 99) },
    ];
    let history = History::of(window, &rows);
    let logins: Vec<_> = history.slots.iter().map(|(_, slot)| slot.logins).collect();
    assert_eq!(logins, [Some([2, 0, 0, 0]), None, None, Some([0; 4])]);
    let active: Vec<_> = history.slots.iter().map(|(_, slot)| slot.active).collect();
    assert_eq!(active, [None, Some(5), None, None]);
    let coarse = history.coarser(3);
    assert_eq!(coarse.slots.iter().map(|(start, _)| start.as_millis()).collect::<Vec<_>>(), [0, 900_000]);
    assert_eq!((coarse.slots[0].1.logins, coarse.slots[0].1.active), (Some([2, 0, 0, 0]), Some(5)));
    assert!(!history.is_empty() && History::of(window, &[]).is_empty());
}

#[test]
fn quantiles_lie_where_their_band_does() {
    let mut latencies = Latencies::default();
    assert_eq!((latencies.quantile(500), latencies.count()), (None, 0));
    for (took_us, times) in [(15, 90), (1_500, 9), (3_000_000, 1)] {
        latencies.add(Band::of(Duration::from_micros(took_us)), times);
    }
    let found = [0, 500, 900, 990, 1_000].map(|per_mille| latencies.quantile(per_mille).unwrap().as_micros());
    assert_eq!(found, [10, 15, 20, 2_000, 1_000_000]);
    assert_eq!(Band::of(Duration::from_micros(10)).to_string(), "le_10us");
    assert_eq!(Band::of(Duration::from_nanos(10_001)).to_string(), "le_20us");
    assert_eq!(Band::of(Duration::MAX).to_string(), "longer");
    assert_eq!(Band::all().count(), Band::COUNT);
}

#[test]
fn a_sample_of_even_digests_says_how_many_there_are() {
    let random = PredictableRandom::from_seed(7);
    for (all, living_of_ten) in [(5_000_u64, 10), (100_000, 3), (1_000_000, 10)] {
        let mut digests: Vec<u64> = (0..all).map(|_| random.next()).collect();
        digests.sort_unstable();
        digests.truncate(SAMPLE_MAX as usize + 1);
        let rows = SAMPLE_MAX + 1;
        let sample = Sample { rows, living: rows * living_of_ten / 10, last: digests[digests.len() - 1] };
        let (found, wanted) = (sample.living(), all * u64::from(living_of_ten) / 10);
        assert!(found.abs_diff(wanted) * 20 < wanted, "{found} for {wanted}"); // three standard errors are 4.8 %
    }
    assert_eq!(Sample { rows: u32::MAX, living: u32::MAX, last: 0 }.living(), u64::MAX);
}

proptest! {
    #[test]
    fn a_bucket_holds_its_time(ms in any::<i64>()) {
        for resolution in Resolution::ALL {
            let start = resolution.bucket_of(at(ms));
            prop_assert!(start.as_millis() == i64::MIN || start.as_millis() % millis(resolution.length()) == 0);
            prop_assert!(start <= at(ms) && at(ms).since(start) < resolution.length());
        }
    }

    #[test]
    fn a_window_ends_before_now_and_has_what_was_asked_for(ms in 0..4_000_000_000_000_i64, buckets in 1..800_usize) {
        for (resolution, aligned) in [(FIVE, 3_600), (Resolution::Hour, 86_400)] {
            let window = Window::before(at(ms), resolution, buckets, Duration::from_secs(aligned));
            prop_assert_eq!(window.end(), resolution.bucket_of(at(ms)));
            let more = aligned / u64::from(resolution.seconds());
            prop_assert!(window.buckets >= buckets && (window.buckets - buckets) < usize::try_from(more).unwrap());
            prop_assert_eq!(window.from.as_millis() % (i64::try_from(aligned).unwrap() * 1_000), 0);
        }
    }

    /// However measurements come in, and in whatever batches, the same is kept.
    #[test]
    fn values_combine_in_any_order(values in prop::collection::vec(any::<u64>(), 1..8), turn in 0..8_usize) {
        for combining in [Combining::Added, Combining::Greatest] {
            let mut turned = values.clone();
            turned.rotate_left(turn % values.len());
            let all = |values: &[u64]| values.iter().fold(0, |held, new| combining.of(held, *new));
            prop_assert_eq!(all(&values), all(&turned));
        }
    }

    /// Quantiles never go down, and lie in the band in which their time was counted.
    #[test]
    fn quantiles_grow(times in prop::collection::vec(0..2_000_000_u64, 1..40)) {
        let mut latencies = Latencies::default();
        for time in &times {
            latencies.add(Band::of(Duration::from_micros(*time)), 1);
        }
        let mut sorted = times;
        sorted.sort_unstable();
        let quantiles: Vec<_> = [1, 250, 500, 990, 1_000].map(|mille| latencies.quantile(mille).unwrap()).into();
        prop_assert!(quantiles.is_sorted());
        let last = Band::of(Duration::from_micros(sorted[sorted.len() - 1]));
        let found = Band::of(quantiles[4]);
        prop_assert!(found == last || last.to_string() == "longer");
    }

    /// What a window is asked of cannot make it panic.
    #[test]
    fn no_row_is_too_far_away(from in any::<i64>(), bucket in any::<i64>(), buckets in 0..20_usize) {
        let window = Window { resolution: FIVE, from: at(from), buckets };
        let row = Measurement { bucket: at(bucket), ..Measurement::at(at(0), Measure::ActiveSessions, 1) };
        prop_assert_eq!(History::of(window, &[row]).slots.len(), buckets);
    }
}
