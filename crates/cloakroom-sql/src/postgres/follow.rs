//! Following the feed for one instance: a connection of its own, which is asked again and again what is new, and which
//! hears the hints of others in between.
//!
//! The driver's listener is taken for what only it can do, which is to hear; it makes connections and mends them as it likes,
//! without a time limit, so it is given one that was tried before and is dropped with the first thing that goes wrong.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use cloakroom_core::coherence::{Change, Continuity, Delta, FeedReply, Horizon, Loss, Snapshot};
use cloakroom_core::session::SessionId;
use cloakroom_core::store::{CHANGES_MAX, FeedReader, StoreError, StoreErrorKind, StoreFuture};
use cloakroom_core::token::TokenDigest;
use sqlx::postgres::{PgConnectOptions, PgListener, PgRow};
use sqlx::{Connection as _, Decode, Postgres, Row as _, Type};
use tokio::time::timeout;
use uuid::Uuid;

use super::connection::{Standby, connect, pool_of_one};
use super::database::PostgresDatabase;
use super::error::{is_given_up, store_error};
use super::statements::{CHANNEL, FOLLOW, ONE_PLAN};
use super::value::Time;
use crate::error::unavailable;
use crate::words::{change_from, reason_from};

/// How long a connection may take at least.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// Follows the feed. Connects when it is first asked.
pub(crate) struct Reader {
    database: PostgresDatabase,
    answer_max: Duration,
    /// `None` as long as it was not needed, while it is asked, and after a failure.
    link: Option<Link>,
}

impl Reader {
    pub(crate) fn new(database: PostgresDatabase, answer_max: Duration) -> Self {
        Self { database, answer_max, link: None }
    }

    /// How long the server may take, so that it is the server who gives a statement up, and the connection goes on.
    fn statement_max(&self) -> Duration {
        (self.answer_max * 3 / 4).max(Duration::from_millis(1))
    }

    /// A new connection, which may take longer than an answer: where it always did, nobody would ever have a lease.
    async fn connected(&self) -> Result<Link, StoreError> {
        let connecting = Link::new(self.database.connect_options(), self.statement_max());
        match timeout(CONNECT_MAX.max(self.answer_max), connecting).await {
            Ok(link) => link.map_err(store_error),
            Err(_) => Err(unavailable("the server could not be reached in time to follow the feed")),
        }
    }

    /// The link is kept only where it is sure to have nothing left of this question.
    async fn ask(&mut self, mut link: Link, since: Option<&Horizon>) -> Result<FeedReply, StoreError> {
        let seen = match since {
            Some(Horizon::Snapshot(seen)) => Some(seen),
            _ => None,
        };
        match link.ask(seen).await {
            Ok(rows) => {
                let reply = reply(&rows, since, seen)?;
                self.link = Some(link);
                Ok(reply)
            }
            Err(error) => {
                if is_given_up(&error) {
                    self.link = Some(link);
                }
                Err(store_error(error))
            }
        }
    }
}

impl FeedReader for Reader {
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply> {
        Box::pin(async move {
            if self.database.pool().is_closed() {
                self.link = None;
                return Err(unavailable("the database is closed"));
            }
            // Taken, so that after a time limit nobody reads the rest of an old answer.
            let link = match self.link.take() {
                Some(link) => link,
                None => self.connected().await?,
            };
            match timeout(self.answer_max, self.ask(link, since)).await {
                Ok(reply) => reply,
                Err(_) => Err(unavailable("the feed could not be read in time")),
            }
        })
    }

    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if let Some(link) = &mut self.link {
                if link.is_hinted().await {
                    return;
                }
                self.link = None; // the next poll makes another
            }
            pending::<()>().await;
        })
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("postgres::follow::Reader").field("is_connected", &self.link.is_some()).finish_non_exhaustive()
    }
}

/// A connection that listens.
struct Link {
    /// `None` only while it is dropped.
    listener: Option<PgListener>,
}

impl Link {
    async fn new(options: &PgConnectOptions, statement_max: Duration) -> Result<Self, sqlx::Error> {
        // The listener's own way to a connection tries again and again, and forgets why it could not be made.
        let trial = connect(options, ONE_PLAN, statement_max).await?;
        trial.close().await?;
        let pool = pool_of_one(options.clone(), ONE_PLAN, statement_max);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.ignore_pool_close_event(true);
        listener.eager_reconnect(false);
        let mut link = Self { listener: Some(listener) };
        link.listener()?.listen(CHANNEL).await?;
        Ok(link)
    }

    fn listener(&mut self) -> Result<&mut PgListener, sqlx::Error> {
        self.listener.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    async fn ask(&mut self, since: Option<&Snapshot>) -> Result<Vec<PgRow>, sqlx::Error> {
        let listener = self.listener()?;
        while listener.next_buffered().is_some() {} // those were hints to do what is done now
        // At the first poll nothing is new.
        let (xmax, in_progress) = since.map_or((u64::MAX, &[][..]), |since| (since.xmax(), since.in_progress()));
        let in_progress: Vec<_> = in_progress.iter().map(u64::to_string).collect();
        let entries_max = i64::try_from(CHANGES_MAX + 1).unwrap_or(i64::MAX);
        sqlx::query(FOLLOW).bind(xmax.to_string()).bind(in_progress).bind(entries_max).fetch_all(listener).await
    }

    /// Waits for a hint; `false` when the connection broke. May be given up at any time.
    async fn is_hinted(&mut self) -> bool {
        let Some(listener) = &mut self.listener else { return false };
        let is_hinted = matches!(listener.try_recv().await, Ok(Some(_)));
        while listener.next_buffered().is_some() {} // one poll answers them all
        is_hinted
    }
}

impl Drop for Link {
    /// The listener says goodbye in a task of its own, which would wait forever where the other side does not answer, and
    /// keep the connection: so that task is given to a runtime that ends before it begins.
    fn drop(&mut self) {
        let listener = self.listener.take();
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
            let entered = runtime.enter();
            drop(listener);
            drop(entered);
            runtime.shutdown_background();
        }
    }
}

