//! Ending sessions and reading what ended. The triggers of the migration fill the feed; here they are told why.

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{PAGE_MAX, StoreError, StoreErrorKind, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::row;
use super::statements::{
    APPEND_ALL_ENDED, CLEAR_ENDING, END_ALL, END_EXPIRED, END_ID, END_ONE, END_OWN, ENDING_OF, EXPIRED_AT_ONCE,
    FIRST_BY_ID, HAS_DIGEST, ID_OF, OF_SUBJECT_BY_ID, SET_ALL_ENDED, SET_ENDING,
};
use crate::statements::ENDINGS;

/// Up to this many sessions ended for everyone are ended one by one, in the order of their ids.
const ORDERED_MAX: u32 = 500;
/// The subject that stands for everyone; no session can have it.
const EVERYONE: &str = "";

/// Why and when sessions end, for the triggers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    reason: &'static str,
    at: Timestamp,
    expired_before: Option<Timestamp>,
}

impl Cause {
    pub(crate) const fn new(reason: EndReason, at: Timestamp) -> Self {
        Self { reason: reason.as_str(), at, expired_before: None }
    }

    /// By themselves: which timeout it was, each row says at `before`.
    pub(crate) const fn expired(before: Timestamp, at: Timestamp) -> Self {
        Self { reason: "expired", at, expired_before: Some(before) }
    }

    /// Nothing ends: a token is replaced, and the feed notes when.
    pub(crate) const fn replaced(at: Timestamp) -> Self {
        Self { reason: "replaced", at, expired_before: None }
    }

    /// Tells the triggers. What follows must end with [`forget`].
    pub(crate) async fn tell(self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let set = sqlx::query(SET_ENDING)
            .bind(self.reason)
            .bind(self.at.as_millis())
            .bind(self.expired_before.map(Timestamp::as_millis));
        set.execute(connection).await.map(drop).map_err(store_error)
    }
}

/// Takes the cause back, before the next job or somebody else's DELETE could be recorded under it.
pub(crate) async fn forget(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query(CLEAR_ENDING).execute(connection).await.map(drop).map_err(store_error)
}

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

async fn deleted(connection: &mut SqliteConnection, statement: Statement<'_>) -> Result<u64, StoreError> {
    Ok(statement.execute(connection).await.map_err(store_error)?.rows_affected())
}

/// Deletes one row at most, and notices if it was more.
async fn deleted_one(connection: &mut SqliteConnection, statement: Statement<'_>) -> Result<u64, StoreError> {
    match deleted(connection, statement).await? {
        rows @ 0..=1 => Ok(rows),
        _ => Err(StoreError::new(StoreErrorKind::Conflict)),
    }
}

/// Ends those of these sessions that exist, in the order of their ids; returns how many.
pub(crate) async fn end_each(
    connection: &mut SqliteConnection,
    digests: &[TokenDigest],
    cause: Cause,
) -> Result<u64, StoreError> {
    let mut found = Vec::with_capacity(digests.len());
    for digest in digests {
        let id: Option<SqliteRow> = sqlx::query(ID_OF)
            .bind(&digest.as_bytes()[..])
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        if let Some(id) = id {
            found.push((id.try_get::<Vec<u8>, _>(0).unwrap_or_default(), *digest));
        }
    }
    if found.is_empty() {
        return Ok(0);
    }
    found.sort_unstable();
    found.dedup();
    let in_order: Vec<_> = found.into_iter().map(|(_, digest)| digest).collect();
    end_in_order(connection, &in_order, cause).await
}

/// Ends sessions one by one, because SQLite deletes many at once in an order of its own, and the feed keeps that order.
async fn end_in_order(
    connection: &mut SqliteConnection,
    digests: &[TokenDigest],
    cause: Cause,
) -> Result<u64, StoreError> {
    if digests.is_empty() {
        return Ok(0);
    }
    cause.tell(connection).await?;
    let mut ended = 0;
    for digest in digests {
        ended += deleted_one(connection, sqlx::query(END_ONE).bind(&digest.as_bytes()[..])).await?;
    }
    forget(connection).await?;
    Ok(ended)
}

/// Ends those of these sessions that are expired at `before`; returns how many.
pub(crate) async fn end_expired(
    connection: &mut SqliteConnection,
    digests: &[TokenDigest],
    before: Timestamp,
    at: Timestamp,
) -> Result<u64, StoreError> {
    Cause::expired(before, at).tell(connection).await?;
    let mut ended = 0;
    // Several at once, because the way to SQLite's thread and back costs more than the deletion.
    for some in digests.chunks(EXPIRED_AT_ONCE) {
        let mut delete = sqlx::query(END_EXPIRED).bind(before.as_millis());
        for digest in some.iter().cycle().take(EXPIRED_AT_ONCE) {
            delete = delete.bind(&digest.as_bytes()[..]);
        }
        ended += deleted(connection, delete).await?;
    }
    forget(connection).await?;
    Ok(ended)
}

