//! A file that is replaced by another one takes along what was remembered of it.

use cloakroom_core::store::StoreErrorKind;

use crate::shell::sqlite;
use crate::world::{World, digest};

#[tokio::test]
async fn another_file_at_the_path() {
    let (old, new) = (World::new().await, World::new().await);
    let _ = old.log_in("ada", 1).await.unwrap();
    let _ = new.log_in("bob", 2).await.unwrap();
    let _ = old.remember(1).await;
    new.database.close().await;
    std::fs::rename(new.path(), old.path()).unwrap();
    for log in ["cloakroom.db-wal", "cloakroom.db-shm"] {
        std::fs::remove_file(old.dir.path().join(log)).unwrap();
    }
    assert_eq!(old.look_up(1).await.0, None, "it was ended in the file that is there now");
    assert!(old.look_up(2).await.0.is_some());
    old.sqlite("UPDATE sessions SET last_seen_at = 42");
    assert_eq!(old.look_up(2).await.0, Some(42));
    old.sqlite("DELETE FROM sessions");
    assert_eq!(old.look_up(2).await.0, None);
    std::fs::remove_file(old.path()).unwrap();
    assert_eq!(*old.sessions.find(digest(2)).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_file_without_a_log_beside_the_index_of_the_old_one() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let _ = world.remember(1).await;
    let new = world.dir.path().join("new.db");
    world.sqlite(&format!("VACUUM INTO '{}'", new.display()));
    assert_eq!(sqlite(&new, "PRAGMA journal_mode"), "delete");
    std::fs::rename(&new, world.path()).unwrap();
    std::fs::remove_file(world.dir.path().join("cloakroom.db-wal")).unwrap();
    for _ in 0..3 {
        let (seen, is_asked) = world.look_up(1).await;
        assert!(seen.is_some() && is_asked, "what is committed there changes no mark");
    }
    world.sqlite("UPDATE sessions SET last_seen_at = 42");
    assert_eq!(world.look_up(1).await, (Some(42), true));
    world.sqlite("DELETE FROM sessions");
    assert_eq!(world.look_up(1).await, (None, true));
}

#[tokio::test]
async fn an_index_that_was_removed_by_hand_is_not_mistaken_for_the_one_in_use() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    // Before the first lookup; and another program that finds none makes a new one.
    std::fs::remove_file(world.dir.path().join("cloakroom.db-shm")).unwrap();
    let mut other = crate::shell::Shell::open(&world.path());
    assert_eq!(other.line("SELECT count(*) FROM sessions;"), "1");
    assert!(world.dir.path().join("cloakroom.db-shm").exists());
    for _ in 0..3 {
        assert!(world.look_up(1).await.1, "the commits of this process would not show in it");
    }
    let _ = world.log_in("ada", 2).await.unwrap();
    assert!(world.look_up(2).await.0.is_some());
}

#[tokio::test]
async fn a_link_leads_to_the_index_beside_the_file() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let link = place.path().join("link.db");
    std::os::unix::fs::symlink(world.path(), &link).unwrap();
    let url = format!("sqlite:{}", link.display());
    let database = cloakroom_sql::Database::open(&url, cloakroom_sql::OpenOptions::default()).await.unwrap();
    let linked = World { sessions: database.sessions(), database, dir: place };
    let _ = linked.remember(1).await;
    world.sqlite("UPDATE sessions SET last_seen_at = 42");
    assert_eq!(linked.remember(1).await, 42);
}
