//! Following the feed of a file for one instance: a connection of its own that cannot write.
//!
//! It is asked several times a second, and mostly nothing was committed since: SQLite says so with one number, and the feed
//! is not read. A disk may hang for any time; the read hangs in a task then, and none is begun beside it.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use cloakroom_core::coherence::{Change, Continuity, Delta, FeedReply, Horizon, Loss};
use cloakroom_core::store::{CHANGES_MAX, FeedReader, StoreError, StoreErrorKind, StoreFuture};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Decode, Row as _, Sqlite, SqliteConnection, Type};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::database::SqliteDatabase;
use super::error::store_error;
use super::location::FileIdentity;
use super::statements::{DATA_VERSION, FOLLOW};
use crate::error::unavailable;
use crate::words::{change_from, reason_from};

/// Follows the feed. Opens the file when it is first asked.
pub(crate) struct Reader {
    database: SqliteDatabase,
    options: SqliteConnectOptions,
    answer_max: Duration,
    /// `None` as long as it was not needed, while it is asked, and after a failure.
    link: Option<Link>,
    /// The read under way, which may be one that nobody waits for any more.
    asking: Option<JoinHandle<Result<(Link, Found), StoreError>>>,
    /// The last row the last reply saw, and its position.
    last: Option<(i64, Mark)>,
    /// How often the file turned out to have another past than before.
    pasts: u64,
}

/// An open connection, and the file it is on.
struct Link {
    connection: SqliteConnection,
    identity: FileIdentity,
    /// What it found last, and at which version of the data.
    found: Option<(i64, Found)>,
}

/// How far the feed goes, and what it has from the question's position on.
#[derive(Clone, Debug)]
struct Found {
    last: i64,
    identity: String,
    /// The row at the position, as it is now.
    mark: Option<Mark>,
    /// The last row.
    last_mark: Option<Mark>,
    /// How many rows came after the position, and whom they name; `None` where somebody else wrote one that names nobody.
    rows: usize,
    changes: Option<Vec<Change>>,
}

/// What tells a row from another one that was given its position in another past: a backup was restored into the file, and
/// it went on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    kind: String,
    session: Option<String>,
    at: i64,
}

impl Reader {
    pub(crate) fn new(database: SqliteDatabase, options: SqliteConnectOptions, answer_max: Duration) -> Self {
        Self { database, options, answer_max, link: None, asking: None, last: None, pasts: 0 }
    }

    async fn ask(&mut self, since: Option<&Horizon>) -> Result<FeedReply, StoreError> {
        let position = match since {
            Some(Horizon::Position(position)) => Some(*position),
            _ => None,
        };
        let found = self.find(position).await?;
        if let (Some((last, then)), Some(now)) = (&self.last, &found.mark)
            && position == Some(*last)
            && then != now
        {
            self.pasts += 1;
        }
        let continuity = Continuity::new(format!("{}/{}", found.identity, self.pasts));
        let horizon = Horizon::Position(found.last);
        self.last = found.last_mark.clone().map(|mark| (found.last, mark));
        let delta = match position {
            Some(position) => found.delta_since(position),
            None if since.is_some() => Delta::Lost(Loss::Purged), // of another kind of database
            None => Delta::Changes(Vec::new()),
        };
        Ok(FeedReply { continuity, horizon, delta })
    }

    /// Reads in a task, which may be left alone at any time.
    async fn find(&mut self, position: Option<i64>) -> Result<Found, StoreError> {
        if let Some(asking) = &mut self.asking {
            // What it found is older than this question; what it read it with is as good as ever.
            let asked = asking.await;
            self.asking = None;
            self.link = asked.ok().and_then(Result::ok).map(|(link, _)| link);
        }
        let task = find(self.link.take(), self.options.clone(), position);
        let asked = self.asking.insert(tokio::spawn(task)).await;
        self.asking = None;
        let (link, found) = asked.map_err(|_| unavailable("reading the feed was cut short"))??;
        self.link = Some(link);
        Ok(found)
    }
}

impl FeedReader for Reader {
    fn poll<'a>(&'a mut self, since: Option<&'a Horizon>) -> StoreFuture<'a, FeedReply> {
        Box::pin(async move {
            if self.database.readers().is_closed() {
                self.link = None;
                return Err(unavailable("the database is closed"));
            }
            match timeout(self.answer_max, self.ask(since)).await {
                Ok(reply) => reply,
                Err(_) => Err(unavailable("the feed could not be read in time")),
            }
        })
    }

    /// A file tells nobody.
    fn hinted(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(pending())
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("sqlite::follow::Reader").field("last", &self.last).finish_non_exhaustive()
    }
}

