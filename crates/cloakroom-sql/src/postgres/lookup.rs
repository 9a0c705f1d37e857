//! Lookups by token digest: one at a time while there are few, many in one statement once there are more.
//!
//! A few lanes, each a task with a connection of its own, take what waits and send it as one statement. A request joins
//! only what has not been sent, so the answer is never older than the request (G5), and nothing waits on purpose. No pool
//! is asked and nothing is tested before use: a connection found dead is opened again and the batch is sent once more.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::token::TokenDigest;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection};
use tokio::sync::{Notify, oneshot};

use super::error::{is_of_the_data, store_error};
use super::{database, row};
use crate::counts::LookupCounts;
use crate::error::{SharedCause, unavailable};

/// Most lookups in one statement: bounds how long the first waits for the last.
const BATCH_MAX: usize = 128;
/// With fewer lookups than this on their way, every lane may be busy.
const FEW: usize = 16;
/// With more, so many statements at once; what comes meanwhile shares the next one.
const LANES_UNDER_LOAD: usize = 4;
/// How long a statement or a connection may take before it is given up.
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// How long a lane leaves a server alone that it could not reach.
const PAUSE: Duration = Duration::from_millis(250);

/// What is looked up, and how a row of the answer is read.
pub(crate) struct Question<V> {
    /// Takes the digests as `$1` and gives rows with a `token_digest` each, at most one per digest.
    pub(crate) statement: &'static str,
    pub(crate) read: fn(&PgRow) -> Result<V, StoreError>,
}

/// The way in. Clones share it; the lanes end with the last one.
pub(crate) struct Lookups<V: Send + 'static> {
    open: Arc<Open<V>>,
}

type Answer<V> = Result<Option<V>, StoreError>;

struct Queue<V> {
    state: Mutex<State<V>>,
    wake: Notify,
    waiting_max: usize,
}

struct State<V> {
    waiting: VecDeque<(TokenDigest, oneshot::Sender<Answer<V>>)>,
    load: Load,
    counts: LookupCounts,
    is_closed: bool,
}

/// How much is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    statements: usize,
    lookups: usize,
}

impl Load {
    /// Whether one more statement helps: always while there is little, and up to a few under load, when sharing the next
    /// statement is cheaper for everybody.
    const fn has_room(self) -> bool {
        self.statements < LANES_UNDER_LOAD || self.lookups < FEW
    }
}

/// Dropped with the last handle, which ends the lanes.
struct Open<V>(Arc<Queue<V>>);

impl<V> Drop for Open<V> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<V: Clone + Send + 'static> Lookups<V> {
    /// Starts `lanes` tasks, which connect when they are first needed.
    pub(crate) fn start(
        question: &'static Question<V>,
        options: &PgConnectOptions,
        lanes: u32,
        waiting_max: usize,
    ) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            load: Load::default(),
            counts: LookupCounts::default(),
            is_closed: false,
        };
        let queue = Arc::new(Queue { state: Mutex::new(state), wake: Notify::new(), waiting_max });
        for _ in 0..lanes {
            let lane = Lane { question, options: options.clone(), connection: None, queue: Arc::clone(&queue) };
            drop(tokio::spawn(lane.serve())); // it ends when the queue is closed
        }
        Self { open: Arc::new(Open(queue)) }
    }

    /// Looks up one digest. Dropping the future costs its batch nothing.
    pub(crate) async fn find(&self, digest: TokenDigest) -> Answer<V> {
        let (queue, (asker, answer)) = (&self.open.0, oneshot::channel());
        {
            let mut state = queue.state();
            if state.is_closed {
                return Err(unavailable("the database is closed"));
            }
            if state.waiting.len() >= queue.waiting_max {
                return Err(StoreError::caused(StoreErrorKind::Busy, "too many lookups wait"));
            }
            state.waiting.push_back((digest, asker));
        }
        // The lane that rested last: at low load one connection does all of it, and is warm.
        queue.wake.notify_last();
        answer.await.unwrap_or_else(|_| Err(unavailable("the lookup was given up")))
    }

    /// How many statements were sent, and for how many lookups.
    pub(crate) fn counts(&self) -> LookupCounts {
        self.open.0.state().counts
    }

    /// Refuses what comes, and lets what is on its way finish.
    pub(crate) fn close(&self) {
        self.open.0.close();
    }
}

impl<V: Send + 'static> Clone for Lookups<V> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open) }
    }
}

impl<V: Send + 'static> std::fmt::Debug for Lookups<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.open.0.state();
        f.debug_struct("Lookups")
            .field("waiting", &state.waiting.len())
            .field("load", &state.load)
            .finish_non_exhaustive()
    }
}

/// Who asked for which digest, in one statement.
struct Batch<V> {
    askers: HashMap<TokenDigest, Vec<oneshot::Sender<Answer<V>>>>,
}

/// What a lane does next.
enum Next<V> {
    Send(Batch<V>),
    Rest,
    End,
}

impl<V> Queue<V> {
    fn state(&self) -> MutexGuard<'_, State<V>> {
        // Nothing in between can panic and leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one(); // for a lane that is about to wait
    }

    /// Takes what waits now. Nobody joins it afterwards.
    fn next(&self) -> Next<V> {
        let mut state = self.state();
        let mut askers: HashMap<_, Vec<_>> = HashMap::new();
        if state.load.has_room() {
            while askers.len() < BATCH_MAX {
                let Some((digest, asker)) = state.waiting.pop_front() else { break };
                // Who went away is not asked for.
                if !asker.is_closed() {
                    askers.entry(digest).or_default().push(asker);
                }
            }
        }
        if askers.is_empty() {
            let is_over = state.is_closed && state.waiting.is_empty();
            drop(state);
            if is_over {
                self.wake.notify_one(); // the next lane ends as well
            }
            return if is_over { Next::End } else { Next::Rest };
        }
        state.load.statements += 1;
        state.load.lookups += askers.len();
        state.counts.statements += 1;
        state.counts.lookups += askers.len() as u64;
        if !state.waiting.is_empty() {
            self.wake.notify_last();
        }
        Next::Send(Batch { askers })
    }

    fn is_done(&self, lookups: usize) {
        let mut state = self.state();
        state.load.statements -= 1;
        state.load.lookups -= lookups;
    }
}

