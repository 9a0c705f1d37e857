//! Purging, a chunk at a time, so that the writer is never held for long.

use cloakroom_core::store::{Purge, Purged, StoreError};
use cloakroom_core::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed;
use super::row;
use super::statements::{COUNT_OLD_ENDINGS, EXPIRED, PURGE_CHANGES, PURGE_ENDINGS};

impl SqliteDatabase {
    /// Purges one chunk. A reader looks for what expired, which may read the whole table since use is not indexed; the
    /// writer then deletes only what it finds still expired.
    pub(crate) async fn purge_chunk(&self, purge: Purge) -> Result<Purged, StoreError> {
        let found = sqlx::query(EXPIRED)
            .bind(purge.ended_before.as_millis())
            .bind(i64::from(purge.chunk) + 1)
            .fetch_all(&self.readers().pool()?)
            .await
            .map_err(store_error)?;
        let mut expired = found.iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
        let more = expired.len() > purge.chunk as usize;
        expired.truncate(purge.chunk as usize);
        let purged = self.writer().run(move |connection| {
            Box::pin(async move {
                let oldest = purge_feed(connection, purge.feed_before, purge.chunk).await?;
                let sessions = if expired.is_empty() {
                    0
                } else {
                    feed::end_expired(connection, &expired, purge.ended_before, purge.at).await?
                };
                Ok(Purged { sessions, more: oldest.more || more, ..oldest })
            })
        });
        purged.await
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
