//! Issuing a session: the only statement that inserts into `sessions` (G3), under the moment the login began (G4).

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Issue, Issued, Moment, StoreError, StoreErrorKind};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::{Row as _, SqliteConnection};

use crate::error::store_error;
use crate::feed;
use crate::row::idle_millis;

/// One transaction of the single writer: nothing commits in between.
pub(crate) async fn issue(connection: &mut SqliteConnection, issue: Issue) -> Result<Issued, StoreError> {
    let Issue { moment, digest, session, supersedes, max_per_subject } = issue;
    let subject = session.subject.as_str();
    make_sure_of(connection, subject).await?;
    if is_overtaken(connection, subject, &moment).await? {
        return Ok(Issued::Overtaken);
    }
    // Asked before anything ends: a session that is about to make room must not make room for its own digest.
    let taken = sqlx::query("SELECT 1 FROM sessions WHERE token_digest = $1 OR id = $2")
        .bind(&digest.as_bytes()[..])
        .bind(session.id.to_string());
    if taken.fetch_optional(&mut *connection).await.map_err(store_error)?.is_some() {
        return Err(StoreError::new(StoreErrorKind::Conflict));
    }
    let now = session.created_at;
    if !supersedes.is_empty() {
        feed::because(connection, EndReason::NewLogin.as_str(), now).await?;
        for older in supersedes {
            delete(connection, older).await?;
        }
        feed::settled(connection).await?;
    }
    let over_cap = make_room(connection, subject, max_per_subject.max(1), now).await?;
    sqlx::query(
        "INSERT INTO sessions (token_digest, id, subject, created_at, authenticated_at, last_seen_at, idle_timeout, \
         absolute_expires_at, auth_method, user_agent, ip) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&digest.as_bytes()[..])
    .bind(session.id.to_string())
    .bind(subject)
    .bind(session.created_at.as_millis())
    .bind(session.authenticated_at.as_millis())
    .bind(session.last_seen_at.as_millis())
    .bind(idle_millis(session.idle_timeout))
    .bind(session.absolute_expires_at.as_millis())
    .bind(session.auth_method.as_str())
    .bind(session.client.user_agent())
    .bind(session.client.ip().map(|ip| ip.to_string()))
    .execute(connection)
    .await
    .map_err(store_error)?;
    Ok(Issued::Created { over_cap })
}

/// The row that orders logins and subject-wide revocations. An upsert of *subjects*; sessions have none.
pub(crate) async fn make_sure_of(connection: &mut SqliteConnection, subject: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO session_subjects (subject) VALUES ($1) ON CONFLICT (subject) DO NOTHING")
        .bind(subject)
        .execute(connection)
        .await
        .map_err(store_error)?;
    Ok(())
}

async fn is_overtaken(connection: &mut SqliteConnection, subject: &str, moment: &Moment) -> Result<bool, StoreError> {
    let Moment::Position(moment) = moment else {
        return Ok(true); // a moment of another kind of store says nothing here: the login has to begin again
    };
    let later = "SELECT count(*) FROM session_subjects WHERE subject IN ($1, '') AND all_ended_at > $2";
    let row = sqlx::query(later).bind(subject).bind(moment).fetch_one(connection).await.map_err(store_error)?;
    Ok(row.try_get::<i64, _>(0).map_err(store_error)? > 0)
}

/// Ends the subject's oldest living sessions, so that with one more there are at most `max`.
async fn make_room(
    connection: &mut SqliteConnection,
    subject: &str,
    max: u32,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let found = sqlx::query(
        "SELECT token_digest FROM sessions WHERE subject = $1 AND absolute_expires_at > $2 \
         AND (idle_timeout IS NULL OR last_seen_at + idle_timeout > $2) ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET $3",
    )
    .bind(subject)
    .bind(now.as_millis())
    .bind(max - 1)
    .fetch_all(&mut *connection)
    .await
    .map_err(store_error)?;
    if found.is_empty() {
        return Ok(0);
    }
    feed::because(connection, EndReason::OverCap.as_str(), now).await?;
    let mut ended = 0;
    // Oldest first, as the history tells it.
    for row in found.iter().rev() {
        let digest: Vec<u8> = row.try_get(0).map_err(store_error)?;
        let done = sqlx::query("DELETE FROM sessions WHERE token_digest = $1").bind(digest).execute(&mut *connection);
        ended += done.await.map_err(store_error)?.rows_affected();
    }
    feed::settled(connection).await?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

async fn delete(connection: &mut SqliteConnection, digest: TokenDigest) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE token_digest = $1")
        .bind(&digest.as_bytes()[..])
        .execute(connection)
        .await
        .map_err(store_error)?;
    Ok(())
}
