//! Finding, touching, replacing, ending and listing sessions. Touch and replace are conditional: what has ended stays ended (G3).

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionRecord, Subject};
use cloakroom_core::store::{
    Issue, Issued, ListQuery, Moment, PAGE_MAX, Purge, Purged, Replace, SessionStore, StoreError, StoreErrorKind,
    StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::SqliteConnection;

use crate::error::store_error;
use crate::open::Database;
use crate::row::{self, session_columns};
use crate::{feed, login, sweep};

impl SessionStore for Database {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        Box::pin(feed::position(self.readers()))
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        Box::pin(self.writer().run(move |connection| Box::pin(login::issue(connection, issue))))
    }

    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        Box::pin(async move {
            let statement = concat!("SELECT ", session_columns!(), " FROM sessions WHERE token_digest = $1");
            let query = sqlx::query(statement).bind(digest.as_bytes().to_vec());
            let found = query.fetch_optional(self.readers()).await.map_err(store_error)?;
            found.as_ref().map(row::session).transpose()
        })
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        Box::pin(feed::ending_of(self, digest))
    }

    fn touch(&self, mut touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        touches.sort_unstable_by_key(|touch| touch.digest);
        Box::pin(self.writer().run(move |connection| Box::pin(touch(connection, touches, now))))
    }

    fn replace(&self, new: Replace) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| Box::pin(replace(connection, new))))
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(self.writer().run(move |connection| Box::pin(end(connection, target, reason, at))))
    }

    fn list(&self, query: ListQuery) -> StoreFuture<'_, Vec<SessionRecord>> {
        Box::pin(list(self, query))
    }

    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        Box::pin(feed::endings(self, subject, limit))
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        Box::pin(self.writer().run(move |connection| Box::pin(sweep::purge(connection, purge))))
    }
}

/// Returns the digests whose session is gone or ended at `now`.
async fn touch(
    connection: &mut SqliteConnection,
    touches: Vec<Touch>,
    now: Timestamp,
) -> Result<Vec<TokenDigest>, StoreError> {
    let mut refused = Vec::new();
    for touch in touches {
        let done = sqlx::query(
            "UPDATE sessions SET last_seen_at = max(last_seen_at, $2) WHERE token_digest = $1 \
             AND absolute_expires_at > $3 AND (idle_timeout IS NULL OR last_seen_at + idle_timeout > $3)",
        )
        .bind(&touch.digest.as_bytes()[..])
        .bind(touch.used_at.as_millis())
        .bind(now.as_millis())
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        if done.rows_affected() == 0 {
            refused.push(touch.digest);
        }
    }
    Ok(refused)
}

async fn replace(connection: &mut SqliteConnection, replace: Replace) -> Result<bool, StoreError> {
    feed::because(connection, "replaced", replace.now).await?;
    let until = replace.reauthenticated_until.map(Timestamp::as_millis);
    let done = sqlx::query(
        "UPDATE sessions SET token_digest = $2, \
             authenticated_at = CASE WHEN $4 IS NULL THEN authenticated_at ELSE $3 END, \
             last_seen_at = CASE WHEN $4 IS NULL THEN last_seen_at ELSE max(last_seen_at, $3) END, \
             absolute_expires_at = coalesce($4, absolute_expires_at) \
         WHERE token_digest = $1 AND absolute_expires_at > $3 \
         AND (idle_timeout IS NULL OR last_seen_at + idle_timeout > $3)",
    )
    .bind(&replace.old.as_bytes()[..])
    .bind(&replace.new.as_bytes()[..])
    .bind(replace.now.as_millis())
    .bind(until)
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    feed::settled(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// Ends what `target` names. Subject-wide, the position is taken first: a login that is under way is overtaken by it (G4).
pub(crate) async fn end(
    connection: &mut SqliteConnection,
    target: Target,
    reason: EndReason,
    at: Timestamp,
) -> Result<u64, StoreError> {
    match &target {
        Target::Subject(subject) | Target::Others(subject, _) => {
            overtake(connection, subject.as_str(), reason, at).await?;
        }
        Target::Everyone => overtake(connection, "", reason, at).await?,
        Target::Token(_) | Target::Session(_) | Target::OwnSession(..) => {}
    }
    feed::because(connection, reason.as_str(), at).await?;
    let query = match target {
        Target::Token(digest) => {
            sqlx::query("DELETE FROM sessions WHERE token_digest = $1").bind(digest.as_bytes().to_vec())
        }
        Target::Session(id) => sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id.to_string()),
        Target::OwnSession(id, subject) => sqlx::query("DELETE FROM sessions WHERE id = $1 AND subject = $2")
            .bind(id.to_string())
            .bind(subject.as_str().to_owned()),
        Target::Subject(subject) => {
            sqlx::query("DELETE FROM sessions WHERE subject = $1").bind(subject.as_str().to_owned())
        }
        Target::Others(subject, keep) => sqlx::query("DELETE FROM sessions WHERE subject = $1 AND token_digest <> $2")
            .bind(subject.as_str().to_owned())
            .bind(keep.as_bytes().to_vec()),
        Target::Everyone => sqlx::query("DELETE FROM sessions WHERE true"), // not without WHERE: triggers see each row
    };
    let done = query.execute(&mut *connection).await.map_err(store_error)?;
    feed::settled(connection).await?;
    Ok(done.rows_affected())
}

/// No login of the subject (the empty one: of anybody) that began before this survives it.
async fn overtake(
    connection: &mut SqliteConnection,
    subject: &str,
    reason: EndReason,
    at: Timestamp,
) -> Result<(), StoreError> {
    login::make_sure_of(connection, subject).await?;
    let position = feed::all_ended(connection, subject, reason, at).await?;
    let done = sqlx::query("UPDATE session_subjects SET all_ended_at = $2 WHERE subject = $1")
        .bind(subject)
        .bind(position)
        .execute(connection)
        .await
        .map_err(store_error)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::new(StoreErrorKind::Unavailable)) }
}

async fn list(database: &Database, query: ListQuery) -> Result<Vec<SessionRecord>, StoreError> {
    let ListQuery { subject, before, limit } = query;
    let of_subject = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE subject = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
    );
    let of_all = concat!(
        "SELECT ",
        session_columns!(),
        " FROM sessions WHERE $1 IS NULL AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
    );
    let found = sqlx::query(if subject.is_some() { of_subject } else { of_all })
        .bind(subject.as_ref().map(Subject::as_str))
        .bind(before.map(|id| id.to_string()))
        .bind(limit.min(PAGE_MAX))
        .fetch_all(database.readers())
        .await
        .map_err(store_error)?;
    found.iter().map(row::session).collect()
}
