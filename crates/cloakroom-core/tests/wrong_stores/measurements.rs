//! Measurements, kept wrongly.

use cloakroom_core::measurement::{AHEAD_MAX, Measure, Measurement, Resolution, Sample};
use cloakroom_core::store::{MeasurementQuery, MeasurementStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;

use crate::Fault;
use crate::faulty::{Faulty, LONG_AGO, others_first};

impl Faulty {
    async fn held(&self, measurement: &Measurement) -> Result<u64, StoreError> {
        let Measurement { resolution, bucket, .. } = *measurement;
        let query = MeasurementQuery { resolution, from: bucket, before: bucket.plus(resolution.length()) };
        let found = self.inner.measurements(query).await?;
        Ok(found.iter().find(|found| found.key() == measurement.key()).map_or(0, |found| found.value))
    }

    async fn wrong_measure(&self, mut measurements: Vec<Measurement>) -> Result<(), StoreError> {
        let is_count = |measure| matches!(measure, Measure::Logins(_) | Measure::Validations(_));
        for measurement in &mut measurements {
            let held = self.held(measurement).await?;
            match self.fault {
                // Less than what is there cannot be said to the store within: nothing is.
                Fault::MeasurementsOverwrite if is_count(measurement.measure) => {
                    measurement.value = measurement.value.saturating_sub(held);
                }
                Fault::MeasurementsAddWhatWasRead => measurement.value += held,
                _ => (),
            }
        }
        if self.fault == Fault::MeasuringReadsThenWrites {
            for measurement in &mut measurements {
                let before = self.held(measurement).await?;
                others_first().await;
                let now = self.held(measurement).await?;
                measurement.value = (before + measurement.value).saturating_sub(now);
            }
        }
        self.inner.measure(measurements).await
    }

    async fn wrong_measurements(&self, mut query: MeasurementQuery) -> Result<Vec<Measurement>, StoreError> {
        match self.fault {
            Fault::MeasurementsIncludeTheEnd => query.before = query.before.plus(query.resolution.length()),
            Fault::MeasurementsIgnoreTheResolution => {
                let mut all = Vec::new();
                for resolution in Resolution::ALL {
                    all.extend(self.inner.measurements(MeasurementQuery { resolution, ..query }).await?);
                }
                return Ok(all);
            }
            _ => (),
        }
        let mut found = self.inner.measurements(query).await?;
        if self.fault == Fault::MeasurementsAreCappedAtAPage {
            found.truncate(500);
        }
        Ok(found)
    }

    async fn wrong_measurement_purge(&self, now: Timestamp, chunk: u32) -> Result<u64, StoreError> {
        match self.fault {
            // Two days are as good as a month, or so it thinks.
            Fault::MeasurementPurgeKnowsOneRetention => {
                let (short, long) = (Resolution::FiveMinutes.retention(), Resolution::Hour.retention());
                let ahead = long.saturating_sub(short);
                self.inner.purge_measurements(now.plus(ahead), chunk).await
            }
            Fault::MeasurementPurgeLeavesTheFuture => {
                let query = MeasurementQuery {
                    resolution: Resolution::FiveMinutes,
                    from: now.plus(AHEAD_MAX),
                    before: Timestamp::from_millis(i64::MAX),
                };
                let ahead = self.inner.measurements(query).await?;
                let purged = self.inner.purge_measurements(now, chunk).await?;
                self.inner.measure(ahead).await?;
                Ok(purged)
            }
            Fault::MeasurementPurgeIgnoresTheChunk => self.inner.purge_measurements(now, u32::MAX).await,
            _ => self.inner.purge_measurements(now, chunk).await,
        }
    }

    async fn wrong_ending_count(&self, from: Timestamp, before: Timestamp) -> Result<Vec<Measurement>, StoreError> {
        match self.fault {
            Fault::EndingsAreCountedToTheEnd => {
                self.inner.count_endings(from, before.plus(std::time::Duration::from_millis(1))).await
            }
            Fault::EndingsAreCountedByTheHour => {
                let mut counted = self.inner.count_endings(from, before).await?;
                for counted in &mut counted {
                    counted.bucket = Resolution::Hour.bucket_of(counted.bucket);
                }
                Ok(counted)
            }
            _ => self.inner.count_endings(from, before).await,
        }
    }

    async fn wrong_sample(&self, now: Timestamp) -> Result<Sample, StoreError> {
        match self.fault {
            Fault::SampleCountsTheExpired => self.inner.sample(LONG_AGO).await,
            Fault::SampleHasNoPlace => Ok(Sample { last: 0, ..self.inner.sample(now).await? }),
            _ => self.inner.sample(now).await,
        }
    }
}

impl MeasurementStore for Faulty {
    fn measure(&self, measurements: Vec<Measurement>) -> StoreFuture<'_, ()> {
        Box::pin(self.wrong_measure(measurements))
    }

    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(self.wrong_measurements(query))
    }

    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.wrong_measurement_purge(now, chunk))
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(self.wrong_ending_count(from, before))
    }

    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample> {
        Box::pin(self.wrong_sample(now))
    }
}
