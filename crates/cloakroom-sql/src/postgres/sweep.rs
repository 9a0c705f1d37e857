//! Purging and scrubbing, a chunk at a time: one runner across all instances, and no row locked for longer than its deletion
//! takes. What is to go is looked for first, without a lock.

use cloakroom_core::session::SessionId;
use cloakroom_core::store::{Purge, Purged, Scrub, Scrubbed, StoreError};
use cloakroom_core::throttle::{COUNTER_RETENTION, LOCK_AFTER};
use cloakroom_core::token::TokenDigest;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::connection::{Statement, WIDE_OPERATION_MAX};
use super::database::PostgresDatabase;
use super::error::store_error;
use super::statements::{END_EXPIRED, IS_ANY_OLD, NO_TIME_LIMIT, PURGE_FEED, SCRUB, TRY_SWEEP};
use super::value::Time;
use super::{feed, row};
use crate::due::{Cutoffs, Due, with_those_over};
use crate::statements::{
    COUNT_COUNTERS, COUNT_ENDINGS, COUNT_EVENTS, COUNT_EXPIRED, COUNT_FACTS, EXPIRED_ABSOLUTELY, EXPIRED_IDLE_IN_STEP,
    STEP_END,
};
use crate::walk::{Found, STEP, STEPS_MAX};

impl PostgresDatabase {
    /// Purges one chunk, or nothing where another instance is at it.
    pub(crate) async fn purge_chunk(&self, purge: Purge) -> Result<Purged, StoreError> {
        let from = self.walk().at();
        let (purged, next) = self.transaction(|connection| Box::pin(purge_chunk(connection, purge, from))).await?;
        self.walk().go_on_at(next);
        Ok(purged)
    }

    /// Scrubs one chunk, or nothing where another instance is sweeping.
    pub(crate) async fn scrub_chunk(&self, scrub: Scrub) -> Result<Scrubbed, StoreError> {
        self.transaction(|connection| Box::pin(scrub_chunk(connection, scrub))).await
    }

    /// How much there is to purge. It goes over all the rows there are, so it may take its time.
    pub(crate) async fn due(&self, cutoffs: Cutoffs) -> Result<Due, StoreError> {
        self.transaction_within(WIDE_OPERATION_MAX, |connection| Box::pin(due(connection, cutoffs))).await
    }
}

async fn due(connection: &mut PgConnection, cutoffs: Cutoffs) -> Result<Due, StoreError> {
    execute(connection, sqlx::query(NO_TIME_LIMIT)).await?;
    let mut counts = [0; 3];
    let befores = [cutoffs.ended_before, cutoffs.feed_before, cutoffs.facts_before];
    for ((statement, before), found) in
        [COUNT_EXPIRED, COUNT_ENDINGS, COUNT_FACTS].into_iter().zip(befores).zip(&mut counts)
    {
        let count = sqlx::query_scalar(statement).bind(Time(before)).fetch_one(&mut *connection).await;
        *found = count.map(i64::unsigned_abs).map_err(store_error)?;
    }
    let counters = sqlx::query_as(COUNT_COUNTERS)
        .bind(Time(cutoffs.at))
        .bind(Time(cutoffs.at.minus(COUNTER_RETENTION)))
        .bind(i32::try_from(LOCK_AFTER).unwrap_or(i32::MAX));
    let counters = counters.fetch_one(&mut *connection).await.map_err(store_error)?;
    let events = sqlx::query_as(COUNT_EVENTS).bind(*cutoffs.events_before.as_uuid());
    let events = events.fetch_one(connection).await.map_err(store_error)?;
    let [sessions, endings, facts] = counts;
    let (counters, events) =
        (with_those_over(counters, cutoffs.counters_max), with_those_over(events, cutoffs.events_max));
    Ok(Due { sessions, endings, facts, counters, events })
}

/// Returns too where the walk goes on.
async fn purge_chunk(
    connection: &mut PgConnection,
    purge: Purge,
    from: Option<Uuid>,
) -> Result<(Purged, Option<Uuid>), StoreError> {
    if !is_ours(connection).await? {
        return Ok((Purged::default(), from));
    }
    let found = find_expired(connection, purge, from).await?;
    // The feed first: what this purge records is not its own to forget.
    let (feed, is_any_old) = purge_feed(connection, purge).await?;
    let chunk = purge.chunk as usize;
    let doomed: Vec<_> = found.expired.iter().take(chunk).map(|digest| digest.as_bytes().to_vec()).collect();
    let sessions = if doomed.is_empty() {
        0
    } else {
        feed::tell_expired(connection, purge.ended_before, purge.at).await?;
        execute(connection, sqlx::query(END_EXPIRED).bind(Time(purge.ended_before)).bind(doomed)).await?
    };
    Ok((Purged { sessions, feed, more: is_any_old || found.is_more(sessions) }, found.next))
}

