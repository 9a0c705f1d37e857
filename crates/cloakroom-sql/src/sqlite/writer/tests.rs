//! The writer by itself: jobs that panic or fail, and a queue that is full.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use tempfile::TempDir;

use super::*;
use crate::sqlite::error::store_error;

async fn writer(queue_max: usize) -> (Writer, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = options.clone().journal_mode(SqliteJournalMode::Wal).connect().await.unwrap();
    sqlx::query("CREATE TABLE t (n INTEGER) STRICT").execute(&mut connection).await.unwrap();
    let identity = FileIdentity::of(&path).unwrap();
    (Writer::start(connection, identity, path, options, queue_max), dir)
}

/// Lets the compiler see that a closure serves every lifetime.
fn job<T, F>(work: F) -> F
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>>,
{
    work
}

async fn insert(writer: &Writer, n: i64) -> Result<(), StoreError> {
    let work = job(move |connection| {
        Box::pin(async move {
            let insert = sqlx::query("INSERT INTO t VALUES ($1)").bind(n);
            insert.execute(connection).await.map(drop).map_err(store_error)
        })
    });
    writer.run(work).await
}

async fn sum(writer: &Writer) -> i64 {
    let work = job(|connection| {
        Box::pin(async move {
            let sum: Option<i64> =
                sqlx::query_scalar("SELECT sum(n) FROM t").fetch_one(connection).await.map_err(store_error)?;
            Ok(sum.unwrap_or(0))
        })
    });
    writer.run(work).await.unwrap()
}

#[tokio::test]
async fn a_panic_fails_its_job_and_the_writer_lives_on() {
    let (writer, _dir) = writer(8).await;
    insert(&writer, 1).await.unwrap();
    let panics = job(|connection| {
        Box::pin(async move {
            sqlx::query("INSERT INTO t VALUES (100)").execute(connection).await.unwrap();
            assert_eq!(1, 2, "on purpose");
            Ok(())
        })
    });
    let error = writer.run(panics).await.unwrap_err();
    assert_eq!(*error.kind(), StoreErrorKind::Unavailable);
    insert(&writer, 2).await.unwrap();
    assert_eq!(sum(&writer).await, 3);
    assert_eq!(writer.counts().reopened, 1);
}

#[tokio::test]
async fn a_job_that_fails_takes_back_its_own_changes_only() {
    let (writer, _dir) = writer(8).await;
    let fails = job(|connection| {
        Box::pin(async move {
            sqlx::query("INSERT INTO t VALUES (100)").execute(connection).await.unwrap();
            Err::<(), _>(StoreError::new(StoreErrorKind::Conflict))
        })
    });
    // On one thread, all three are queued before the writer runs: one group, one commit.
    let (first, failed, last) = tokio::join!(insert(&writer, 1), writer.run(fails), insert(&writer, 2));
    assert!(first.is_ok() && last.is_ok());
    assert_eq!(*failed.unwrap_err().kind(), StoreErrorKind::Conflict);
    assert_eq!(writer.counts().commits, 1);
    assert_eq!(sum(&writer).await, 3);
}

#[tokio::test]
async fn a_full_queue_is_busy_and_not_endless() {
    let (writer, _dir) = writer(1).await;
    let (release, held) = oneshot::channel::<()>();
    let (started, running) = oneshot::channel::<()>();
    let holds = job(move |_| {
        Box::pin(async move {
            started.send(()).unwrap();
            held.await.unwrap();
            Ok(())
        })
    });
    let holder = tokio::spawn({
        let writer = writer.clone();
        async move { writer.run(holds).await }
    });
    running.await.unwrap();
    let waits = tokio::spawn({
        let writer = writer.clone();
        async move { insert(&writer, 1).await }
    });
    while writer.queue.capacity() > 0 {
        tokio::task::yield_now().await;
    }
    let error = insert(&writer, 2).await.unwrap_err();
    assert!(error.is_busy());
    release.send(()).unwrap();
    holder.await.unwrap().unwrap();
    waits.await.unwrap().unwrap();
    assert_eq!(sum(&writer).await, 1);
}

#[tokio::test]
async fn closing_serves_what_is_queued_and_refuses_the_rest() {
    let (writer, _dir) = writer(8).await;
    let (queued, (), ()) = tokio::join!(insert(&writer, 1), writer.close(), writer.close());
    queued.unwrap();
    assert_eq!(*insert(&writer, 2).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}