/// Ends what `target` names; returns how many there were.
pub(crate) async fn end(
    connection: &mut SqliteConnection,
    target: Target,
    reason: EndReason,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let one = match target {
        Target::Subject(subject) => return end_subject(connection, &subject, None, reason, at).await,
        Target::Others(subject, keep) => return end_subject(connection, &subject, Some(keep), reason, at).await,
        Target::Everyone => return end_everyone(connection, reason, at).await,
        Target::Token(digest) => sqlx::query(END_ONE).bind(digest.as_bytes().to_vec()),
        Target::Session(id) => sqlx::query(END_ID).bind(id.to_string()),
        Target::OwnSession(id, subject) => sqlx::query(END_OWN).bind(id.to_string()).bind(subject.as_str().to_owned()),
    };
    Cause::new(reason, at).tell(connection).await?;
    let ended = deleted_one(connection, one).await?;
    forget(connection).await?;
    Ok(ended)
}

/// Ends all of a subject but `keep`, logins under way included; returns how many sessions there were.
pub(crate) async fn end_subject(
    connection: &mut SqliteConnection,
    subject: &Subject,
    keep: Option<TokenDigest>,
    reason: EndReason,
    at: Timestamp,
) -> Result<u64, StoreError> {
    mark_all_ended(connection, subject.as_str(), reason, at).await?;
    let rows =
        sqlx::query(OF_SUBJECT_BY_ID).bind(subject.as_str()).fetch_all(&mut *connection).await.map_err(store_error)?;
    let mut digests = rows.iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
    digests.retain(|digest| Some(*digest) != keep);
    end_in_order(connection, &digests, Cause::new(reason, at)).await
}

async fn end_everyone(connection: &mut SqliteConnection, reason: EndReason, at: Timestamp) -> Result<u64, StoreError> {
    mark_all_ended(connection, EVERYONE, reason, at).await?;
    let first = sqlx::query(FIRST_BY_ID)
        .bind(i64::from(ORDERED_MAX) + 1)
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
    if first.len() <= ORDERED_MAX as usize {
        let digests = first.iter().map(row::digest).collect::<Result<Vec<_>, _>>()?;
        return end_in_order(connection, &digests, Cause::new(reason, at)).await;
    }
    // A million single statements would hold the writer for too long; the order among so many tells nobody anything.
    Cause::new(reason, at).tell(connection).await?;
    let ended = deleted(connection, sqlx::query(END_ALL)).await?;
    forget(connection).await?;
    Ok(ended)
}

/// Reserves a position and writes down that everything of `subject` ended there, before anything is deleted (G4).
async fn mark_all_ended(
    connection: &mut SqliteConnection,
    subject: &str,
    reason: EndReason,
    at: Timestamp,
) -> Result<(), StoreError> {
    let position: i64 = sqlx::query_scalar(APPEND_ALL_ENDED)
        .bind(subject)
        .bind(reason.as_str())
        .bind(at.as_millis())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    deleted_one(connection, sqlx::query(SET_ALL_ENDED).bind(subject.to_owned()).bind(position)).await.map(drop)
}

/// Whether a session has this digest.
pub(crate) async fn has_digest(connection: &mut SqliteConnection, digest: &TokenDigest) -> Result<bool, StoreError> {
    sqlx::query_scalar(HAS_DIGEST).bind(&digest.as_bytes()[..]).fetch_one(connection).await.map_err(store_error)
}

impl SqliteDatabase {
    /// Why and when the session of a token digest ended.
    pub(crate) async fn last_ending(&self, digest: TokenDigest) -> Result<Option<Ending>, StoreError> {
        let row = sqlx::query(ENDING_OF)
            .bind(&digest.as_bytes()[..])
            .fetch_optional(&self.readers().pool()?)
            .await
            .map_err(store_error)?;
        row.as_ref().map(row::ending).transpose()
    }

    /// A subject's last endings, newest first.
    pub(crate) async fn last_endings(&self, subject: Subject, limit: u32) -> Result<Vec<Ending>, StoreError> {
        let rows = sqlx::query(ENDINGS)
            .bind(subject.as_str())
            .bind(i64::from(limit.min(PAGE_MAX)))
            .fetch_all(&self.readers().pool()?)
            .await
            .map_err(store_error)?;
        rows.iter().map(row::ending).collect()
    }
}
