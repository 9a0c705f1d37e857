//! Whoever commits, in whichever way: the next lookup shows it.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Replace, Target, Touch};
use cloakroom_core::time::Timestamp;

use crate::world::{NOW, World, digest, open, subject};

fn after(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

#[tokio::test]
async fn what_this_process_does_itself() {
    let world = World::new().await;
    for (number, whose) in [(1, "ada"), (2, "ada"), (3, "bob")] {
        let _ = world.log_in(whose, number).await.unwrap();
    }
    for number in 1..=3 {
        let _ = world.remember(number).await;
    }
    let used = Touch { digest: digest(1), used_at: after(5_000) };
    assert_eq!(world.sessions.touch(vec![used], after(5_000)).await.unwrap(), Vec::new());
    assert_eq!(world.look_up(1).await.0, Some(after(5_000).as_millis()));
    let replace = Replace { old: digest(1), new: digest(9), now: after(6_000), reauthenticated_until: None };
    assert!(world.sessions.replace(replace).await.unwrap());
    assert_eq!(world.look_up(1).await.0, None);
    let _ = world.remember(9).await;
    let _ = world.remember(3).await;
    assert_eq!(world.sessions.end(Target::Token(digest(9)), EndReason::Logout, NOW).await.unwrap(), 1);
    assert_eq!(world.look_up(9).await.0, None);
    assert_eq!(world.sessions.end(Target::Subject(subject("bob")), EndReason::Logout, NOW).await.unwrap(), 1);
    assert_eq!(world.look_up(3).await.0, None);
}

#[tokio::test]
async fn another_process() {
    let world = World::new().await;
    for number in 1..=3 {
        let _ = world.log_in("ada", number).await.unwrap();
        let _ = world.remember(number).await;
    }
    world.sqlite("UPDATE sessions SET last_seen_at = 42 WHERE last_seen_at % 10 = 1");
    assert_eq!(world.remember(1).await, 42);
    world.sqlite("BEGIN; DELETE FROM sessions WHERE last_seen_at = 42; COMMIT");
    assert_eq!(world.look_up(1).await, (None, true));
    let _ = world.remember(2).await;
    world.sqlite("BEGIN; DELETE FROM sessions; ROLLBACK; SELECT count(*) FROM sessions");
    assert!(!world.look_up(2).await.1, "nothing was committed");
    // A transaction that is larger than its cache writes to the log before it commits.
    world.sqlite(
        "PRAGMA cache_size = 1; BEGIN; CREATE TABLE t (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n \
         LIMIT 2000) INSERT INTO t SELECT randomblob(500) FROM n; UPDATE sessions SET last_seen_at = 43; COMMIT",
    );
    assert_eq!(world.remember(2).await, 43);
    world.sqlite("DELETE FROM sessions");
    assert_eq!(world.look_up(2).await, (None, true));
}

#[tokio::test]
async fn another_connection_and_another_pool_of_this_process() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let _ = world.log_in("ada", 2).await.unwrap();
    let other = open(&world.dir).await;
    let (_, _) = (world.remember(1).await, world.remember(2).await);
    let ended = other.sessions().end(Target::Token(digest(1)), EndReason::Logout, NOW).await.unwrap();
    assert_eq!((ended, world.look_up(1).await), (1, (None, true)));
    let mut hand = world.somebody_else().await;
    let _ = world.remember(2).await;
    sqlx::query("UPDATE sessions SET last_seen_at = 42").execute(&mut hand).await.unwrap();
    assert_eq!(world.remember(2).await, 42);
}

#[tokio::test]
async fn checkpoints_and_logs_that_begin_anew_hide_nothing() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    for (round, maintenance) in
        ["wal_checkpoint(PASSIVE)", "wal_checkpoint(FULL)", "wal_checkpoint(RESTART)", "wal_checkpoint(TRUNCATE)"]
            .iter()
            .cycle()
            .take(16)
            .enumerate()
    {
        // The same number of pages in the log each time: nothing but the commit tells them apart.
        world.sqlite(&format!("UPDATE sessions SET last_seen_at = {round}"));
        assert_eq!(world.remember(1).await, i64::try_from(round).unwrap());
        world.sqlite(&format!("PRAGMA {maintenance}"));
        let _ = world.remember(1).await;
    }
    world.sqlite("VACUUM");
    let _ = world.remember(1).await;
    world.sqlite("DELETE FROM sessions; PRAGMA wal_checkpoint(TRUNCATE); VACUUM");
    assert_eq!(world.look_up(1).await, (None, true));
}

#[tokio::test]
async fn a_database_that_was_closed_and_opened_again() {
    let mut world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let _ = world.log_in("ada", 2).await.unwrap();
    for number in [1, 2] {
        let _ = world.remember(number).await;
        world.database.close().await;
        world.sqlite(&format!("DELETE FROM sessions WHERE token_digest = X'{}'", format!("{number:02X}").repeat(32)));
        world.database = open(&world.dir).await;
        world.sessions = world.database.sessions();
        assert_eq!(world.look_up(number).await, (None, true));
        // A log that was never written says nothing about the state.
        for _ in 0..3 {
            assert!(world.look_up(2).await.1);
        }
        world.sqlite(&format!("UPDATE session_subjects SET all_ended_at = {number} WHERE subject = 'ada'"));
        if number == 1 {
            let _ = world.remember(2).await;
        }
    }
}

#[tokio::test]
async fn an_index_in_the_middle_of_being_written_is_left_to_sqlite() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let seen = world.remember(1).await;
    // As somebody leaves it who was killed between the two copies. By another process: to close the file here would drop locks.
    let damage = "printf '\\377' | dd of=cloakroom.db-shm bs=1 seek=8 conv=notrunc status=none";
    let done = std::process::Command::new("sh").args(["-c", damage]).current_dir(world.dir.path()).status().unwrap();
    assert!(done.success());
    assert_eq!(world.look_up(1).await, (Some(seen), true));
    assert_eq!(world.remember(1).await, seen);
    world.sqlite("DELETE FROM sessions");
    assert_eq!(world.look_up(1).await, (None, true));
}
