//! What is counted of attempts to log in: each key's row is locked, in the order of the keys, until the transaction ends.

use cloakroom_core::store::StoreError;
use cloakroom_core::throttle::{Admission, COUNTER_RETENTION, Claims, Counter, CounterKey, LOCK_AFTER, Step};
use cloakroom_core::time::Timestamp;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::error::store_error;
use super::row;
use super::statements::{ENSURE_COUNTER, LOCK_COUNTER, PURGE_COUNTERS, PURGE_COUNTERS_OVER};
use super::value::Time;
use crate::statements::{FORGET_COUNTER, SET_COUNTER};

pub(super) async fn count(
    connection: &mut PgConnection,
    claims: Claims,
    step: Step,
    at: Timestamp,
) -> Result<Admission, StoreError> {
    let mut found = Vec::new();
    for key in claims.keys() {
        found.push(Some(row::counter(&locked(connection, key, at).await?)?));
    }
    let (admission, taken) = claims.take(step, &found, at);
    let changed = claims.keys().zip(found.into_iter().zip(taken)).filter(|(_, (found, taken))| found != taken);
    for (key, (_, taken)) in changed {
        keep(connection, key, taken).await?;
    }
    Ok(admission)
}

/// The row of a key, which is locked from now on. A success or a purge may delete it while it is waited for: then it is made.
async fn locked(connection: &mut PgConnection, key: CounterKey, at: Timestamp) -> Result<PgRow, StoreError> {
    let lock = sqlx::query(LOCK_COUNTER).bind(key.as_bytes().as_slice()).fetch_optional(&mut *connection).await;
    if let Some(row) = lock.map_err(store_error)? {
        return Ok(row);
    }
    let ensure = sqlx::query(ENSURE_COUNTER).bind(key.as_bytes().as_slice()).bind(Time(at));
    ensure.fetch_one(connection).await.map_err(store_error)
}

async fn keep(connection: &mut PgConnection, key: CounterKey, counter: Option<Counter>) -> Result<(), StoreError> {
    let key = key.as_bytes().as_slice();
    let statement = match counter {
        Some(counter) => sqlx::query(SET_COUNTER)
            .bind(i64::from(counter.failures))
            .bind(i64::from(counter.under_way))
            .bind(Time(counter.until))
            .bind(Time(counter.changed_at))
            .bind(key),
        None => sqlx::query(FORGET_COUNTER).bind(key),
    };
    statement.execute(connection).await.map(|_| ()).map_err(store_error)
}

pub(super) async fn purge(
    connection: &mut PgConnection,
    at: Timestamp,
    max: u32,
    chunk: u32,
) -> Result<u64, StoreError> {
    let purge = sqlx::query(PURGE_COUNTERS)
        .bind(Time(at))
        .bind(Time(at.minus(COUNTER_RETENTION)))
        .bind(i64::from(LOCK_AFTER))
        .bind(i64::from(chunk));
    let purged = purge.execute(&mut *connection).await.map_err(store_error)?.rows_affected();
    if purged > 0 {
        return Ok(purged);
    }
    let over = sqlx::query(PURGE_COUNTERS_OVER).bind(i64::from(max)).bind(i64::from(chunk)).bind(i64::from(LOCK_AFTER));
    Ok(over.execute(connection).await.map_err(store_error)?.rows_affected())
}
