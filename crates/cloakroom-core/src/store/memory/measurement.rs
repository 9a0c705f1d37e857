//! Measurements in memory.

use std::collections::BTreeMap;

use super::{MemoryStore, State, ready};
use crate::measurement::{AHEAD_MAX, Measure, Measurement, Resolution, SAMPLE_MAX, Sample};
use crate::store::{MeasurementQuery, MeasurementStore, StoreFuture};
use crate::time::Timestamp;
use crate::token::TokenDigest;

impl State {
    fn measure(&mut self, measurements: &[Measurement]) {
        for measurement in measurements {
            let held = self.measurements.entry(measurement.key()).or_default();
            *held = measurement.measure.combining(measurement.resolution).of(*held, measurement.value);
        }
    }

    fn measurements(&self, query: MeasurementQuery) -> Vec<Measurement> {
        let is_asked_for = |resolution: Resolution, bucket: Timestamp| {
            resolution == query.resolution && (query.from..query.before).contains(&bucket)
        };
        let all = self.measurements.iter();
        all.filter(|((resolution, bucket, _), _)| is_asked_for(*resolution, *bucket))
            .map(|((resolution, bucket, measure), value)| Measurement {
                resolution: *resolution,
                bucket: *bucket,
                measure: *measure,
                value: *value,
            })
            .collect()
    }

    fn purge_measurements(&mut self, now: Timestamp, chunk: u32) -> u64 {
        let is_over = |resolution: Resolution, bucket: Timestamp| {
            bucket < now.minus(resolution.retention()) || bucket > now.plus(AHEAD_MAX)
        };
        let over = self.measurements.keys().filter(|(resolution, bucket, _)| is_over(*resolution, *bucket));
        let gone: Vec<_> = over.take(chunk as usize).copied().collect();
        for key in &gone {
            self.measurements.remove(key);
        }
        gone.len() as u64
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> Vec<Measurement> {
        let mut counts = BTreeMap::new();
        let endings = self.feed.iter().filter_map(|entry| entry.ending.as_ref());
        for ending in endings.filter(|ending| (from..before).contains(&ending.at)) {
            let one = Measurement::at(ending.at, Measure::Ends(ending.reason), 1);
            counts.entry(one.key()).or_insert(Measurement { value: 0, ..one }).value += 1;
        }
        counts.into_values().collect()
    }

    fn sample(&self, now: Timestamp) -> Sample {
        let mut digests: Vec<&TokenDigest> = self.sessions.keys().collect();
        digests.sort_unstable_by_key(|digest| digest.as_bytes());
        digests.truncate(SAMPLE_MAX as usize + 1);
        let mut sample = Sample::default();
        for digest in digests {
            let lives = self.sessions.get(digest).is_some_and(|record| record.is_living(now));
            sample.rows += 1;
            sample.living += u32::from(lives);
            sample.last = digest.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        }
        sample
    }
}

impl MeasurementStore for MemoryStore {
    fn measure(&self, measurements: Vec<Measurement>) -> StoreFuture<'_, ()> {
        self.state().measure(&measurements);
        ready(Ok(()))
    }

    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>> {
        ready(Ok(self.state().measurements(query)))
    }

    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64> {
        ready(Ok(self.state().purge_measurements(now, chunk)))
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>> {
        ready(Ok(self.state().count_endings(from, before)))
    }

    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample> {
        ready(Ok(self.state().sample(now)))
    }
}
