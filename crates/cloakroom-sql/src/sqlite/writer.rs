//! The single writer: one task, one connection, one queue. Nothing else writes.
//!
//! SQLite admits one writer at a time anyway. Queueing in front of it instead of inside it means that nobody waits in
//! `busy_timeout` for somebody in the same process, and that whatever queued up while a commit was on its way to the
//! disk shares the next one. Each job has a savepoint of its own: one that fails takes back its own changes only.
//! An answer is given after the commit, never before.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::error::store_error;
use super::location::FileIdentity;
use crate::counts::{Batches, PoolCounts, WriterCounts};
use crate::error::{SharedCause, unavailable};

/// How many jobs share one commit at most: bounds how long the first of them waits for the last.
const GROUP_MAX: usize = 64;
/// How long a job waits for a place in a full queue before it is refused as busy.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    jobs: AtomicU64,
    reopened: AtomicU64,
    batches: Batches,
    /// Jobs of the transaction under way.
    at_work: AtomicU64,
}

/// The way into the queue. Clones share it.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    counters: Arc<Counters>,
}

enum Message {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

/// Something to be done in the writer's transaction, and somebody who waits for it.
trait Job: Send {
    /// Does it and keeps the result. An error asks for the job's changes to be taken back.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), StoreErrorKind>>;
    /// Hands the result over, or why the commit failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct TypedJob<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    asker: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for TypedJob<T, F>
where
    T: Send,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), StoreErrorKind>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(()) };
            let result = work(connection).await;
            let outcome = result.as_ref().map(|_| ()).map_err(|error| error.kind().clone());
            self.result = Some(result);
            outcome
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            // A job that failed has its own reason, which says more than that of the group.
            (_, Some(Err(own))) => Err(own),
            (Err(failed), _) => Err(failed),
            (Ok(()), Some(Ok(done))) => Ok(done),
            (Ok(()), None) => Err(unavailable("the writer did not get to it")),
        };
        // The asker may have gone away. What was committed stays committed.
        drop(self.asker.send(result));
    }
}

impl Writer {
    /// Starts the writer on an open connection. `again` opens the file once more after a failure.
    pub(crate) fn start(
        connection: SqliteConnection,
        identity: FileIdentity,
        path: PathBuf,
        again: SqliteConnectOptions,
        queue_max: usize,
    ) -> Self {
        let (queue, jobs) = mpsc::channel(queue_max.max(1));
        let counters = Arc::new(Counters::default());
        let open = Some((connection, identity));
        let task = Task { jobs, open, path, again, counters: Arc::clone(&counters) };
        drop(tokio::spawn(task.serve())); // it ends when the last handle is gone, or at close
        Self { queue, counters }
    }