/// Asks the file that is there now, on a connection to that one.
async fn find(
    link: Option<Link>,
    options: SqliteConnectOptions,
    position: Option<i64>,
) -> Result<(Link, Found), StoreError> {
    let path = options.get_filename();
    let gone = || unavailable("the database file is gone or cannot be seen");
    let identity = FileIdentity::of(path).ok_or_else(gone)?;
    let mut link = match link.filter(|link| link.identity == identity) {
        Some(link) => link,
        None => Link { connection: options.connect().await.map_err(store_error)?, identity, found: None },
    };
    let found = link.find(position).await?;
    // One that was replaced in the middle would have been read in part, or was opened in place of the other.
    if FileIdentity::of(path) == Some(identity) { Ok((link, found)) } else { Err(gone()) }
}

impl Link {
    async fn find(&mut self, position: Option<i64>) -> Result<Found, StoreError> {
        // Before the feed is read: what is committed in between is found again, not overlooked.
        let version: i64 =
            sqlx::query_scalar(DATA_VERSION).fetch_one(&mut self.connection).await.map_err(store_error)?;
        if let Some((then, found)) = &self.found
            && *then == version
            && position.is_none_or(|position| position == found.last)
        {
            return Ok(found.clone());
        }
        let rows_max = i64::try_from(CHANGES_MAX + 2).unwrap_or(i64::MAX);
        let rows = sqlx::query(FOLLOW).bind(position).bind(rows_max).fetch_all(&mut self.connection).await;
        let found = Found::read(&rows.map_err(store_error)?, self.identity, position)?;
        self.found = Some((version, found.with_nothing_new()));
        Ok(found)
    }
}

impl Found {
    fn read(rows: &[SqliteRow], identity: FileIdentity, position: Option<i64>) -> Result<Self, StoreError> {
        let first = rows.first().ok_or_else(|| unavailable("the feed gave no position"))?;
        let last: i64 = get(first, "last")?;
        let identity = format!("{identity:?}/{}", get::<i64>(first, "schema")?);
        let mut found = Self { last, identity, mark: None, last_mark: None, rows: 0, changes: Some(Vec::new()) };
        for row in rows {
            let Some(at) = get::<Option<i64>>(row, "position")? else { continue };
            if at == last {
                found.last_mark = Some(mark(row)?);
            }
            match position {
                Some(position) if at > position => found.add(change(row)),
                Some(_) => found.mark = Some(mark(row)?),
                None => {}
            }
        }
        Ok(found)
    }

    fn add(&mut self, change: Result<Option<Change>, Nameless>) {
        self.rows += 1;
        match (change, &mut self.changes) {
            (Ok(change), Some(changes)) => changes.extend(change),
            _ => self.changes = None,
        }
    }

    /// What is found from the last position on, as long as nothing is committed.
    fn with_nothing_new(&self) -> Self {
        let mark = self.last_mark.clone();
        Self {
            identity: self.identity.clone(),
            last_mark: mark.clone(),
            mark,
            rows: 0,
            changes: Some(Vec::new()),
            ..*self
        }
    }

    /// Positions have no gaps but those of rows that were removed.
    fn delta_since(self, position: i64) -> Delta {
        let given = self.last.saturating_sub(position).max(0);
        match self.changes {
            _ if self.rows > CHANGES_MAX => Delta::Lost(Loss::TooMany),
            Some(changes) if i64::try_from(self.rows) == Ok(given) => Delta::Changes(changes),
            _ => Delta::Lost(Loss::Purged),
        }
    }
}

fn mark(row: &SqliteRow) -> Result<Mark, StoreError> {
    Ok(Mark { kind: get(row, "kind")?, session: get(row, "session_id")?, at: get(row, "at")? })
}

/// Somebody else's entry, which names nobody.
struct Nameless;

/// Whom an entry names; nobody where all of one subject ended, whose sessions have entries of their own.
fn change(row: &SqliteRow) -> Result<Option<Change>, Nameless> {
    let nameless = |_| Nameless;
    let kind: &str = get(row, "kind").map_err(nameless)?;
    let reason = reason_from(get(row, "reason").map_err(nameless)?);
    let at = Timestamp::from_millis(get(row, "at").map_err(nameless)?);
    if kind == "all_ended" {
        let is_everyone = get::<&str>(row, "subject").map_err(nameless)?.is_empty();
        return Ok(is_everyone.then_some(Change::EveryoneEnded { reason, at }));
    }
    let digest: &[u8] = get(row, "token_digest").map_err(nameless)?;
    let digest = TokenDigest::from_bytes(digest.try_into().map_err(|_| Nameless)?);
    let session: &str = get(row, "session_id").map_err(nameless)?;
    let session = session.parse().map_err(|_| Nameless)?;
    Ok(Some(change_from(kind, digest, session, reason, at)))
}

fn get<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError> {
    let corrupt = StoreErrorKind::Corrupt { table: "session_feed", column };
    row.try_get(column).map_err(|_| StoreError::new(corrupt))
}
