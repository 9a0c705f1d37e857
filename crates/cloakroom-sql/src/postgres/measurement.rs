//! What is measured, as rows.

use cloakroom_core::measurement::{AHEAD_MAX, Combining, Measure, Measurement, Resolution, SAMPLE_MAX, Sample};
use cloakroom_core::store::{MeasurementQuery, MeasurementStore, StoreError, StoreFuture};
use cloakroom_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use super::database::PostgresDatabase;
use super::error::store_error;
use super::row;
use super::statements::{COUNT_ENDINGS, PURGE_MEASUREMENTS, SAMPLE};
use super::value::Time;
use crate::statements::{ADD_MEASUREMENT, MEASUREMENTS, RAISE_MEASUREMENT};
use crate::words::reason_from;

impl MeasurementStore for PostgresDatabase {
    fn measure(&self, mut measurements: Vec<Measurement>) -> StoreFuture<'_, ()> {
        // Several instances write the same rows: each locks them in this order.
        measurements.sort_by_key(Measurement::key);
        Box::pin(
            async move { self.transaction(|connection| Box::pin(measure(connection, measurements.clone()))).await },
        )
    }

    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(async move {
            let statement = sqlx::query(MEASUREMENTS)
                .bind(seconds(query.resolution))
                .bind(Time(query.from))
                .bind(Time(query.before));
            let rows = self.fetch_all(statement).await?;
            rows.iter().filter_map(|found| row::measurement(found, query.resolution).transpose()).collect()
        })
    }

    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.transaction(|connection| Box::pin(purge(connection, now, chunk))).await })
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>> {
        Box::pin(async move {
            let rows = self.fetch_all(sqlx::query(COUNT_ENDINGS).bind(Time(from)).bind(Time(before))).await?;
            rows.iter().map(|found| row::counted(found, |reason| Measure::Ends(reason_from(reason)))).collect()
        })
    }

    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample> {
        Box::pin(async move {
            let row = self.fetch_one(sqlx::query(SAMPLE).bind(Time(now)).bind(i64::from(SAMPLE_MAX) + 1)).await?;
            let number = |column| {
                let number: i64 = row.try_get(column).map_err(store_error)?;
                Ok::<u32, StoreError>(u32::try_from(number).unwrap_or(u32::MAX))
            };
            let last: Option<&str> = row.try_get(2).map_err(store_error)?;
            let last = last.and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0);
            Ok(Sample { rows: number(0)?, living: number(1)?, last })
        })
    }
}

/// As the column has it.
const fn seconds(resolution: Resolution) -> i32 {
    match resolution {
        Resolution::FiveMinutes => 300,
        Resolution::Hour => 3_600,
    }
}

async fn measure(connection: &mut PgConnection, measurements: Vec<Measurement>) -> Result<(), StoreError> {
    for Measurement { resolution, bucket, measure, value } in measurements {
        let statement = match measure.combining(resolution) {
            Combining::Added => ADD_MEASUREMENT,
            Combining::Greatest => RAISE_MEASUREMENT,
        };
        sqlx::query(statement)
            .bind(seconds(resolution))
            .bind(Time(bucket))
            .bind(measure.to_string())
            .bind(i64::try_from(value).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

async fn purge(connection: &mut PgConnection, now: Timestamp, chunk: u32) -> Result<u64, StoreError> {
    let mut purged = 0;
    for resolution in Resolution::ALL {
        let rows = sqlx::query(PURGE_MEASUREMENTS)
            .bind(seconds(resolution))
            .bind(Time(now.minus(resolution.retention())))
            .bind(Time(now.plus(AHEAD_MAX)))
            .bind(i64::from(chunk) - i64::try_from(purged).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        purged += rows.rows_affected();
    }
    Ok(purged)
}
