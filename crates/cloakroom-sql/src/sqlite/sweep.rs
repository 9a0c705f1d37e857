//! Purging and scrubbing, a chunk at a time, so that the writer is never held for long.

use cloakroom_core::store::{Purge, Purged, Scrub, Scrubbed, StoreError, StoreErrorKind};
use cloakroom_core::throttle::{COUNTER_RETENTION, LOCK_AFTER};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed;
use super::row;
use super::statements::{COUNT_OLD_ENDINGS, ID_MAX, PURGE_CHANGES, PURGE_ENDINGS, SCRUB};
use crate::due::{Cutoffs, Due, with_those_over};
use crate::statements::{
    COUNT_COUNTERS, COUNT_ENDINGS, COUNT_EVENTS, COUNT_EXPIRED, COUNT_FACTS, EXPIRED_ABSOLUTELY, EXPIRED_IDLE_IN_STEP,
    STEP_END,
};
use crate::walk::{Found, STEP, STEPS_MAX};

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl SqliteDatabase {
    /// Purges one chunk. A reader looks for what expired; the writer then deletes only what it finds still expired.
    pub(crate) async fn purge_chunk(&self, purge: Purge) -> Result<Purged, StoreError> {
        let mut found = self.find_expired(purge).await?;
        let mut doomed = std::mem::take(&mut found.expired);
        doomed.truncate(purge.chunk as usize);
        let purged = self.writer().run(move |connection| {
            Box::pin(async move {
                let oldest = purge_feed(connection, purge.feed_before, purge.chunk).await?;
                let sessions = if doomed.is_empty() {
                    0
                } else {
                    feed::end_expired(connection, &doomed, purge.ended_before, purge.at).await?
                };
                Ok(Purged { sessions, ..oldest })
            })
        });
        let purged = purged.await?;
        let more = purged.more || found.is_more(purged.sessions);
        self.walk().go_on_at(found.next);
        Ok(Purged { more, ..purged })
    }

    /// What has expired: past the absolute timeout out of the index; for the others the walk goes on, a few steps.
    async fn find_expired(&self, purge: Purge) -> Result<Found<String>, StoreError> {
        let (before, chunk) = (purge.ended_before.as_millis(), purge.chunk as usize);
        let absolute = sqlx::query(EXPIRED_ABSOLUTELY).bind(before).bind(i64::from(purge.chunk) + 1);
        let mut found = Found::of_index(self.digests(absolute).await?, chunk, self.walk().at());
        for _ in 0..STEPS_MAX {
            if found.is_full || found.is_over {
                break;
            }
            let start = found.next.clone().unwrap_or_default();
            let end = self.step_end(&start, STEP).await?;
            let last = end.as_deref().unwrap_or(ID_MAX);
            let room = i64::try_from(found.room(chunk)).unwrap_or(i64::MAX);
            let idle = sqlx::query(EXPIRED_IDLE_IN_STEP).bind(start).bind(last).bind(before).bind(room);
            found.step(self.digests(idle).await?, end, chunk);
        }
        Ok(found)
    }

    async fn digests(&self, statement: Statement<'_>) -> Result<Vec<TokenDigest>, StoreError> {
        let rows = statement.fetch_all(&self.readers().pool()?).await.map_err(store_error)?;
        rows.iter().map(row::digest).collect()
    }

    /// The id at which a step of so many sessions ends, as it is stored; `None` where it is the last one.
    async fn step_end(&self, start: &str, sessions: i64) -> Result<Option<String>, StoreError> {
        let end = sqlx::query_scalar(STEP_END).bind(start).bind(sessions - 1);
        end.fetch_optional(&self.readers().pool()?).await.map_err(store_error)
    }

    /// How much there is to purge.
    pub(crate) async fn due(&self, cutoffs: Cutoffs) -> Result<Due, StoreError> {
        let pool = self.readers().pool()?;
        let count = async |statement, before: Timestamp| {
            let count = sqlx::query_scalar(statement).bind(before.as_millis()).fetch_one(&pool).await;
            count.map(i64::unsigned_abs).map_err(store_error)
        };
        let counters = sqlx::query_as(COUNT_COUNTERS)
            .bind(cutoffs.at.as_millis())
            .bind(cutoffs.at.minus(COUNTER_RETENTION).as_millis())
            .bind(i64::from(LOCK_AFTER));
        let counters = counters.fetch_one(&pool).await.map_err(store_error)?;
        let events = sqlx::query_as(COUNT_EVENTS).bind(cutoffs.events_before.to_string());
        let events = events.fetch_one(&pool).await.map_err(store_error)?;
        Ok(Due {
            sessions: count(COUNT_EXPIRED, cutoffs.ended_before).await?,
            endings: count(COUNT_ENDINGS, cutoffs.feed_before).await?,
            facts: count(COUNT_FACTS, cutoffs.facts_before).await?,
            counters: with_those_over(counters, cutoffs.counters_max),
            events: with_those_over(events, cutoffs.events_max),
        })
    }

    /// Scrubs one chunk.
    pub(crate) async fn scrub_chunk(&self, scrub: Scrub) -> Result<Scrubbed, StoreError> {
        let start = scrub.after.map_or_else(String::new, |id| id.to_string());
        let end = self.step_end(&start, i64::from(scrub.chunk.max(1))).await?;
        let corrupt = |_| StoreError::new(StoreErrorKind::Corrupt { table: "sessions", column: "id" });
        let next = end.as_deref().map(str::parse).transpose().map_err(corrupt)?;
        let before = scrub.created_before.as_millis();
        let sessions = self.writer().run(move |connection| {
            Box::pin(async move {
                let last = end.as_deref().unwrap_or(ID_MAX);
                let scrubbing = sqlx::query(SCRUB).bind(start).bind(last).bind(before);
                Ok(scrubbing.execute(connection).await.map_err(store_error)?.rows_affected())
            })
        });
        Ok(Scrubbed { sessions: sessions.await?, next })
    }
}

/// Deletes what the feed need not remember. Counts endings; entries that tell other instances of changes go along uncounted.
async fn purge_feed(connection: &mut SqliteConnection, before: Timestamp, chunk: u32) -> Result<Purged, StoreError> {
    let (before, chunk) = (before.as_millis(), i64::from(chunk));
    // One more than a chunk tells whether there is more.
    let count = sqlx::query(COUNT_OLD_ENDINGS).bind(before).bind(chunk + 1);
    let row = count.fetch_one(&mut *connection).await.map_err(store_error)?;
    let old: i64 = row.try_get(0).map_err(store_error)?;
    let mut deleted = [0; 2];
    for (statement, rows) in [PURGE_ENDINGS, PURGE_CHANGES].into_iter().zip(&mut deleted) {
        let done = sqlx::query(statement).bind(before).bind(chunk).execute(&mut *connection).await;
        *rows = done.map_err(store_error)?.rows_affected();
    }
    let [feed, changes] = deleted;
    let more = old > chunk || changes == u64::try_from(chunk).unwrap_or(0) && changes > 0;
    Ok(Purged { sessions: 0, feed, more })
}
