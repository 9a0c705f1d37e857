//! The session store on this database: which operation reads, which goes through the writer.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::coherence::Held;
use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::SqliteConnection;

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed::Cause;
use super::lookup::NotHere;
use super::statements::{FIND_SESSION, IS_LIVING, TOUCH};
use super::{feed, login, row};
use crate::filter;
use crate::statements::{REPLACE_TOKEN, REPLACE_TOKEN_REAUTHENTICATED};

impl SessionStore for SqliteDatabase {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        Box::pin(self.moment())
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        Box::pin(self.writer().run(move |connection| Box::pin(login::issue(connection, issue))))
    }

    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        // Two futures, so that the one that is nearly always enough is small.
        Box::pin(async move {
            match self.lookups().find(&digest) {
                Ok(found) => Ok(found),
                Err(NotHere) => Box::pin(self.session(digest)).await,
            }
        })
    }

    fn find_at_once(&self, digest: &TokenDigest) -> Option<Arc<Held>> {
        self.lookups().find_held(digest)
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        Box::pin(self.last_ending(digest))
    }

    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        Box::pin(self.writer().run(move |connection| Box::pin(touch(connection, touches, now))))
    }

    fn replace(&self, replacement: Replace) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| Box::pin(replace(connection, replacement))))
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(self.writer().run(move |connection| Box::pin(feed::end(connection, target, reason, at))))
    }

    fn list(&self, query: ListQuery) -> StoreFuture<'_, SessionPage> {
        Box::pin(filter::session_page(self, query))
    }

    fn count_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> StoreFuture<'_, CountedPage> {
        Box::pin(filter::count_page(self, filter, before, at))
    }

    fn end_matching(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        chunk: u32,
        reason: EndReason,
        at: Timestamp,
    ) -> StoreFuture<'_, EndedPage> {
        let query = ListQuery { filter, before, limit: chunk.max(1) };
        Box::pin(self.end_page(query, Cause::new(reason, at), at))
    }

    fn endings(&self, subject: Subject, limit: u32) -> StoreFuture<'_, Vec<Ending>> {
        Box::pin(self.last_endings(subject, limit))
    }

    fn feed(&self, answer_max: Duration) -> Box<dyn FeedReader> {
        Box::new(self.reader(answer_max))
    }

    /// A file has nobody to carry a hint to another process.
    fn hint(&self) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        Box::pin(self.purge_chunk(purge))
    }

    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        Box::pin(self.scrub_chunk(scrub))
    }
}

impl SqliteDatabase {
    /// The session of a token digest, by a reader.
    async fn session(&self, digest: TokenDigest) -> Result<Option<SessionRecord>, StoreError> {
        let row = sqlx::query(FIND_SESSION)
            .bind(&digest.as_bytes()[..])
            .fetch_optional(&self.readers().pool()?)
            .await
            .map_err(store_error)?;
        row.as_ref().map(row::session).transpose()
    }
}

/// Records uses; returns those refused, in the order they came.
async fn touch(
    connection: &mut SqliteConnection,
    touches: Vec<Touch>,
    now: Timestamp,
) -> Result<Vec<TokenDigest>, StoreError> {
    let mut in_order: Vec<_> = touches.into_iter().enumerate().collect();
    // Neighbours in the table after one another: fewer pages to go to, and on other databases no deadlocks.
    in_order.sort_unstable_by_key(|(_, touch)| touch.digest);
    let mut refused = Vec::new();
    for (place, touch) in in_order {
        let updated = sqlx::query(TOUCH)
            .bind(touch.used_at.as_millis())
            .bind(&touch.digest.as_bytes()[..])
            .bind(now.as_millis())
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        if updated.rows_affected() == 0 {
            refused.push((place, touch.digest));
        }
    }
    refused.sort_unstable_by_key(|(place, _)| *place);
    Ok(refused.into_iter().map(|(_, digest)| digest).collect())
}

/// Gives a living session a new token; `false` if it is gone or ended.
async fn replace(connection: &mut SqliteConnection, replace: Replace) -> Result<bool, StoreError> {
    let is_living: bool = sqlx::query_scalar(IS_LIVING)
        .bind(&replace.old.as_bytes()[..])
        .bind(replace.now.as_millis())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if !is_living {
        return Ok(false);
    }
    if feed::has_digest(connection, &replace.new).await? {
        return Err(StoreError::new(StoreErrorKind::Conflict));
    }
    let statement = match replace.reauthenticated_until {
        None => sqlx::query(REPLACE_TOKEN),
        Some(_) => sqlx::query(REPLACE_TOKEN_REAUTHENTICATED),
    };
    let bound =
        statement.bind(&replace.new.as_bytes()[..]).bind(&replace.old.as_bytes()[..]).bind(replace.now.as_millis());
    let bound = match replace.reauthenticated_until {
        None => bound,
        Some(until) => bound.bind(until.as_millis()),
    };
    Cause::replaced(replace.now).tell(connection).await?;
    let updated = bound.execute(&mut *connection).await.map_err(store_error)?;
    feed::forget(connection).await?;
    Ok(updated.rows_affected() == 1)
}
