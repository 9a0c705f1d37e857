//! Purging a table that is longer than a step of its walk.

use cloakroom_core::store::Purge;
use cloakroom_core::time::Timestamp;

use crate::world::{NOW, World};

/// More than two steps of the walk, and no round number of them.
const ROWS: i64 = 4_321;

/// Rows as another program may write them: every third is idle for long, the others live for long.
async fn fill(world: &World) {
    let fill = "INSERT INTO session_subjects (subject) VALUES ('ada');
        INSERT INTO sessions SELECT
            unhex(printf('%064x', value * 2654435761 % 4294967296)), printf('%08x-0000-7000-8000-%012x', value * 40503 % 65536, value),
            'ada', 0, 0, iif(value % 3 = 0, 0, 9e15), 1000, 9e15, 'password', NULL, NULL
        FROM (WITH RECURSIVE numbers(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM numbers WHERE value < 4321) SELECT value FROM numbers)";
    sqlx::raw_sql(fill).execute(&mut world.somebody_else().await).await.unwrap();
}

async fn count(world: &World, what: &'static str) -> i64 {
    sqlx::query_scalar(what).fetch_one(&mut world.somebody_else().await).await.unwrap()
}

#[tokio::test]
async fn a_walk_of_several_steps_finds_every_idle_session_and_no_other() {
    let world = World::new().await;
    fill(&world).await;
    assert_eq!(count(&world, "SELECT count(*) FROM sessions").await, ROWS);
    let purge = Purge { ended_before: NOW, feed_before: Timestamp::from_millis(0), chunk: 100, at: NOW };
    let mut purged = 0;
    loop {
        let chunk = world.sessions.purge(purge).await.unwrap();
        assert!(chunk.sessions <= 100);
        purged += chunk.sessions;
        if !chunk.more {
            break;
        }
    }
    assert_eq!(purged, u64::try_from(ROWS / 3).unwrap());
    assert_eq!(count(&world, "SELECT count(*) FROM sessions WHERE last_seen_at = 0").await, 0);
    assert_eq!(count(&world, "SELECT count(*) FROM session_feed WHERE reason = 'idle'").await, ROWS / 3);
    // The next walk starts over.
    sqlx::raw_sql("UPDATE sessions SET last_seen_at = 0 WHERE rowid % 2 = 0")
        .execute(&mut world.somebody_else().await)
        .await
        .unwrap();
    let idle = count(&world, "SELECT count(*) FROM sessions WHERE last_seen_at = 0").await;
    let everything = Purge { chunk: 10_000, ..purge };
    assert_eq!(world.sessions.purge(everything).await.unwrap().sessions, u64::try_from(idle).unwrap());
}
