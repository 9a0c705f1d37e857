//! What happened, as rows.

use cloakroom_core::event::{EventId, EventReason, SecurityEvent};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{EventQuery, PAGE_MAX, StoreError};
use sqlx::PgConnection;
use uuid::Uuid;

use super::database::PostgresDatabase;
use super::error::store_error;
use super::row;
use super::value::{Address, Time};
use crate::statements::{EVENTS, EVENTS_OF, PURGE_EVENTS_BEFORE, PURGE_OLDEST_EVENTS, RECORD_EVENT};

pub(super) async fn record(connection: &mut PgConnection, events: Vec<SecurityEvent>) -> Result<(), StoreError> {
    for event in events {
        sqlx::query(RECORD_EVENT)
            .bind(*event.id.as_uuid())
            .bind(Time(event.at))
            .bind(event.kind.as_str())
            .bind(event.subject.as_ref().map(Subject::as_str))
            .bind(event.session.map(|id| *id.as_uuid()))
            .bind(event.reason.as_ref().map(EventReason::as_str))
            .bind(event.client.user_agent())
            .bind(event.client.ip().map(Address))
            .bind(event.request)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
    }
    Ok(())
}

pub(super) async fn list(database: &PostgresDatabase, query: EventQuery) -> Result<Vec<SecurityEvent>, StoreError> {
    let (before, limit) = (query.before.map_or(Uuid::max(), |id| *id.as_uuid()), i64::from(query.limit.min(PAGE_MAX)));
    let statement = match &query.subject {
        Some(subject) => sqlx::query(EVENTS_OF).bind(subject.as_str()).bind(before).bind(limit),
        None => sqlx::query(EVENTS).bind(before).bind(limit),
    };
    let listed = database.fetch_all(statement).await?;
    listed.iter().filter_map(|event| row::event(event).transpose()).collect()
}

pub(super) async fn purge(
    connection: &mut PgConnection,
    before: EventId,
    max: u32,
    chunk: u32,
) -> Result<u64, StoreError> {
    let purge =
        sqlx::query(PURGE_EVENTS_BEFORE).bind(*before.as_uuid()).bind(i64::from(chunk)).execute(&mut *connection).await;
    let purged = purge.map_err(store_error)?.rows_affected();
    if purged > 0 {
        return Ok(purged);
    }
    let over = sqlx::query(PURGE_OLDEST_EVENTS).bind(i64::from(max)).bind(i64::from(chunk)).execute(connection).await;
    Ok(over.map_err(store_error)?.rows_affected())
}
