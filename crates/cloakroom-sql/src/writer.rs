//! The single writer of a SQLite file: one task owns the one connection that writes, and groups concurrent commits.
//!
//! Each operation runs in its own savepoint and is answered after the commit of its group: an answer means durable.
//! What must not live here: what the operations are.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use futures_util::FutureExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::error::store_error;

/// Most operations committed together: bounds how long the first of them waits.
const GROUP_MAX: usize = 64;
/// Most operations waiting. Past it the caller waits, and after [`QUEUE_WAIT`] is told that the database is busy.
const QUEUE_MAX: usize = 1_024;
const QUEUE_WAIT: Duration = Duration::from_secs(5);

/// What an operation does on the writing connection.
pub(crate) type Work<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// Runs with a connection, or, where the transaction could not even begin, only answers why.
type Job = Box<
    dyn for<'c> FnOnce(
            Result<&'c mut SqliteConnection, StoreErrorKind>,
        ) -> Pin<Box<dyn Future<Output = Done> + Send + 'c>>
        + Send,
>;

/// An operation that has run and is not committed.
struct Done {
    /// Why its savepoint is rolled back, if it is.
    failed: Option<StoreErrorKind>,
    /// Answers whoever asked, with the fate of the group.
    answer: Box<dyn FnOnce(Result<(), StoreErrorKind>) + Send>,
}

enum Message {
    Run(Job),
    Close(oneshot::Sender<()>),
}

/// A handle to the writing task.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task on an open connection; `options` open another one should that break.
    pub(crate) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task { messages, connection: Some(connection), options, commits: Arc::clone(&commits) };
        drop(tokio::spawn(task.run()));
        Self { queue, commits }
    }

    /// Runs `work` in a transaction; when this returns `Ok`, it is durable.
    ///
    /// If the caller goes away meanwhile, the work is done or not done as a whole.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c, T> + Send + 'static,
    {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |begun| {
            let work = begun.map(work);
            Box::pin(async move {
                let result = match work {
                    Ok(work) => work.await,
                    Err(kind) => Err(StoreError::new(kind)),
                };
                let failed = result.as_ref().err().map(|error| error.kind().clone());
                let answer = Box::new(move |committed: Result<(), StoreErrorKind>| {
                    let said = result.and_then(|value| committed.map(|()| value).map_err(StoreError::new));
                    drop(sender.send(said)); // whoever asked may have gone
                });
                Done { failed, answer }
            })
        });
        let unavailable = || StoreError::new(StoreErrorKind::Unavailable);
        match self.queue.send_timeout(Message::Run(job), QUEUE_WAIT).await {
            Ok(()) => answer.await.map_err(|_| unavailable())?,
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => Err(StoreError::new(StoreErrorKind::Busy)),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(unavailable()),
        }
    }

    /// Ends the task after what is queued now, and its connection.
    pub(crate) async fn close(&self) {
        let (sender, closed) = oneshot::channel();
        if self.queue.send(Message::Close(sender)).await.is_ok() {
            drop(closed.await);
        }
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

struct Task {
    messages: mpsc::Receiver<Message>,
    /// `None` after a failure that leaves its state in doubt.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    commits: Arc<AtomicU64>,
}

impl Task {
    async fn run(mut self) {
        while let Some(message) = self.messages.recv().await {
            let mut next = Some(message);
            let mut group = Vec::new();
            let mut closing = None;
            while let Some(message) = next.take() {
                match message {
                    Message::Run(job) => group.push(job),
                    Message::Close(sender) => {
                        closing = Some(sender);
                        break;
                    }
                }
                if group.len() < GROUP_MAX {
                    next = self.messages.try_recv().ok();
                }
            }
            if !group.is_empty() {
                self.commit(group).await;
            }
            if let Some(sender) = closing {
                if let Some(connection) = self.connection.take() {
                    drop(connection.close().await);
                }
                let _ = sender.send(()); // whoever asked may have gone
                return;
            }
        }
    }

    /// Runs a group in one transaction and answers everybody in it.
    async fn commit(&mut self, group: Vec<Job>) {
        let mut done = Vec::with_capacity(group.len());
        let fate = match self.run_group(group, &mut done).await {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%error, operations = done.len(), "a group of writes was not committed");
                self.abandon(&error).await;
                Err(error.kind().clone())
            }
        };
        for done in done {
            (done.answer)(fate.clone());
        }
    }

    /// # Errors
    /// When the group as a whole has to be rolled back. Jobs that have not run are dropped: their callers hear "unavailable".
    async fn run_group(&mut self, group: Vec<Job>, done: &mut Vec<Done>) -> Result<(), StoreError> {
        let connection = match self.begin().await {
            Ok(connection) => connection,
            Err(error) => {
                // Nothing has run: everybody hears why, not only that it failed.
                for job in group {
                    done.push(job(Err(error.kind().clone())).await);
                }
                return Err(error);
            }
        };
        for job in group {
            execute(connection, "SAVEPOINT operation").await?;
            let ran = AssertUnwindSafe(job(Ok(connection))).catch_unwind().await;
            let Ok(finished) = ran else {
                tracing::error!("a write panicked");
                return Err(StoreError::new(StoreErrorKind::Unavailable));
            };
            let failed = finished.failed.clone();
            done.push(finished);
            match failed {
                None => {}
                // SQLite may have rolled the transaction back by itself: what follows must not run outside of it.
                Some(kind @ (StoreErrorKind::Unavailable | StoreErrorKind::Busy)) => return Err(StoreError::new(kind)),
                Some(_) => execute(connection, "ROLLBACK TO operation").await?,
            }
            execute(connection, "RELEASE operation").await?;
        }
        execute(connection, "COMMIT").await
    }

    async fn begin(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(store_error)?,
        };
        let connection = self.connection.insert(connection);
        execute(connection, "BEGIN IMMEDIATE").await?;
        Ok(connection)
    }

    /// Leaves no transaction open; a connection in doubt is replaced before the next group.
    async fn abandon(&mut self, error: &StoreError) {
        let Some(mut connection) = self.connection.take() else { return };
        let is_rolled_back = execute(&mut connection, "ROLLBACK").await.is_ok();
        if is_rolled_back || error.is_busy() {
            self.connection = Some(connection);
        } else {
            drop(connection.close_hard().await);
        }
    }
}

async fn execute(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), StoreError> {
    sqlx::query(statement).execute(connection).await.map_err(store_error)?;
    Ok(())
}
