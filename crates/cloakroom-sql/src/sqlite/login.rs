//! The two ends of a login: taking the moment, and issuing the session unless it was overtaken (G4).

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{Issue, Issued, Moment, StoreError, StoreErrorKind};
use cloakroom_core::time::{Timestamp, millis};
use cloakroom_core::token::TokenDigest;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed::{self, Cause};
use super::row;
use super::statements::{COUNT_LIVING, IS_TAKEN, LAST_ALL_ENDED_AT, MOMENT, OLDEST_LIVING};
use crate::statements::{ENSURE_SUBJECT, INSERT_SESSION};

impl SqliteDatabase {
    /// The last position committed. A reader takes it, so that a login does not wait for the writer to begin.
    pub(crate) async fn moment(&self) -> Result<Moment, StoreError> {
        let last: Option<i64> =
            sqlx::query_scalar(MOMENT).fetch_optional(&self.readers().pool()?).await.map_err(store_error)?;
        Ok(Moment::Position(last.unwrap_or(0)))
    }
}

/// Creates a session in the writer's transaction. The only place that inserts into `sessions`.
pub(crate) async fn issue(connection: &mut SqliteConnection, issue: Issue) -> Result<Issued, StoreError> {
    let Issue { moment, digest, session, supersedes, max_per_subject } = issue;
    let Moment::Position(moment) = moment else {
        return Err(StoreError::caused(StoreErrorKind::Conflict, "the login began on another kind of database"));
    };
    if last_all_ended_at(connection, &session).await?.is_some_and(|ended| ended > moment) {
        return Ok(Issued::Overtaken);
    }
    let is_taken: bool = sqlx::query_scalar(IS_TAKEN)
        .bind(&digest.as_bytes()[..])
        .bind(session.id.to_string())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if is_taken {
        return Err(StoreError::new(StoreErrorKind::Conflict));
    }
    let now = session.created_at;
    feed::end_each(connection, &supersedes, Cause::new(EndReason::NewLogin, now)).await?;
    let over_cap = make_room(connection, &session, max_per_subject, now).await?;
    insert(connection, &digest, &session).await?;
    Ok(Issued::Created { over_cap })
}

/// When everything of the subject, or of everyone, was last ended.
async fn last_all_ended_at(
    connection: &mut SqliteConnection,
    session: &SessionRecord,
) -> Result<Option<i64>, StoreError> {
    sqlx::query_scalar(LAST_ALL_ENDED_AT)
        .bind(session.subject.as_str())
        .fetch_one(connection)
        .await
        .map_err(store_error)
}

/// Ends the subject's oldest living sessions until one more is within the cap; returns how many.
async fn make_room(
    connection: &mut SqliteConnection,
    session: &SessionRecord,
    max_per_subject: u32,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let living: i64 = sqlx::query_scalar(COUNT_LIVING)
        .bind(session.subject.as_str())
        .bind(now.as_millis())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    let excess = living + 1 - i64::from(max_per_subject.max(1));
    if excess <= 0 {
        return Ok(0);
    }
    let oldest = sqlx::query(OLDEST_LIVING)
        .bind(session.subject.as_str())
        .bind(now.as_millis())
        .bind(excess)
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
    let oldest = oldest.iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
    let ended = feed::end_each(connection, &oldest, Cause::new(EndReason::OverCap, now)).await?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

async fn insert(
    connection: &mut SqliteConnection,
    digest: &TokenDigest,
    session: &SessionRecord,
) -> Result<(), StoreError> {
    sqlx::query(ENSURE_SUBJECT).bind(session.subject.as_str()).execute(&mut *connection).await.map_err(store_error)?;
    let inserted = insertion(digest, session).execute(&mut *connection).await.map_err(store_error)?;
    // A trigger of somebody else's may have swallowed the row: then there is no session.
    if inserted.rows_affected() == 1 { Ok(()) } else { Err(StoreError::new(StoreErrorKind::Conflict)) }
}

/// The statement that inserts a session: a login's, and the one of a copy into a file that nobody uses yet.
pub(crate) fn insertion<'q>(digest: &'q TokenDigest, session: &'q SessionRecord) -> Query<'q, Sqlite, SqliteArguments> {
    sqlx::query(INSERT_SESSION)
        .bind(&digest.as_bytes()[..])
        .bind(session.id.to_string())
        .bind(session.subject.as_str())
        .bind(session.created_at.as_millis())
        .bind(session.authenticated_at.as_millis())
        .bind(session.last_seen_at.as_millis())
        .bind(session.idle_timeout.map(millis))
        .bind(session.absolute_expires_at.as_millis())
        .bind(session.auth_method.as_str())
        .bind(session.client.user_agent())
        .bind(session.client.ip().map(|ip| ip.to_string()))
}
