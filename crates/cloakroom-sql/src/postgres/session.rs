//! The session store on this database.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, FeedReader, Issue, Issued, ListQuery, Moment, Purge, Purged, Replace, Scrub, Scrubbed,
    SessionFilter, SessionPage, SessionStore, StoreError, StoreErrorKind, StoreFuture, Target, Touch,
};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::PgConnection;

use super::database::PostgresDatabase;
use super::error::store_error;
use super::feed::Cause;
use super::follow::Reader;
use super::statements::TOUCH;
use super::value::Time;
use super::{login, row};
use crate::filter;
use crate::statements::{REPLACE_TOKEN, REPLACE_TOKEN_REAUTHENTICATED};

impl SessionStore for PostgresDatabase {
    fn begin(&self) -> StoreFuture<'_, Moment> {
        Box::pin(self.moment())
    }

    fn issue(&self, issue: Issue) -> StoreFuture<'_, Issued> {
        Box::pin(async move { self.transaction(|connection| Box::pin(login::issue(connection, issue.clone()))).await })
    }

    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        Box::pin(self.session_lookups().find(digest))
    }

    fn ending_of(&self, digest: TokenDigest) -> StoreFuture<'_, Option<Ending>> {
        Box::pin(self.ending_lookups().find(digest))
    }

    fn touch(&self, touches: Vec<Touch>, now: Timestamp) -> StoreFuture<'_, Vec<TokenDigest>> {
        Box::pin(self.record_uses(touches, now))
    }

    fn replace(&self, replacement: Replace) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.transaction(|connection| Box::pin(replace(connection, replacement))).await })
    }

    fn end(&self, target: Target, reason: EndReason, at: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(self.end_target(target, Cause::new(reason, at)))
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
        Box::new(Reader::new(self.clone(), answer_max))
    }

    fn hint(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.hand_over_hint() })
    }

    fn purge(&self, purge: Purge) -> StoreFuture<'_, Purged> {
        Box::pin(self.purge_chunk(purge))
    }

    fn scrub(&self, scrub: Scrub) -> StoreFuture<'_, Scrubbed> {
        Box::pin(self.scrub_chunk(scrub))
    }
}

impl PostgresDatabase {
    /// Records uses in one statement; returns those refused, in the order they came.
    async fn record_uses(&self, touches: Vec<Touch>, now: Timestamp) -> Result<Vec<TokenDigest>, StoreError> {
        let mut latest: HashMap<TokenDigest, Timestamp> = HashMap::with_capacity(touches.len());
        for touch in &touches {
            let used_at = latest.entry(touch.digest).or_insert(touch.used_at);
            *used_at = touch.used_at.max(*used_at);
        }
        let (digests, times): (Vec<_>, Vec<_>) =
            latest.into_iter().map(|(digest, used_at)| (digest.as_bytes().to_vec(), Time(used_at))).unzip();
        let rows = self
            .transaction(|connection| {
                let update = sqlx::query(TOUCH).bind(digests.clone()).bind(times.clone()).bind(Time(now));
                Box::pin(async move { update.fetch_all(connection).await.map_err(store_error) })
            })
            .await?;
        let living = rows.iter().map(row::digest).collect::<Result<HashSet<_>, _>>()?;
        Ok(touches.into_iter().map(|touch| touch.digest).filter(|digest| !living.contains(digest)).collect())
    }
}

/// Gives a living session a new token; `false` if it is gone or ended.
async fn replace(connection: &mut PgConnection, replace: Replace) -> Result<bool, StoreError> {
    let statement = match replace.reauthenticated_until {
        None => sqlx::query(REPLACE_TOKEN),
        Some(_) => sqlx::query(REPLACE_TOKEN_REAUTHENTICATED),
    };
    let bound = statement.bind(&replace.new.as_bytes()[..]).bind(&replace.old.as_bytes()[..]).bind(Time(replace.now));
    let bound = match replace.reauthenticated_until {
        None => bound,
        Some(until) => bound.bind(Time(until)),
    };
    Cause::replaced(replace.now).tell(connection).await?;
    match bound.execute(&mut *connection).await.map_err(store_error)?.rows_affected() {
        rows @ 0..=1 => Ok(rows == 1),
        _ => Err(StoreError::new(StoreErrorKind::Conflict)),
    }
}
