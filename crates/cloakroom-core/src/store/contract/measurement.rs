//! Clauses about measurements.

use super::trial::{ABSOLUTE, IDLE, Kept, Running, Trial, at, duration, holds, join_all, same};
use crate::ending::EndReason;
use crate::measurement::{
    AHEAD_MAX, Band, History, LoginOutcome, Measure, Measurement, Resolution, SAMPLE_MAX, Window,
};
use crate::store::{MeasurementQuery, StoreError, Target};
use crate::time::{Timestamp, millis};

const REFUSED: Measure = Measure::Logins(LoginOutcome::Refused);
const FIVE_MINUTES: i64 = 300_000;
const HOUR: i64 = 3_600_000;

fn value(ms: i64, measure: Measure, value: u64) -> Measurement {
    Measurement::at(at(ms), measure, value)
}

fn of_hour(ms: i64, measure: Measure, value: u64) -> Measurement {
    let resolution = Resolution::Hour;
    Measurement { resolution, bucket: resolution.bucket_of(at(ms)), measure, value }
}

impl Trial<'_> {
    async fn write(&self, measurements: &[Measurement]) -> Kept {
        Ok(self.measurements.measure(measurements.to_vec()).await?)
    }

    /// In the order of their keys.
    async fn read(&self, resolution: Resolution, from: Timestamp, before: Timestamp) -> Kept<Vec<Measurement>> {
        let query = MeasurementQuery { resolution, from, before };
        let mut found = self.measurements.measurements(query).await?;
        found.sort_by_key(Measurement::key);
        Ok(found)
    }

    async fn everything(&self) -> Kept<Vec<Measurement>> {
        let (from, before) = (at(-100 * 24 * HOUR), at(100 * 24 * HOUR));
        let mut found = self.read(Resolution::FiveMinutes, from, before).await?;
        found.extend(self.read(Resolution::Hour, from, before).await?);
        Ok(found)
    }
}

pub(super) async fn what_was_measured_is_read_back_in_every_name(trial: &Trial<'_>) -> Kept {
    trial.write(&[]).await?;
    same("at first nothing", &trial.everything().await?, &Vec::new())?;
    // More rows than a page of any other list has, in an order that is not theirs.
    let mut written: Vec<_> = (0..20)
        .flat_map(|bucket| {
            let count = |(index, measure)| value(bucket * FIVE_MINUTES, measure, 1 + index);
            (0_u64..).zip(Measure::all()).map(count).collect::<Vec<_>>()
        })
        .chain([value(-FIVE_MINUTES, REFUSED, 0), value(-FIVE_MINUTES, Measure::ActiveSessions, u64::MAX / 2)])
        .chain([of_hour(0, REFUSED, 7)])
        .collect();
    trial.write(&written).await?;
    written.sort_by_key(Measurement::key);
    same("every name, zero and a great number too", &trial.everything().await?, &written)
}

pub(super) async fn counts_of_a_bucket_are_added_up_and_what_is_read_grows(trial: &Trial<'_>) -> Kept {
    let (slow, ended) = (Measure::Validations(Band::of(duration(30))), Measure::Ends(EndReason::Logout));
    let counted = |count: u64| [value(0, REFUSED, count), value(0, slow, count)];
    let read = |count: u64| [value(0, Measure::ActiveSessions, count), value(0, ended, count)];
    for count in [2, 5, 3] {
        trial.write(&[counted(count).as_slice(), &read(count), &[of_hour(0, REFUSED, count)]].concat()).await?;
    }
    // The same name twice in one batch.
    trial.write(&[value(0, REFUSED, 1), value(0, REFUSED, 1)]).await?;
    let mut wanted = vec![value(0, REFUSED, 12), value(0, slow, 10), of_hour(0, REFUSED, 5)];
    wanted.extend(read(5));
    wanted.sort_by_key(Measurement::key);
    same("what was counted is added, what was read is the greatest", &trial.everything().await?, &wanted)
}

pub(super) async fn measurements_are_asked_for_by_resolution_and_time(trial: &Trial<'_>) -> Kept {
    let fine: Vec<_> = (0..4).map(|bucket| value(bucket * FIVE_MINUTES, REFUSED, 1)).collect();
    trial.write(&[fine.as_slice(), &[of_hour(0, REFUSED, 4)]].concat()).await?;
    let (from, before) = (fine[1].bucket, fine[3].bucket);
    let found = trial.read(Resolution::FiveMinutes, from, before).await?;
    same("from a bucket on, before another", &found, &fine[1..3].to_vec())?;
    let hours = trial.read(Resolution::Hour, at(-HOUR), at(HOUR)).await?;
    same("by the hour", &hours, &vec![of_hour(0, REFUSED, 4)])?;
    let window = Window { resolution: Resolution::FiveMinutes, from: fine[0].bucket, buckets: 5 };
    let found = trial.read(window.resolution, window.from, window.end()).await?;
    let counted: Vec<_> = History::of(window, &found).slots.iter().map(|(_, slot)| slot.logins.is_some()).collect();
    same("and where there is none is a gap", &counted, &vec![true, true, true, true, false])
}