/// The columns of a row that says which snapshot it is.
struct Header {
    snapshot: Snapshot,
    continuity: Continuity,
    floor: Floor,
}

/// What was removed from the feed.
struct Floor {
    removed_to: Option<u64>,
    removed_by: Option<u64>,
    emptied_by: Option<u64>,
}

impl Floor {
    /// Whether something may have been removed that `seen` had not seen. `now` is the snapshot that found the floor: what
    /// it does not see was restored from another server's dump.
    fn is_above(&self, seen: &Snapshot, now: &Snapshot) -> bool {
        let is_news = |by: Option<u64>| by.is_some_and(|by| now.sees(by) && !seen.sees(by));
        // What is still in progress has left nothing that could be removed.
        let has_ended = |to: u64| seen.in_progress().iter().any(|&xid| xid <= to && now.sees(xid));
        let may_be_unseen = |to: u64| to < now.xmax() && (to >= seen.xmax() || has_ended(to));
        // Whoever has seen a removal had seen all that it removed, or was told then.
        is_news(self.emptied_by) || is_news(self.removed_by) && self.removed_to.is_some_and(may_be_unseen)
    }
}

fn reply(rows: &[PgRow], since: Option<&Horizon>, seen: Option<&Snapshot>) -> Result<FeedReply, StoreError> {
    let mut header = None;
    let mut changes = Vec::with_capacity(rows.len().saturating_sub(1));
    for row in rows {
        match get::<Option<&str>>(row, "snapshot")? {
            Some(snapshot) => header = Some(read_header(row, snapshot)?),
            None => changes.push(change(row)),
        }
    }
    let Header { snapshot, continuity, floor } = header.ok_or_else(|| unavailable("the feed gave no snapshot"))?;
    let delta = match seen {
        None if since.is_some() => Delta::Lost(Loss::Purged), // of another kind of database
        Some(seen) if floor.is_above(seen, &snapshot) => Delta::Lost(Loss::Purged),
        _ if changes.len() > CHANGES_MAX => Delta::Lost(Loss::TooMany),
        // What cannot be read names nobody: as if it were not there any more.
        _ => changes.into_iter().collect::<Option<_>>().map_or(Delta::Lost(Loss::Purged), Delta::Changes),
    };
    Ok(FeedReply { continuity, horizon: Horizon::Snapshot(snapshot), delta })
}

fn read_header(row: &PgRow, snapshot: &str) -> Result<Header, StoreError> {
    let Some(continuity) = get::<Option<&str>>(row, "continuity")? else {
        return Err(StoreError::caused(StoreErrorKind::Unavailable, Standby));
    };
    if !get::<bool>(row, "has_floor")? {
        return Err(corrupt("session_feed_floor", "only_row"));
    }
    let xid = |column: &'static str| {
        let text = get::<Option<&str>>(row, column)?;
        text.map(str::parse).transpose().map_err(|_| corrupt("session_feed_floor", column))
    };
    Ok(Header {
        snapshot: snapshot.parse().map_err(|_| unavailable("the server's snapshot cannot be read"))?,
        continuity: Continuity::new(continuity),
        floor: Floor { removed_to: xid("removed_to")?, removed_by: xid("removed_by")?, emptied_by: xid("emptied_by")? },
    })
}

/// An entry; `None` if somebody else wrote one that names nothing.
fn change(row: &PgRow) -> Option<Change> {
    let kind: &str = get(row, "kind").ok()?;
    let reason = reason_from(get(row, "reason").ok()?);
    let at = get::<Time>(row, "at").ok()?.0;
    if kind == "all_ended" {
        return Some(Change::EveryoneEnded { reason, at });
    }
    let digest = TokenDigest::from_bytes(get::<&[u8]>(row, "token_digest").ok()?.try_into().ok()?);
    let session = SessionId::from_uuid(get::<Uuid>(row, "session_id").ok()?);
    Some(change_from(kind, digest, session, reason, at))
}

fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: &'static str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| corrupt("session_feed", column))
}

fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt { table, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_is_above_who_had_not_seen_what_was_removed() {
        let (seen, now) = (Snapshot::new(100, [40, 50]), Snapshot::new(200, [40]));
        let removed = |to, by| Floor { removed_to: Some(to), removed_by: Some(by), emptied_by: None };
        for (floor, is_above, why) in [
            (removed(49, 150), false, "all of it had been seen, or is not there yet"),
            (removed(50, 150), true, "it was in progress"),
            (removed(60, 150), true, "what was in progress may have gone with it"),
            (removed(120, 150), true, "it had not begun"),
            (removed(60, 90), false, "the removal had been seen"),
            (removed(60, 50), true, "the removal was in progress"),
            (removed(60, 250), false, "the row is of another server"),
            (removed(250, 150), false, "what was removed is of another server"),
        ] {
            assert_eq!(floor.is_above(&seen, &now), is_above, "{why}");
        }
        let emptied = |by| Floor { removed_to: None, removed_by: None, emptied_by: Some(by) };
        for (by, is_above) in [(150, true), (50, true), (90, false), (250, false)] {
            assert_eq!(emptied(by).is_above(&seen, &now), is_above, "{by}");
        }
    }
}
