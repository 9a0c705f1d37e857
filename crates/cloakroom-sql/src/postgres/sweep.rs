//! Purging, a chunk at a time: one runner across all instances, and no lock held for longer than a chunk takes.

use cloakroom_core::store::{Purge, Purged, StoreError};
use sqlx::PgConnection;

use super::database::PostgresDatabase;
use super::error::store_error;
use super::feed;
use super::statements::{END_EXPIRED, IS_ANY_EXPIRED, IS_ANY_OLD, PURGE_CHANGES, PURGE_ENDINGS, TRY_SWEEP};
use super::value::Time;

impl PostgresDatabase {
    /// Purges one chunk, or nothing where another instance is at it.
    pub(crate) async fn purge_chunk(&self, purge: Purge) -> Result<Purged, StoreError> {
        self.transaction(|connection| Box::pin(purge_chunk(connection, purge))).await
    }
}

async fn purge_chunk(connection: &mut PgConnection, purge: Purge) -> Result<Purged, StoreError> {
    let is_ours: bool = sqlx::query_scalar(TRY_SWEEP).fetch_one(&mut *connection).await.map_err(store_error)?;
    if !is_ours {
        return Ok(Purged::default());
    }
    let chunk = i64::from(purge.chunk);
    let (ended_before, feed_before) = (Time(purge.ended_before), Time(purge.feed_before));
    // The feed first: what this purge records is not its own to forget.
    let mut deleted = [0; 2];
    for (statement, rows) in [PURGE_ENDINGS, PURGE_CHANGES].into_iter().zip(&mut deleted) {
        let done = sqlx::query(statement).bind(feed_before).bind(chunk).execute(&mut *connection).await;
        *rows = done.map_err(store_error)?.rows_affected();
    }
    let [feed, changes] = deleted;
    feed::tell_expired(connection, purge.ended_before, purge.at).await?;
    let ended = sqlx::query(END_EXPIRED).bind(ended_before).bind(chunk).execute(&mut *connection).await;
    let sessions = ended.map_err(store_error)?.rows_affected();
    // Only a full chunk can have left something behind.
    let is_full = |rows: u64| rows >= u64::from(purge.chunk);
    let mut more = false;
    for (statement, before, is_asked) in [
        (IS_ANY_EXPIRED, ended_before, is_full(sessions)),
        (IS_ANY_OLD, feed_before, is_full(feed) || is_full(changes)),
    ] {
        if is_asked && !more {
            more = sqlx::query_scalar(statement).bind(before).fetch_one(&mut *connection).await.map_err(store_error)?;
        }
    }
    Ok(Purged { sessions, feed, more })
}
