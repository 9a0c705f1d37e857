//! Lookups on the calling thread, and what is left to the readers.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{StoreErrorKind, Target};
use cloakroom_sql::{Database, OpenOptions};
use futures_util::FutureExt as _;
use sqlx::Connection as _;

use crate::world::{NOW, World, digest, record, url};

#[tokio::test]
async fn a_lookup_is_answered_where_it_is_asked() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    for (number, wanted) in [(1, Some(record("ada", 1))), (2, None)] {
        let at_once = world.sessions.find(digest(number)).now_or_never();
        assert_eq!(at_once.expect("no other thread is asked").unwrap(), wanted);
    }
    // What another program deletes is gone for the next lookup.
    let mut hand = world.somebody_else().await;
    sqlx::query("DELETE FROM sessions").execute(&mut hand).await.unwrap();
    assert_eq!(world.sessions.find(digest(1)).now_or_never().unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_slow_disk_may_be_left_to_the_readers() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let options = OpenOptions { lookups_in_place: false, ..OpenOptions::default() };
    let sessions = Database::open(&url(&world.dir), options).await.unwrap().sessions();
    assert!(sessions.find(digest(1)).now_or_never().is_none(), "somebody else reads");
    assert_eq!(sessions.find(digest(1)).await.unwrap(), Some(record("ada", 1)));
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let _ = world.log_in("bob", 2).await.unwrap();
    let mut hand = world.somebody_else().await;
    sqlx::query("UPDATE sessions SET auth_method = 'NOT A METHOD' WHERE subject = 'ada'")
        .execute(&mut hand)
        .await
        .unwrap();
    let corrupt = StoreErrorKind::Corrupt { table: "sessions", column: "auth_method" };
    assert_eq!(*world.sessions.find(digest(1)).await.unwrap_err().kind(), corrupt);
    assert_eq!(world.sessions.find(digest(2)).now_or_never().unwrap().unwrap(), Some(record("bob", 2)));
}

#[tokio::test]
async fn a_file_that_was_replaced_is_looked_up_anew() {
    let (old, new) = (World::new().await, World::new().await);
    let _ = old.log_in("ada", 1).await.unwrap();
    let _ = new.log_in("bob", 2).await.unwrap();
    assert!(old.sessions.find(digest(1)).await.unwrap().is_some());
    new.database.close().await;
    std::fs::rename(new.path(), old.path()).unwrap();
    for log in ["cloakroom.db-wal", "cloakroom.db-shm"] {
        std::fs::remove_file(old.dir.path().join(log)).unwrap();
    }
    assert_eq!(old.sessions.find(digest(1)).await.unwrap(), None, "it was ended in the file that is there now");
    assert_eq!(old.sessions.find(digest(2)).await.unwrap(), Some(record("bob", 2)));
    std::fs::remove_file(old.path()).unwrap();
    assert_eq!(*old.sessions.find(digest(2)).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_lookup_leaves_no_lock_and_no_old_view_behind() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
    let ended = world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW).await.unwrap();
    assert_eq!((ended, world.sessions.find(digest(1)).await.unwrap()), (1, None));
    // Nothing keeps the log from being moved into the file.
    let mut hand = world.somebody_else().await;
    let (busy, _, _): (i64, i64, i64) =
        sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut hand).await.unwrap();
    assert_eq!(busy, 0);
    hand.close().await.unwrap();
}

#[tokio::test]
async fn after_closing_nothing_is_looked_up() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
    world.database.close().await;
    assert_eq!(*world.sessions.find(digest(1)).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
    assert!(!world.dir.path().join("cloakroom.db-wal").exists(), "the last connection took the log along");
}
