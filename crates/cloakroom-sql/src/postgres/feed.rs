//! Ending sessions and reading what ended. The triggers of the migration fill the feed; here they are told why.

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{PAGE_MAX, StoreError, StoreErrorKind, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::PgConnection;

use super::connection::{OPERATION_MAX, Statement, WIDE_OPERATION_MAX};
use super::database::PostgresDatabase;
use super::error::store_error;
use super::row;
use super::statements::{
    APPEND_ALL_ENDED, END_EACH, END_EVERYONE, END_OWN_SESSION, END_SESSION, END_SUBJECT, END_TOKEN, FORGET,
    LOCK_EVERYONE, LOCK_SESSIONS, MARK_ALL_ENDED, NO_TIME_LIMIT, TELL, TELL_EXPIRED_BEFORE,
};
use super::value::Time;
use crate::statements::ENDINGS;

/// The subject that stands for everyone; no session can have it.
const EVERYONE: &str = "";

/// Why and when sessions end, for the triggers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    reason: &'static str,
    at: Timestamp,
}

impl Cause {
    pub(crate) const fn new(reason: EndReason, at: Timestamp) -> Self {
        Self { reason: reason.as_str(), at }
    }

    /// Nothing ends: a token is replaced, and the feed notes when.
    pub(crate) const fn replaced(at: Timestamp) -> Self {
        Self { reason: "replaced", at }
    }

    /// A statement that tells the triggers by itself: its first two parameters are the reason and the time.
    pub(crate) fn bind(self, statement: &'static str) -> Statement<'static> {
        sqlx::query(statement).bind(self.reason).bind(Time(self.at))
    }

    /// Tells the triggers, for the statements that follow in the transaction.
    pub(crate) async fn tell(self, connection: &mut PgConnection) -> Result<(), StoreError> {
        execute(connection, self.bind(TELL)).await.map(drop)
    }
}

/// Takes the cause back, where somebody else's statements may follow in the same transaction.
pub(crate) async fn forget(connection: &mut PgConnection) -> Result<(), StoreError> {
    execute(connection, sqlx::query(FORGET)).await.map(drop)
}

/// Tells the triggers that sessions end by themselves: which timeout it was, each row says at `before`.
pub(crate) async fn tell_expired(
    connection: &mut PgConnection,
    before: Timestamp,
    at: Timestamp,
) -> Result<(), StoreError> {
    execute(connection, sqlx::query(TELL_EXPIRED_BEFORE).bind(Time(before))).await?;
    Cause { reason: "expired", at }.tell(connection).await
}

async fn execute(connection: &mut PgConnection, statement: Statement<'_>) -> Result<u64, StoreError> {
    Ok(statement.execute(connection).await.map_err(store_error)?.rows_affected())
}

/// Ends those of these sessions that exist; returns how many.
pub(crate) async fn end_each(
    connection: &mut PgConnection,
    digests: &[TokenDigest],
    cause: Cause,
) -> Result<u64, StoreError> {
    if digests.is_empty() {
        return Ok(0);
    }
    cause.tell(connection).await?;
    let digests: Vec<_> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
    execute(connection, sqlx::query(END_EACH).bind(digests)).await
}

/// Ends all of a subject but `keep`, logins under way included; returns how many sessions there were.
///
/// Writes first down that everything ended, which locks the subject, then deletes what there is: a login that waited for
/// the lock sees the mark, one that held it has a row to delete (G4).
pub(crate) async fn end_subject(
    connection: &mut PgConnection,
    subject: &Subject,
    keep: Option<TokenDigest>,
    cause: Cause,
) -> Result<u64, StoreError> {
    mark_all_ended(connection, subject.as_str(), cause).await?;
    let keep = keep.map(|digest| digest.as_bytes().to_vec());
    execute(connection, sqlx::query(END_SUBJECT).bind(subject.as_str()).bind(keep)).await
}

async fn end_everyone(connection: &mut PgConnection, cause: Cause) -> Result<u64, StoreError> {
    for statement in [NO_TIME_LIMIT, LOCK_EVERYONE] {
        execute(connection, sqlx::query(statement)).await?;
    }
    mark_all_ended(connection, EVERYONE, cause).await?;
    execute(connection, sqlx::query(LOCK_SESSIONS)).await?;
    execute(connection, sqlx::query(END_EVERYONE)).await
}

async fn mark_all_ended(connection: &mut PgConnection, subject: &str, cause: Cause) -> Result<(), StoreError> {
    cause.tell(connection).await?;
    execute(connection, sqlx::query(MARK_ALL_ENDED).bind(subject)).await?;
    let append = sqlx::query(APPEND_ALL_ENDED).bind(subject).bind(cause.reason).bind(Time(cause.at));
    execute(connection, append).await.map(drop)
}

impl PostgresDatabase {
    /// Ends what `target` names; returns how many there were.
    pub(crate) async fn end_target(&self, target: Target, cause: Cause) -> Result<u64, StoreError> {
        let wide = match target {
            Target::Token(digest) => return self.end_one(cause.bind(END_TOKEN).bind(digest.as_bytes().to_vec())).await,
            Target::Session(id) => return self.end_one(cause.bind(END_SESSION).bind(*id.as_uuid())).await,
            Target::OwnSession(id, subject) => {
                let own = cause.bind(END_OWN_SESSION).bind(*id.as_uuid()).bind(subject.as_str().to_owned());
                return self.end_one(own).await;
            }
            Target::Subject(subject) => Some((subject, None)),
            Target::Others(subject, keep) => Some((subject, Some(keep))),
            Target::Everyone => None,
        };
        let limit = if wide.is_none() { WIDE_OPERATION_MAX } else { OPERATION_MAX };
        self.transaction_within(limit, |connection| match wide.clone() {
            Some((subject, keep)) => Box::pin(async move { end_subject(connection, &subject, keep, cause).await }),
            None => Box::pin(end_everyone(connection, cause)),
        })
        .await
    }

    /// One statement, one commit.
    async fn end_one(&self, statement: Statement<'_>) -> Result<u64, StoreError> {
        match self.execute(statement).await? {
            rows @ 0..=1 => Ok(rows),
            _ => Err(StoreError::new(StoreErrorKind::Conflict)),
        }
    }

    /// A subject's last endings, newest first.
    pub(crate) async fn last_endings(&self, subject: Subject, limit: u32) -> Result<Vec<Ending>, StoreError> {
        let find = sqlx::query(ENDINGS).bind(subject.as_str()).bind(i64::from(limit.min(PAGE_MAX)));
        let rows = self.fetch_all(find).await?;
        rows.iter().map(row::ending).collect()
    }
}
