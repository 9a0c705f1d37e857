//! The feed: reading endings, and the context that tells the triggers why sessions end.

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{Moment, PAGE_MAX, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::{Row as _, SqliteConnection};

use crate::error::store_error;
use crate::open::Database;
use crate::row;

/// The last position given out; it outlives the purge of the feed.
pub(crate) async fn position(connection: impl sqlx::SqliteExecutor<'_>) -> Result<Moment, StoreError> {
    let row = sqlx::query("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'session_feed'")
        .fetch_one(connection)
        .await
        .map_err(store_error)?;
    Ok(Moment::Position(row.try_get(0).map_err(store_error)?))
}

/// Tells the triggers why sessions end until [`settled`].
pub(crate) async fn because(connection: &mut SqliteConnection, reason: &str, at: Timestamp) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO session_ending (one, reason, at) VALUES (1, $1, $2)")
        .bind(reason)
        .bind(at.as_millis())
        .execute(connection)
        .await
        .map_err(store_error)?;
    Ok(())
}

/// From here on a deleted row counts as deleted by hand again.
pub(crate) async fn settled(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM session_ending").execute(connection).await.map_err(store_error)?;
    Ok(())
}

/// Takes a position for "everything of this subject ended here"; the empty subject is everybody.
pub(crate) async fn all_ended(
    connection: &mut SqliteConnection,
    subject: &str,
    reason: EndReason,
    at: Timestamp,
) -> Result<i64, StoreError> {
    let done = sqlx::query("INSERT INTO session_feed (kind, subject, reason, at) VALUES ('all_ended', $1, $2, $3)")
        .bind(subject)
        .bind(reason.as_str())
        .bind(at.as_millis())
        .execute(connection)
        .await
        .map_err(store_error)?;
    Ok(done.last_insert_rowid())
}

pub(crate) async fn ending_of(database: &Database, digest: TokenDigest) -> Result<Option<Ending>, StoreError> {
    let found = sqlx::query(
        "SELECT session_id, subject, reason, at FROM session_feed \
         WHERE token_digest = $1 AND kind = 'ended' ORDER BY position DESC LIMIT 1",
    )
    .bind(&digest.as_bytes()[..])
    .fetch_optional(database.readers())
    .await
    .map_err(store_error)?;
    found.as_ref().map(row::ending).transpose()
}

pub(crate) async fn endings(database: &Database, subject: Subject, limit: u32) -> Result<Vec<Ending>, StoreError> {
    let found = sqlx::query(
        "SELECT session_id, subject, reason, at FROM session_feed \
         WHERE subject = $1 AND kind = 'ended' ORDER BY position DESC LIMIT $2",
    )
    .bind(subject.as_str())
    .bind(limit.min(PAGE_MAX))
    .fetch_all(database.readers())
    .await
    .map_err(store_error)?;
    found.iter().map(row::ending).collect()
}