    /// Runs `work` in a savepoint of the writer's next transaction and answers once that is committed.
    ///
    /// `work` must leave nothing behind on the connection but its changes. It is done even if the asker goes away.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        let (asker, answer) = oneshot::channel();
        let job = Box::new(TypedJob { work: Some(work), result: None, asker });
        match tokio::time::timeout(QUEUE_WAIT, self.queue.send(Message::Job(job))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(unavailable("the database is closed")),
            Err(_) => return Err(StoreError::caused(StoreErrorKind::Busy, "the writer's queue is full")),
        }
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer stopped in the middle of it")))
    }

    /// Finishes what is queued, refuses what comes later, moves the log into the file and closes it.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            drop(closed.await); // an error means that the task is gone already
        }
    }

    pub(crate) fn counts(&self) -> WriterCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { commits, jobs, reopened, batches, .. } = &*self.counters;
        WriterCounts { commits: read(commits), jobs: read(jobs), reopened: read(reopened), batches: batches.read() }
    }

    /// The one connection, and how many jobs wait for the next transaction.
    pub(crate) fn pool_counts(&self) -> PoolCounts {
        let at_work = self.counters.at_work.load(Ordering::Relaxed).min(1);
        let waiting = (self.queue.max_capacity() - self.queue.capacity()) as u64;
        let taken = self.counters.commits.load(Ordering::Relaxed);
        PoolCounts { name: "writer", in_use: at_work, idle: 1 - at_work, waiting: Some(waiting), taken }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

struct Task {
    jobs: mpsc::Receiver<Message>,
    /// `None` after a failure that makes the connection worthless; it is opened again for the next group.
    open: Option<(SqliteConnection, FileIdentity)>,
    path: PathBuf,
    again: SqliteConnectOptions,
    counters: Arc<Counters>,
}

impl Task {
    async fn serve(mut self) {
        let mut closing = Vec::new();
        while let Some(first) = self.jobs.recv().await {
            let mut group = Vec::new();
            self.sort_in(first, &mut group, &mut closing);
            while group.len() < GROUP_MAX {
                let Ok(next) = self.jobs.try_recv() else { break };
                self.sort_in(next, &mut group, &mut closing);
            }
            if !group.is_empty() {
                self.serve_group(group, &mut closing).await;
            }
        }
        if let Some((mut connection, _)) = self.open.take() {
            // A reader in the middle of something may keep part of the log from moving; the next opening does it then.
            let moved = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.map(drop);
            if let Err(error) = moved.and(connection.close().await) {
                tracing::warn!(%error, "closing the database left its log behind; nothing is lost");
            }
        }
        for asker in closing {
            asker.send(()).ok(); // who asked may have gone away
        }
    }

    fn sort_in(&mut self, message: Message, group: &mut Vec<Box<dyn Job>>, closing: &mut Vec<oneshot::Sender<()>>) {
        match message {
            Message::Job(job) => group.push(job),
            Message::Close(asker) => {
                closing.push(asker);
                self.jobs.close(); // what is queued is still delivered
            }
        }
    }

    /// Serves one group. A panic in a job fails its group, whose connection is thrown away, and nothing more.
    async fn serve_group(&mut self, mut group: Vec<Box<dyn Job>>, closing: &mut Vec<oneshot::Sender<()>>) {
        self.counters.at_work.store(group.len() as u64, Ordering::Relaxed);
        let caught = AssertUnwindSafe(self.commit_group(&mut group)).catch_unwind().await;
        self.counters.at_work.store(0, Ordering::Relaxed);
        let Ok(result) = caught else {
            tracing::error!("a job of the writer panicked; its group is taken back");
            return; // dropping the jobs tells their askers
        };
        match result {
            Ok(()) => {
                self.counters.commits.fetch_add(1, Ordering::Relaxed);
                self.counters.jobs.fetch_add(group.len() as u64, Ordering::Relaxed);
                self.counters.batches.note(group.len() as u64);
                for job in group {
                    job.answer(Ok(()));
                }
            }
            Err(failure) => {
                // Who queued up meanwhile has waited as long: each would find the same and wait for it once more.
                while let Ok(next) = self.jobs.try_recv() {
                    self.sort_in(next, &mut group, closing);
                }
                tracing::warn!(cause = %failure, jobs = group.len(), "the writer could not commit");
                for job in group {
                    job.answer(Err(failure.error()));
                }
            }
        }
    }

    /// Runs the jobs in one transaction and commits it.
    async fn commit_group(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), SharedCause> {
        // Taken, so that after a panic or an error the connection is dropped, which takes back what it had not committed.
        let (mut connection, identity) = self.connection().await?;
        match in_transaction(&mut connection, group).await {
            Ok(usable) => {
                if usable {
                    self.open = Some((connection, identity));
                }
                Ok(())
            }
            Err(error) => {
                // Whatever state it is in, closing takes back what was not committed and lets go of every lock.
                drop(connection.close().await);
                Err(failed(error))
            }
        }
    }

    /// The connection, opened again if the last one failed or the file is another one by now.
    async fn connection(&mut self) -> Result<(SqliteConnection, FileIdentity), SharedCause> {
        let gone = || SharedCause::of(unavailable("the database file is gone or cannot be seen"));
        let identity = FileIdentity::of(&self.path);
        if let Some((connection, opened)) = self.open.take() {
            if identity == Some(opened) {
                return Ok((connection, opened));
            }
            tracing::error!("the database file was removed or replaced; opening what is there now");
        }
        let identity = identity.ok_or_else(gone)?;
        let connection = self.again.connect().await.map_err(failed)?;
        self.counters.reopened.fetch_add(1, Ordering::Relaxed);
        Ok((connection, identity))
    }
}

fn failed(error: sqlx::Error) -> SharedCause {
    SharedCause::of(store_error(error))
}

/// Each job in its savepoint, all in one transaction. Says whether the connection can be used again.
async fn in_transaction(connection: &mut SqliteConnection, group: &mut [Box<dyn Job>]) -> Result<bool, sqlx::Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let mut usable = true;
    for job in group {
        sqlx::query("SAVEPOINT job").execute(&mut *connection).await?;
        if let Err(kind) = job.run(&mut *connection).await {
            usable &= kind != StoreErrorKind::Unavailable;
            // Fails if SQLite took back the whole transaction by itself (disk full, I/O): then the group has failed.
            sqlx::query("ROLLBACK TO job").execute(&mut *connection).await?;
        }
        sqlx::query("RELEASE job").execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(usable)
}

#[cfg(test)]
mod tests;