/// One connection and what it is asked.
struct Lane<V: Send + 'static> {
    question: &'static Question<V>,
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    queue: Arc<Queue<V>>,
}

impl<V: Clone + Send + 'static> Lane<V> {
    async fn serve(mut self) {
        loop {
            match self.queue.next() {
                Next::Send(batch) => {
                    let lookups = batch.askers.len();
                    let reached = self.answer(batch).await;
                    self.queue.is_done(lookups);
                    if !reached {
                        tokio::time::sleep(PAUSE).await; // no storm of connections on a server that is down
                    }
                }
                Next::Rest => self.queue.wake.notified().await,
                Next::End => break,
            }
        }
        if let Some(connection) = self.connection.take() {
            drop(connection.close().await); // a server that is gone has closed it already
        }
    }

    /// Answers everybody in the batch; `false` if the server could not be reached.
    async fn answer(&mut self, mut batch: Batch<V>) -> bool {
        let digests: Vec<_> = batch.askers.keys().copied().collect();
        let (failure, reached) = match self.ask(&digests).await {
            Ok(rows) => {
                self.hand_out(&rows, &mut batch);
                return true;
            }
            Err(Failed::Data(_)) if digests.len() > 1 => {
                // One row that cannot be read fails its own request only.
                self.answer_one_by_one(&digests, &mut batch).await;
                return true;
            }
            Err(Failed::Data(error)) => (error, true),
            Err(Failed::Server(error)) => (error, false),
        };
        let cause = SharedCause::of(failure);
        tracing::warn!(%cause, lookups = digests.len(), "sessions could not be looked up");
        for asker in batch.askers.into_values().flatten() {
            asker.send(Err(cause.error())).ok(); // who asked may have gone away
        }
        reached
    }

    async fn answer_one_by_one(&mut self, digests: &[TokenDigest], batch: &mut Batch<V>) {
        for digest in digests {
            let Some(askers) = batch.askers.remove(digest) else { continue };
            let mut alone = Batch { askers: HashMap::from([(*digest, askers)]) };
            match self.ask(&[*digest]).await {
                Ok(rows) => self.hand_out(&rows, &mut alone),
                Err(Failed::Data(error) | Failed::Server(error)) => {
                    let cause = SharedCause::of(error);
                    for asker in alone.askers.into_values().flatten() {
                        asker.send(Err(cause.error())).ok();
                    }
                }
            }
        }
    }

    /// Each row to those who asked for it; "no such row" to the others.
    fn hand_out(&self, rows: &[PgRow], batch: &mut Batch<V>) {
        for found in rows {
            let Some(askers) = row::digest(found).ok().and_then(|digest| batch.askers.remove(&digest)) else {
                continue;
            };
            let value = (self.question.read)(found);
            for asker in askers {
                let answer = match &value {
                    Ok(value) => Ok(Some(value.clone())),
                    Err(error) => Err(StoreError::new(error.kind().clone())),
                };
                asker.send(answer).ok(); // who asked may have gone away
            }
        }
        for asker in batch.askers.drain().flat_map(|(_, askers)| askers) {
            asker.send(Ok(None)).ok();
        }
    }

    /// Sends one statement; once more on a new connection where the old one turns out to be dead.
    async fn ask(&mut self, digests: &[TokenDigest]) -> Result<Vec<PgRow>, Failed> {
        let digests: Vec<_> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
        let mut was_open = self.connection.is_some();
        loop {
            match tokio::time::timeout(ANSWER_MAX, self.try_ask(&digests)).await {
                Ok(Ok(rows)) => return Ok(rows),
                Ok(Err(error)) if is_of_the_data(&error) => return Err(Failed::Data(store_error(error))),
                Ok(Err(_)) if was_open => was_open = false,
                Ok(Err(error)) => return Err(Failed::Server(store_error(error))),
                Err(_) => return Err(Failed::Server(unavailable("the database did not answer in time"))),
            }
        }
    }

    async fn try_ask(&mut self, digests: &[Vec<u8>]) -> Result<Vec<PgRow>, sqlx::Error> {
        // Taken, so that after an error or a timeout nobody reads the rest of an old answer.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => database::connect(&self.options).await?,
        };
        match sqlx::query(self.question.statement).bind(digests).fetch_all(&mut connection).await {
            Err(error) if !is_of_the_data(&error) => Err(error),
            done => {
                self.connection = Some(connection);
                done
            }
        }
    }
}

/// What a statement failed for.
enum Failed {
    /// The data: another statement may do well.
    Data(StoreError),
    /// The connection or the server.
    Server(StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lookups_use_every_lane_and_many_share_a_few() {
        let load = |statements, lookups| Load { statements, lookups };
        assert!(load(0, 0).has_room());
        assert!(load(7, 7).has_room(), "eight at once go out at once");
        assert!(load(3, 384).has_room(), "under load a few statements are on their way");
        assert!(!load(4, 16).has_room(), "and no more than that");
        assert!(!load(16, 16).has_room());
    }
}
