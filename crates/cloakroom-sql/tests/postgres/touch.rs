//! Touching: one statement a batch, no index and no feed written, nothing moved backwards, no deadlock.

use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Target, Touch};
use cloakroom_core::world::PredictableRandom;
use cloakroom_sql::OpenOptions;
use testbed::postgres::Cluster;

use crate::world::{NOW, World, below, digest, seed};

fn touch(n: u64, seconds: u64) -> Touch {
    Touch { digest: digest(n), used_at: NOW.plus(Duration::from_secs(seconds)) }
}

/// Issues sessions 1 to `count`, of a few subjects.
async fn with_sessions(world: &World, count: u64) {
    for n in 1..=count {
        world.log_in(&format!("s{}", n % 7), n).await;
    }
}

/// Sweeps over 300 sessions as they are used over time, a few of each page at once; returns how many rows were updated,
/// and how many of those without a new entry in any index.
async fn swept(cluster: &Cluster, change: &str) -> (i64, i64) {
    // On one connection, so that sessions lie in the order they were issued in, and a page's are not all used at once.
    let world = World::alone_on(cluster, OpenOptions { connections_max: 1, ..OpenOptions::default() }).await;
    with_sessions(&world, 300).await;
    let mut hand = world.hand().await;
    hand.run(change).await;
    for sweep in 1..=24 {
        let uses = (1..=300).filter(|n| n % 8 == sweep % 8).map(|n| touch(n, sweep)).collect();
        assert_eq!(world.sessions.touch(uses, NOW).await.unwrap(), []);
    }
    world.database.close().await;
    hand.is_alone().await;
    let count = async |hand: &mut crate::world::Hand, column: &str| {
        hand.number(&format!("SELECT {column} FROM pg_stat_user_tables WHERE relid = 'sessions'::regclass")).await
    };
    (count(&mut hand, "n_tup_upd").await, count(&mut hand, "n_tup_hot_upd").await)
}

#[tokio::test]
async fn touches_are_heap_only_updates() {
    // A server of its own, with nothing in the background: old versions stay on their page for as long as any transaction
    // on the server may need them.
    let cluster = Cluster::start().unwrap();
    cluster.psql("postgres", "ALTER SYSTEM SET autovacuum = off").unwrap();
    cluster.stop("fast").unwrap();
    cluster.start_server().unwrap();
    assert_eq!(swept(&cluster, "").await, (900, 900), "each stays on its page and out of every index");
    let index = "CREATE INDEX bad ON sessions (last_seen_at)";
    assert_eq!(swept(&cluster, index).await, (900, 0), "and an index on what is touched would be seen");
}

#[tokio::test]
async fn a_batch_is_one_statement_and_writes_no_feed() {
    let world = World::new().await;
    with_sessions(&world, 60).await;
    let mut hand = world.hand().await;
    hand.run(
        "CREATE TABLE seen (statement bigint GENERATED ALWAYS AS IDENTITY, transaction xid8 DEFAULT pg_current_xact_id());
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen DEFAULT VALUES; RETURN NULL; END $$;
         CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .await;
    for sweep in 1..=3 {
        let gone = world.sessions.touch((1..=61).map(|n| touch(n, sweep)).collect(), NOW).await.unwrap();
        assert_eq!(gone, [digest(61)], "what is missing is reported");
    }
    assert_eq!(hand.number("SELECT count(*) FROM seen").await, 3);
    assert_eq!(hand.number("SELECT count(DISTINCT transaction) FROM seen").await, 3);
    assert_eq!(hand.number("SELECT count(*) FROM session_feed").await, 0);
}

#[tokio::test]
async fn nothing_moves_backwards_not_within_a_batch_either() {
    let world = World::new().await;
    with_sessions(&world, 2).await;
    let seen = async |n| world.sessions.find(digest(n)).await.unwrap().unwrap().last_seen_at;
    for (uses, first, second) in [
        (vec![touch(1, 50), touch(2, 50)], 50, 50),
        (vec![touch(1, 40), touch(2, 60)], 50, 60),
        (vec![touch(1, 70), touch(2, 61), touch(1, 30), touch(2, 80), touch(1, 69)], 70, 80),
    ] {
        assert_eq!(world.sessions.touch(uses, NOW).await.unwrap(), []);
        let expected = [first, second].map(|seconds| NOW.plus(Duration::from_secs(seconds)));
        assert_eq!([seen(1).await, seen(2).await], expected);
    }
}

#[tokio::test]
async fn a_touch_that_waited_for_an_ending_brings_nobody_back() {
    let world = World::new().await;
    with_sessions(&world, 2).await;
    let mut hand = world.hand().await;
    hand.run("BEGIN; DELETE FROM sessions WHERE subject = 's1'").await;
    let sessions = world.sessions.clone();
    let touching = tokio::spawn(async move { sessions.touch(vec![touch(1, 9), touch(2, 9)], NOW).await });
    hand.holds_back(1).await;
    hand.run("COMMIT").await;
    assert_eq!(touching.await.unwrap().unwrap(), [digest(1)]);
    assert!(!world.is_found(1).await && world.is_found(2).await);

    let mut hand = world.hand().await;
    hand.run("BEGIN; UPDATE sessions SET absolute_expires_at = '2020-01-01' WHERE subject = 's2'").await;
    let sessions = world.sessions.clone();
    let touching = tokio::spawn(async move { sessions.touch(vec![touch(2, 99)], NOW).await });
    hand.holds_back(1).await;
    hand.run("COMMIT").await;
    assert_eq!(touching.await.unwrap().unwrap(), [digest(2)], "ended by its new expiry: refused, and not moved");
    let last_seen_at = world.sessions.find(digest(2)).await.unwrap().unwrap().last_seen_at;
    assert_eq!(last_seen_at, NOW.plus(Duration::from_secs(9)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sweeps_of_the_same_sessions_never_deadlock() {
    let world = World::alone().await;
    with_sessions(&world, 120).await;
    let (there, seed) = (world.instance().await, seed());
    let sweeps = (0..8).map(|task| {
        let sessions = if task % 2 == 0 { world.sessions.clone() } else { there.sessions.clone() };
        tokio::spawn(async move {
            let random = PredictableRandom::from_seed(seed << 8 | task);
            for sweep in 1..=40 {
                // A run of neighbours from anywhere, each followed by the next: other digests, in another order.
                let (from, step) = (below(&random, 120), 1 + below(&random, 11));
                let uses = (0..80).map(|i| touch(1 + (from + i * step) % 120, sweep));
                let uses: Vec<_> = uses.collect();
                assert_eq!(sessions.touch(uses, NOW).await.unwrap(), []);
            }
        })
    });
    for sweep in sweeps.collect::<Vec<_>>() {
        sweep.await.unwrap();
    }
    let mut hand = world.hand().await;
    world.sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap();
    world.database.close().await;
    there.database.close().await;
    assert_eq!(hand.deadlocks().await, 0);
}
