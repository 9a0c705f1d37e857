//! What is counted of attempts to log in. The single writer is the lock.

use cloakroom_core::store::StoreError;
use cloakroom_core::throttle::{Admission, COUNTER_RETENTION, Claims, Counter, CounterKey, LOCK_AFTER, Step};
use cloakroom_core::time::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::store_error;
use super::row;
use super::statements::{COUNTER, INSERT_COUNTER, PURGE_COUNTERS, PURGE_COUNTERS_OVER};
use crate::statements::{FORGET_COUNTER, LOCKED, SET_COUNTER};

pub(super) async fn count(
    connection: &mut SqliteConnection,
    claims: Claims,
    step: Step,
    at: Timestamp,
) -> Result<Admission, StoreError> {
    let mut found = Vec::new();
    for key in claims.keys() {
        let row = sqlx::query(COUNTER).bind(key.as_bytes().as_slice()).fetch_optional(&mut *connection).await;
        found.push(row.map_err(store_error)?.as_ref().map(row::counter).transpose()?);
    }
    let (admission, taken) = claims.take(step, &found, at);
    let changed = claims.keys().zip(found.into_iter().zip(taken)).filter(|(_, (found, taken))| found != taken);
    for (key, (found, taken)) in changed {
        keep(connection, key, found.is_some(), taken).await?;
    }
    Ok(admission)
}

async fn keep(
    connection: &mut SqliteConnection,
    key: CounterKey,
    is_there: bool,
    counter: Option<Counter>,
) -> Result<(), StoreError> {
    let Some(counter) = counter else {
        let forget = sqlx::query(FORGET_COUNTER).bind(key.as_bytes().as_slice()).execute(connection).await;
        return forget.map(|_| ()).map_err(store_error);
    };
    sqlx::query(if is_there { SET_COUNTER } else { INSERT_COUNTER })
        .bind(i64::from(counter.failures))
        .bind(i64::from(counter.under_way))
        .bind(counter.until.as_millis())
        .bind(counter.changed_at.as_millis())
        .bind(key.as_bytes().as_slice())
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(store_error)
}

pub(super) async fn locked(pool: &SqlitePool, limit: u32) -> Result<Vec<CounterKey>, StoreError> {
    let locked = sqlx::query(LOCKED).bind(i64::from(LOCK_AFTER)).bind(i64::from(limit)).fetch_all(pool).await;
    locked.map_err(store_error)?.iter().map(row::counter_key).collect()
}

pub(super) async fn purge(
    connection: &mut SqliteConnection,
    at: Timestamp,
    max: u32,
    chunk: u32,
) -> Result<u64, StoreError> {
    let purge = sqlx::query(PURGE_COUNTERS)
        .bind(at.as_millis())
        .bind(at.minus(COUNTER_RETENTION).as_millis())
        .bind(i64::from(LOCK_AFTER))
        .bind(i64::from(chunk));
    let purged = purge.execute(&mut *connection).await.map_err(store_error)?.rows_affected();
    if purged > 0 {
        return Ok(purged);
    }
    let over = sqlx::query(PURGE_COUNTERS_OVER).bind(i64::from(max)).bind(i64::from(chunk)).bind(i64::from(LOCK_AFTER));
    Ok(over.execute(connection).await.map_err(store_error)?.rows_affected())
}
