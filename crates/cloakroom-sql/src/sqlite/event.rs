//! What happened, as rows.

use cloakroom_core::event::{EventId, EventReason, SecurityEvent};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{EventQuery, PAGE_MAX, StoreError};
use sqlx::{SqliteConnection, SqlitePool};

use super::error::store_error;
use super::row;
use super::statements::ID_MAX;
use crate::statements::{EVENTS, EVENTS_OF, PURGE_EVENTS_BEFORE, PURGE_OLDEST_EVENTS, RECORD_EVENT};

pub(super) async fn record(connection: &mut SqliteConnection, events: Vec<SecurityEvent>) -> Result<(), StoreError> {
    for event in events {
        sqlx::query(RECORD_EVENT)
            .bind(event.id.to_string())
            .bind(event.at.as_millis())
            .bind(event.kind.as_str())
            .bind(event.subject.as_ref().map(Subject::as_str))
            .bind(event.session.map(|id| id.to_string()))
            .bind(event.reason.as_ref().map(EventReason::as_str))
            .bind(event.client.user_agent())
            .bind(event.client.ip().map(|ip| ip.to_string()))
            .bind(event.request.map(|id| id.hyphenated().to_string()))
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

pub(super) async fn list(pool: &SqlitePool, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
    let (before, limit) =
        (query.before.map_or(ID_MAX.to_owned(), |id| id.to_string()), i64::from(query.limit.min(PAGE_MAX)));
    let listed = match &query.subject {
        Some(subject) => sqlx::query(EVENTS_OF).bind(subject.as_str()).bind(before).bind(limit).fetch_all(pool).await,
        None => sqlx::query(EVENTS).bind(before).bind(limit).fetch_all(pool).await,
    };
    listed.map_err(store_error)?.iter().filter_map(|event| row::event(event).transpose()).collect()
}

pub(super) async fn purge(
    connection: &mut SqliteConnection,
    before: EventId,
    max: u32,
    chunk: u32,
) -> Result<u64, StoreError> {
    let purge = sqlx::query(PURGE_EVENTS_BEFORE)
        .bind(before.to_string())
        .bind(i64::from(chunk))
        .execute(&mut *connection)
        .await;
    let purged = purge.map_err(store_error)?.rows_affected();
    if purged > 0 {
        return Ok(purged);
    }
    let over = sqlx::query(PURGE_OLDEST_EVENTS).bind(i64::from(max)).bind(i64::from(chunk)).execute(connection).await;
    Ok(over.map_err(store_error)?.rows_affected())
}
