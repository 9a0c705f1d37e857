//! A lane: one connection, what is sent on it, and what becomes of it when it breaks.
//!
//! No pool is asked and nothing is tested before use. A connection that turns out to be dead is opened again and the
//! statement, which only reads, is sent once more. A lane takes work only when it is connected: so what waits is never held
//! up by a connection that cannot be made while another lane has one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::store::StoreError;
use cloakroom_core::token::TokenDigest;
use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

use super::super::connection::connect;
use super::super::error::{is_given_up, is_of_the_data, store_error};
use super::super::row;
use super::super::statements::ONE_PLAN;
use super::{Batch, Question, Queue, Task};
use crate::error::{SharedCause, unavailable};

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_millis(1500);
/// How long a server is left alone that could not be reached.
const PAUSE: Duration = Duration::from_millis(250);

/// One connection and what it is asked.
pub(super) struct Lane<V: Send + 'static> {
    question: &'static Question<V>,
    options: PgConnectOptions,
    /// `None` as long as it was not needed, and after a failure.
    connection: Option<PgConnection>,
    queue: Arc<Queue<V>>,
}

/// What a statement failed for.
enum Failed {
    /// The server answered: the statement took too long, or waited for a lock.
    GivenUp(StoreError),
    /// The data: another statement may do well.
    Data(StoreError),
    /// The connection, which is gone.
    Connection(StoreError),
}

impl Failed {
    fn into_error(self) -> StoreError {
        match self {
            Self::GivenUp(error) | Self::Data(error) | Self::Connection(error) => error,
        }
    }
}

impl<V: Clone + Send + 'static> Lane<V> {
    pub(super) const fn new(question: &'static Question<V>, options: PgConnectOptions, queue: Arc<Queue<V>>) -> Self {
        Self { question, options, connection: None, queue }
    }

    /// Serves until the queue is closed and empty.
    pub(super) async fn serve(mut self) {
        loop {
            match self.queue.task(self.connection.is_some()) {
                Task::Connect => {
                    if let Err(error) = self.connect().await {
                        self.queue.is_unreachable(&SharedCause::of(error));
                        tokio::time::sleep(PAUSE).await;
                        self.queue.may_be_tried();
                    }
                }
                Task::Send => {
                    if let Some(batch) = self.queue.take() {
                        let lookups = batch.askers.len();
                        self.answer(batch).await;
                        self.queue.is_done(lookups);
                    }
                    // Who was answered just now may ask again, and who has asked may share the next statement.
                    tokio::task::yield_now().await;
                }
                Task::Rest => {
                    self.queue.wake.notified().await;
                    // Others that can run now may ask as well: they share the statement.
                    tokio::task::yield_now().await;
                }
                Task::End => break,
            }
        }
        if let Some(connection) = self.connection.take() {
            self.queue.is_cut();
            drop(connection.close().await); // a server that is gone has closed it already
        }
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        let connected = match timeout(CONNECT_MAX, connect(&self.options, ONE_PLAN, self.queue.limits.answer)).await {
            Ok(connected) => connected.map_err(store_error)?,
            Err(_) => return Err(unavailable("the database could not be reached in time")),
        };
        self.connection = Some(connected);
        self.queue.is_connected();
        Ok(())
    }

    /// Answers everybody in the batch.
    async fn answer(&mut self, mut batch: Batch<V>) {
        let digests: Vec<_> = batch.askers.keys().copied().collect();
        match self.ask(&digests).await {
            Ok(rows) => self.hand_out(&rows, &mut batch),
            // One row that cannot be read fails its own request only.
            Err(Failed::Data(_)) if digests.len() > 1 => self.answer_one_by_one(&digests, &mut batch).await,
            Err(failed) => refuse(batch, failed),
        }
    }

    async fn answer_one_by_one(&mut self, digests: &[TokenDigest], batch: &mut Batch<V>) {
        for digest in digests {
            let Some(askers) = batch.askers.remove(digest) else { continue };
            let mut alone = Batch { askers: HashMap::from([(*digest, askers)]) };
            match self.ask(&[*digest]).await {
                Ok(rows) => self.hand_out(&rows, &mut alone),
                Err(failed) => refuse(alone, failed),
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
        let digests: Vec<&[u8]> = digests.iter().map(|digest| &digest.as_bytes()[..]).collect();
        // Longer than the server lets it take: so a connection is given up that was cut off, and none that only waits for a lock.
        let limit = self.queue.limits.answer;
        match self.try_ask(&digests, limit * 3 / 2).await {
            Err(Failed::Connection(_)) => {
                self.connect().await.map_err(Failed::Connection)?;
                self.try_ask(&digests, limit * 3).await
            }
            done => done,
        }
    }

    async fn try_ask(&mut self, digests: &[&[u8]], patience: Duration) -> Result<Vec<PgRow>, Failed> {
        // Taken, so that after an error or a timeout nobody reads the rest of an old answer.
        let Some(mut connection) = self.connection.take() else {
            return Err(Failed::Connection(unavailable("the connection is gone")));
        };
        let asking = sqlx::query(self.question.statement).bind(digests).fetch_all(&mut connection);
        let failed = match timeout(patience, asking).await {
            Ok(Ok(rows)) => {
                self.connection = Some(connection);
                return Ok(rows);
            }
            Ok(Err(error)) if is_of_the_data(&error) => Failed::Data(store_error(error)),
            Ok(Err(error)) if is_given_up(&error) => Failed::GivenUp(store_error(error)),
            Ok(Err(error)) => Failed::Connection(store_error(error)),
            Err(_) => Failed::Connection(unavailable("the database did not answer in time")),
        };
        match failed {
            Failed::Connection(_) => self.queue.is_cut(),
            Failed::GivenUp(_) | Failed::Data(_) => self.connection = Some(connection),
        }
        Err(failed)
    }
}

/// Everybody in the batch gets the same cause.
fn refuse<V>(batch: Batch<V>, failed: Failed) {
    let cause = SharedCause::of(failed.into_error());
    tracing::warn!(%cause, lookups = batch.askers.len(), "sessions could not be looked up");
    for asker in batch.askers.into_values().flatten() {
        asker.send(Err(cause.error())).ok(); // who asked may have gone away
    }
}
