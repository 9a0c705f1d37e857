//! The two ends of a login: taking the moment, and issuing the session unless it was overtaken (G4).

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{Issue, Issued, Moment, StoreError, StoreErrorKind};
use cloakroom_core::token::TokenDigest;
use sqlx::{PgConnection, Row as _};

use super::database::PostgresDatabase;
use super::error::store_error;
use super::feed::Cause;
use super::row;
use super::statements::{DECIDE, DOOMED_BY_LOGIN, LOCK_SUBJECT, MOMENT, SHARE_EVERYONE};
use super::value::{Address, Span, Time};
use crate::statements::{ENSURE_SUBJECT, INSERT_SESSION};

impl PostgresDatabase {
    /// What is committed now, as PostgreSQL's own snapshot.
    pub(crate) async fn moment(&self) -> Result<Moment, StoreError> {
        let snapshot: String = self.fetch_one(sqlx::query(MOMENT)).await?.try_get(0).map_err(store_error)?;
        Ok(Moment::Snapshot(snapshot.into()))
    }
}

/// Creates a session. The only place that inserts into `sessions`.
///
/// Locks first, decides in a statement after: only a snapshot taken under the lock shows every revocation that this
/// login has to lose to.
pub(crate) async fn issue(connection: &mut PgConnection, issue: Issue) -> Result<Issued, StoreError> {
    let Issue { moment, digest, session, supersedes, max_per_subject } = issue;
    let Moment::Snapshot(moment) = moment else {
        return Err(StoreError::caused(StoreErrorKind::Conflict, "the login began on another kind of database"));
    };
    let cause = Cause::new(EndReason::NewLogin, session.created_at);
    cause.bind(SHARE_EVERYONE).execute(&mut *connection).await.map_err(store_error)?;
    for statement in [ENSURE_SUBJECT, LOCK_SUBJECT] {
        let subject = session.subject.as_str();
        sqlx::query(statement).bind(subject).execute(&mut *connection).await.map_err(store_error)?;
    }
    let facts = sqlx::query(DECIDE)
        .bind(session.subject.as_str())
        .bind(&*moment)
        .bind(&digest.as_bytes()[..])
        .bind(*session.id.as_uuid())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if !facts.try_get::<bool, _>("sees_latest").map_err(store_error)? {
        // In a stricter transaction every statement has the first one's snapshot, which may be older than the lock.
        return Err(StoreError::caused(StoreErrorKind::Conflict, "a login needs a READ COMMITTED transaction"));
    }
    if facts.try_get("overtaken").map_err(store_error)? {
        return Ok(Issued::Overtaken);
    }
    if facts.try_get("taken").map_err(store_error)? {
        return Err(StoreError::new(StoreErrorKind::Conflict));
    }
    let over_cap = make_room(connection, &session, &supersedes, max_per_subject).await?;
    insert(connection, &digest, &session).await?;
    super::feed::forget(connection).await?;
    Ok(Issued::Created { over_cap })
}

/// Ends what the login supersedes, and the subject's oldest until one more is within the cap; returns how many of those.
async fn make_room(
    connection: &mut PgConnection,
    session: &SessionRecord,
    supersedes: &[TokenDigest],
    max_per_subject: u32,
) -> Result<u32, StoreError> {
    let now = session.created_at;
    let older: Vec<_> = supersedes.iter().map(|digest| digest.as_bytes().to_vec()).collect();
    let doomed = sqlx::query(DOOMED_BY_LOGIN)
        .bind(session.subject.as_str())
        .bind(Time(now))
        .bind(older)
        .bind(i64::from(max_per_subject.max(1)) - 1)
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
    let doomed = doomed.iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
    let (replaced, over): (Vec<_>, Vec<_>) = doomed.into_iter().partition(|digest| supersedes.contains(digest));
    super::feed::end_each(connection, &replaced, Cause::new(EndReason::NewLogin, now)).await?;
    let ended = super::feed::end_each(connection, &over, Cause::new(EndReason::OverCap, now)).await?;
    Ok(u32::try_from(ended).unwrap_or(u32::MAX))
}

async fn insert(
    connection: &mut PgConnection,
    digest: &TokenDigest,
    session: &SessionRecord,
) -> Result<(), StoreError> {
    let inserted = sqlx::query(INSERT_SESSION)
        .bind(&digest.as_bytes()[..])
        .bind(*session.id.as_uuid())
        .bind(session.subject.as_str())
        .bind(Time(session.created_at))
        .bind(Time(session.authenticated_at))
        .bind(Time(session.last_seen_at))
        .bind(session.idle_timeout.map(Span))
        .bind(Time(session.absolute_expires_at))
        .bind(session.auth_method.as_str())
        .bind(session.client.user_agent())
        .bind(session.client.ip().map(Address))
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    // A trigger or rule of somebody else's may have swallowed the row: then there is no session.
    if inserted.rows_affected() == 1 { Ok(()) } else { Err(StoreError::new(StoreErrorKind::Conflict)) }
}