pub(super) async fn old_measurements_and_those_far_ahead_are_purged_in_chunks(trial: &Trial<'_>) -> Kept {
    let (days, ahead) = (24 * HOUR, millis(AHEAD_MAX) + FIVE_MINUTES);
    let kept =
        [value(-2 * days + FIVE_MINUTES, REFUSED, 1), value(0, REFUSED, 2), of_hour(-31 * days + HOUR, REFUSED, 3)];
    let gone = [
        value(-2 * days - FIVE_MINUTES, REFUSED, 1),
        value(-3 * days, REFUSED, 1),
        value(ahead, REFUSED, 1),
        of_hour(-31 * days - HOUR, REFUSED, 1),
        of_hour(2 * ahead, REFUSED, 1),
    ];
    trial.write(&[kept.as_slice(), &gone].concat()).await?;
    let purge = async |chunk| -> Kept<u64> { Ok(trial.measurements.purge_measurements(at(0), chunk).await?) };
    let first = purge(3).await?;
    holds("a chunk is three at most, and some are gone", (1..=3).contains(&first), first)?;
    let mut rest = first;
    for _ in 0..10 {
        rest += purge(3).await?;
    }
    same("all that is over its time or far ahead", &rest, &5)?;
    let mut wanted = kept.to_vec();
    wanted.sort_by_key(Measurement::key);
    same("and nothing else", &trial.everything().await?, &wanted)
}

pub(super) async fn endings_are_counted_by_bucket_and_reason(trial: &Trial<'_>) -> Kept {
    let first = millis(at(0).since(Resolution::FiveMinutes.bucket_of(at(0))));
    // Milliseconds of the trial in which a bucket starts.
    let start = |bucket: i64| bucket * FIVE_MINUTES - first;
    let endings = [
        (start(1) - 1, EndReason::Logout),
        (start(1), EndReason::Logout),
        (start(1) + 1, EndReason::Administrator),
        (start(2) - 1, EndReason::Logout),
        (start(3), EndReason::Logout),
    ];
    for (ms, reason) in endings {
        let login = trial.log_in("ada", 0).await?;
        same("one is ended", &trial.end(Target::Token(login.digest), reason, ms).await?, &1)?;
    }
    let (one, other) = (trial.log_in("ada", 0).await?, trial.digest());
    holds("a token is replaced, which ends nothing", trial.replace(one.digest, other, 1).await?, "gone")?;
    let count = async |from, before| -> Kept<Vec<Measurement>> {
        let mut counted = trial.measurements.count_endings(at(start(from)), at(start(before))).await?;
        counted.sort_by_key(Measurement::key);
        Ok(counted)
    };
    let (logout, administrator) = (Measure::Ends(EndReason::Logout), Measure::Ends(EndReason::Administrator));
    let wanted = vec![value(start(1), logout, 2), value(start(1), administrator, 1)];
    same("of one bucket", &count(1, 2).await?, &wanted)?;
    same("of one without", &count(2, 3).await?, &Vec::new())?;
    let all = count(0, 4).await?.iter().map(|counted| counted.value).sum::<u64>();
    same("of all", &all, &5)
}

pub(super) async fn a_sample_has_the_first_digests_and_says_who_lives(trial: &Trial<'_>) -> Kept {
    same("of nothing", &trial.measurements.sample(at(0)).await?.living(), &0)?;
    let mut digests = Vec::new();
    for created in [0, 0, 0, IDLE] {
        digests.push(trial.log_in("ada", created).await?.digest);
    }
    let mut endless = trial.record("eve", -ABSOLUTE);
    endless.idle_timeout = None;
    digests.push(trial.log_in_as(&endless).await?.digest);
    let highest = digests.iter().map(|digest| *digest.as_bytes()).max().unwrap_or_default();
    let highest = highest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let sample = trial.measurements.sample(at(IDLE - 1)).await?;
    same("all are looked at", &(sample.rows, sample.last), &(5, highest))?;
    same("one is past its absolute timeout", &sample.living(), &4)?;
    same("three are idle", &trial.measurements.sample(at(IDLE)).await?.living(), &1)?;
    holds("a sample is bounded", sample.rows <= SAMPLE_MAX, sample)
}

pub(super) async fn of_concurrent_counts_none_is_lost(trial: &Trial<'_>) -> Kept {
    // Each in another order, as rows that are locked in the order given would be a deadlock.
    let one = [value(0, REFUSED, 1), value(FIVE_MINUTES, REFUSED, 1), value(0, Measure::ActiveSessions, 4)];
    let writing = (0..12).map(|turn| {
        let mut batch = one.to_vec();
        batch.rotate_left(turn % 3);
        Box::pin(trial.measurements.measure(batch)) as Running<'_, Result<(), StoreError>>
    });
    for written in join_all(writing.collect()).await {
        written?;
    }
    let mut wanted =
        vec![value(0, REFUSED, 12), value(FIVE_MINUTES, REFUSED, 12), value(0, Measure::ActiveSessions, 4)];
    wanted.sort_by_key(Measurement::key);
    same("each is in it", &trial.everything().await?, &wanted)
}
