//! Purging, a chunk at a time: what expired longer ago than its retention, and what the feed need not remember.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Purge, Purged, StoreError};
use sqlx::SqliteConnection;

use crate::error::store_error;
use crate::feed;

pub(crate) async fn purge(connection: &mut SqliteConnection, purge: Purge) -> Result<Purged, StoreError> {
    let absolute = "DELETE FROM sessions WHERE token_digest IN \
                    (SELECT token_digest FROM sessions WHERE absolute_expires_at < $1 LIMIT $2)";
    let idle = "DELETE FROM sessions WHERE token_digest IN \
                (SELECT token_digest FROM sessions WHERE last_seen_at + idle_timeout < $1 LIMIT $2)";
    let mut sessions = 0;
    for (statement, reason) in [(absolute, EndReason::Absolute), (idle, EndReason::Idle)] {
        feed::because(connection, reason.as_str(), purge.at).await?;
        let query = sqlx::query(statement).bind(purge.ended_before.as_millis());
        let room = u64::from(purge.chunk) - sessions;
        let done = query.bind(i64::try_from(room).unwrap_or(0)).execute(&mut *connection).await.map_err(store_error)?;
        sessions += done.rows_affected();
        feed::settled(connection).await?;
    }
    let feed = sqlx::query(
        "DELETE FROM session_feed WHERE position IN (SELECT position FROM session_feed WHERE at < $1 ORDER BY position LIMIT $2)",
    )
    .bind(purge.feed_before.as_millis())
    .bind(purge.chunk)
    .execute(&mut *connection)
    .await
    .map_err(store_error)?
    .rows_affected();
    let more = sessions == u64::from(purge.chunk) || feed == u64::from(purge.chunk);
    Ok(Purged { sessions, feed, more })
}
