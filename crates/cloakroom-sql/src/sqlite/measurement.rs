//! What is measured, as rows.

use cloakroom_core::measurement::{AHEAD_MAX, Combining, Measure, Measurement, Resolution, SAMPLE_MAX, Sample};
use cloakroom_core::store::{MeasurementQuery, MeasurementStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::row;
use super::statements::{COUNT_ENDINGS, PURGE_MEASUREMENTS, SAMPLE};
use crate::statements::{ADD_MEASUREMENT, MEASUREMENTS, RAISE_MEASUREMENT};
use crate::words::{leading, reason_from};

impl MeasurementStore for SqliteDatabase {
    fn measure(&self, measurements: Vec<Measurement>) -> StoreFuture<'_, ()> {
        Box::pin(self.writer().run(move |connection| Box::pin(measure(connection, measurements))))
    }

    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(async move {
            let rows = sqlx::query(MEASUREMENTS)
                .bind(query.resolution.seconds())
                .bind(query.from.as_millis())
                .bind(query.before.as_millis())
                .fetch_all(&self.readers().pool()?)
                .await
                .map_err(store_error)?;
            rows.iter().filter_map(|found| row::measurement(found, query.resolution).transpose()).collect()
        })
    }

    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.writer().run(move |connection| Box::pin(purge(connection, now, chunk))))
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(async move {
            let rows = sqlx::query(COUNT_ENDINGS)
                .bind(from.as_millis())
                .bind(before.as_millis())
                .fetch_all(&self.readers().pool()?)
                .await
                .map_err(store_error)?;
            rows.iter().map(|found| row::counted(found, |reason| Measure::Ends(reason_from(reason)))).collect()
        })
    }

    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample> {
        Box::pin(async move {
            let row = sqlx::query(SAMPLE)
                .bind(now.as_millis())
                .bind(SAMPLE_MAX + 1)
                .fetch_one(&self.readers().pool()?)
                .await
                .map_err(store_error)?;
            let last: Option<Vec<u8>> = row.try_get(2).map_err(store_error)?;
            let last = leading(last.as_deref().unwrap_or_default());
            Ok(Sample {
                rows: row.try_get(0).map_err(store_error)?,
                living: row.try_get(1).map_err(store_error)?,
                last,
            })
        })
    }
}

async fn measure(connection: &mut SqliteConnection, measurements: Vec<Measurement>) -> Result<(), StoreError> {
    for Measurement { resolution, bucket, measure, value } in measurements {
        let statement = match measure.combining(resolution) {
            Combining::Added => ADD_MEASUREMENT,
            Combining::Greatest => RAISE_MEASUREMENT,
        };
        sqlx::query(statement)
            .bind(resolution.seconds())
            .bind(bucket.as_millis())
            .bind(measure.to_string())
            .bind(i64::try_from(value).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

async fn purge(connection: &mut SqliteConnection, now: Timestamp, chunk: u32) -> Result<u64, StoreError> {
    let mut purged = 0;
    for resolution in Resolution::ALL {
        let rows = sqlx::query(PURGE_MEASUREMENTS)
            .bind(resolution.seconds())
            .bind(now.minus(resolution.retention()).as_millis())
            .bind(now.plus(AHEAD_MAX).as_millis())
            .bind(i64::from(chunk) - i64::try_from(purged).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        purged += rows.rows_affected();
    }
    Ok(purged)
}