async fn is_ours(connection: &mut PgConnection) -> Result<bool, StoreError> {
    sqlx::query_scalar(TRY_SWEEP).fetch_one(connection).await.map_err(store_error)
}

async fn execute(connection: &mut PgConnection, statement: Statement<'_>) -> Result<u64, StoreError> {
    Ok(statement.execute(connection).await.map_err(store_error)?.rows_affected())
}

/// What has expired: past the absolute timeout out of the index; for the others the walk goes on, a few steps.
async fn find_expired(
    connection: &mut PgConnection,
    purge: Purge,
    from: Option<Uuid>,
) -> Result<Found<Uuid>, StoreError> {
    let (before, chunk) = (Time(purge.ended_before), purge.chunk as usize);
    let absolute = sqlx::query(EXPIRED_ABSOLUTELY).bind(before).bind(i64::from(purge.chunk) + 1);
    let mut found = Found::of_index(digests(connection, absolute).await?, chunk, from);
    for _ in 0..STEPS_MAX {
        if found.is_full || found.is_over {
            break;
        }
        let (start, end) = step(connection, found.next, STEP).await?;
        let room = i64::try_from(found.room(chunk)).unwrap_or(i64::MAX);
        let idle =
            sqlx::query(EXPIRED_IDLE_IN_STEP).bind(start).bind(end.unwrap_or(Uuid::max())).bind(before).bind(room);
        found.step(digests(connection, idle).await?, end, chunk);
    }
    Ok(found)
}

async fn digests(connection: &mut PgConnection, statement: Statement<'_>) -> Result<Vec<TokenDigest>, StoreError> {
    let rows = statement.fetch_all(connection).await.map_err(store_error)?;
    rows.iter().map(row::digest).collect()
}

/// Where a step of so many sessions starts and ends; `None` where it is the last one.
async fn step(
    connection: &mut PgConnection,
    from: Option<Uuid>,
    sessions: i64,
) -> Result<(Uuid, Option<Uuid>), StoreError> {
    let start = from.unwrap_or(Uuid::nil());
    let end = sqlx::query(STEP_END).bind(start).bind(sessions - 1).fetch_optional(connection).await;
    let id = |row: &PgRow| row.try_get(0).map_err(store_error);
    Ok((start, end.map_err(store_error)?.as_ref().map(id).transpose()?))
}

/// Deletes what the feed need not remember; returns how many endings went, and whether there is more of anything.
async fn purge_feed(connection: &mut PgConnection, purge: Purge) -> Result<(u64, bool), StoreError> {
    let before = Time(purge.feed_before);
    let purging = sqlx::query(PURGE_FEED).bind(before).bind(i64::from(purge.chunk));
    let gone = purging.fetch_one(&mut *connection).await.map_err(store_error)?;
    let count = |column| gone.try_get::<i64, _>(column).map_err(store_error);
    let (endings, others) = (count("endings")?, count("others")?);
    // Only a full chunk can have left something behind.
    let may_be_more = endings.max(others) >= i64::from(purge.chunk);
    let is_any_old = if may_be_more {
        sqlx::query_scalar(IS_ANY_OLD).bind(before).fetch_one(connection).await.map_err(store_error)?
    } else {
        false
    };
    Ok((endings.unsigned_abs(), is_any_old))
}

async fn scrub_chunk(connection: &mut PgConnection, scrub: Scrub) -> Result<Scrubbed, StoreError> {
    if !is_ours(connection).await? {
        return Ok(Scrubbed::default());
    }
    let (start, end) = step(connection, scrub.after.map(|id| *id.as_uuid()), i64::from(scrub.chunk.max(1))).await?;
    let scrubbing = sqlx::query(SCRUB).bind(start).bind(end.unwrap_or(Uuid::max())).bind(Time(scrub.created_before));
    let sessions = execute(connection, scrubbing).await?;
    Ok(Scrubbed { sessions, next: end.map(SessionId::from_uuid) })
}
