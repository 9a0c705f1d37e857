//! What was removed from the feed: whoever had not seen it is told that something is missing, and nobody else is.

use std::sync::LazyLock;
use std::time::Duration;

use cloakroom_core::coherence::{Delta, Loss};
use cloakroom_core::store::Purge;
use cloakroom_sql::OpenOptions;
use testbed::postgres::Cluster;
use tokio::sync::{Mutex, MutexGuard};

use crate::follow::{Follower, digests, log_out};
use crate::world::{Hand, NOW, World};

const LOST: Delta = Delta::Lost(Loss::Purged);

/// A server for one of these tests at a time: whose transactions were in progress, of any database, decides what a store can
/// be sure of.
static QUIET: LazyLock<Mutex<Cluster>> = LazyLock::new(|| Mutex::new(Cluster::start().unwrap()));

/// Four sessions on the quiet server.
async fn world() -> (World, Hand, MutexGuard<'static, Cluster>) {
    let cluster = QUIET.lock().await;
    let world = World::alone_on(&cluster, OpenOptions::default()).await;
    for n in 1..=4 {
        world.log_in("ada", n).await;
    }
    let hand = world.hand().await;
    (world, hand, cluster)
}

#[tokio::test]
async fn a_purge_is_lost_to_who_had_not_seen_it_and_to_nobody_else() {
    let (world, _hand, _quiet) = world().await;
    let (mut early, mut late) = (Follower::of(&*world.sessions).await, Follower::of(&*world.sessions).await);
    log_out(&world, 1).await;
    assert_eq!(late.ended().await, digests([1]));
    let everything = Purge { ended_before: NOW, feed_before: NOW.plus(Duration::from_millis(1)), chunk: 9, at: NOW };
    assert_eq!(world.sessions.purge(everything).await.unwrap().feed, 1);
    log_out(&world, 2).await;
    assert_eq!(early.poll().await.unwrap(), LOST);
    assert_eq!(late.ended().await, digests([2]));
    assert_eq!(early.changes().await, []);
}

#[tokio::test]
async fn entries_removed_by_hand_are_missed() {
    let (world, mut hand, _quiet) = world().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for (n, removal) in [
        (1, "DELETE FROM session_feed"),
        (2, "TRUNCATE session_feed"),
        (3, "TRUNCATE session_feed, session_feed_floor"),
        (4, "BEGIN ISOLATION LEVEL SERIALIZABLE; DELETE FROM session_feed; COMMIT"),
    ] {
        log_out(&world, n).await;
        hand.run(removal).await;
        assert_eq!(follower.poll().await.unwrap(), LOST, "{removal}");
        assert_eq!(follower.changes().await, [], "{removal}");
        hand.run(removal).await;
        let after = follower.poll().await.unwrap();
        assert!(
            after == Delta::Changes(Vec::new()) || removal.starts_with("TRUNCATE"),
            "{removal}: there was nothing left"
        );
    }
    hand.run("DELETE FROM session_feed_floor").await;
    assert!(follower.poll().await.is_err(), "without that row nobody can know");
    log_out_again(&world, &mut hand).await;
    assert_eq!(follower.poll().await.unwrap(), LOST, "and it comes back");
}

async fn log_out_again(world: &World, hand: &mut Hand) {
    world.log_in("ada", 5).await;
    log_out(world, 5).await;
    hand.run("DELETE FROM session_feed").await;
}

#[tokio::test]
async fn what_was_in_progress_and_went_with_what_was_seen_is_missed() {
    let (world, mut hand, _quiet) = world().await;
    let mut late = world.hand().await;
    late.run("BEGIN; DELETE FROM sessions WHERE created_at = to_timestamp(1790000000.001)").await;
    log_out(&world, 2).await;
    let mut follower = Follower::of(&*world.sessions).await;
    late.run("COMMIT").await;
    hand.run("DELETE FROM session_feed").await;
    assert_eq!(follower.poll().await.unwrap(), LOST, "the highest that was removed had been seen, another one had not");
}

#[tokio::test]
async fn a_long_transaction_makes_nobody_miss_anything() {
    let (world, mut hand, _quiet) = world().await;
    let mut long = world.hand().await;
    long.run("BEGIN; SELECT pg_current_xact_id()").await;
    log_out(&world, 1).await;
    let mut follower = Follower::of(&*world.sessions).await;
    for n in 2..=4 {
        hand.run("DELETE FROM session_feed").await;
        log_out(&world, n).await;
        assert_eq!(follower.ended().await, digests([n]));
    }
    long.run("COMMIT").await;
    assert_eq!(follower.changes().await, [], "nor when it ends");
}

#[tokio::test]
async fn a_removal_that_is_taken_back_is_none() {
    let (world, mut hand, _quiet) = world().await;
    let mut follower = Follower::of(&*world.sessions).await;
    log_out(&world, 1).await;
    hand.run("BEGIN; DELETE FROM session_feed; ROLLBACK; BEGIN; TRUNCATE session_feed; ROLLBACK").await;
    assert_eq!(follower.ended().await, digests([1]));
}

#[tokio::test]
async fn transactions_of_another_server_are_nobodys_news() {
    let (world, mut hand, _quiet) = world().await;
    let mut follower = Follower::of(&*world.sessions).await;
    // As a restored dump has them: far above every transaction there was here.
    hand.run(
        "INSERT INTO session_feed (xid, kind, token_digest, session_id, subject, reason, at) \
         SELECT '4000000000', 'ended', sha256('1'), gen_random_uuid(), 'ada', 'logout', now() FROM generate_series(1, 3);
         UPDATE session_feed_floor SET removed_to = '4000000001', removed_by = '4000000002', emptied_by = '4000000003'",
    )
    .await;
    assert_eq!(follower.changes().await, []);
    log_out(&world, 1).await;
    assert_eq!(follower.ended().await, digests([1]));
    hand.run("DELETE FROM session_feed WHERE reason = 'logout' AND xid >= '4000000000'").await;
    assert_eq!(follower.changes().await, [], "neither are they when they go");
    // What is ours and unseen, is; also where it goes with them.
    log_out(&world, 2).await;
    hand.run(
        "INSERT INTO session_feed (xid, kind, subject, reason, at) VALUES ('4000000000', 'ended', 'ada', 'logout', now()); \
         DELETE FROM session_feed",
    )
    .await;
    assert_eq!(follower.poll().await.unwrap(), LOST);
    log_out(&world, 3).await;
    hand.run("DELETE FROM session_feed WHERE position < (SELECT max(position) FROM session_feed)").await;
    assert_eq!(follower.ended().await, digests([3]), "the foreign number does not stay");
}

#[tokio::test]
async fn of_two_removals_at_once_none_is_overlooked() {
    let (world, mut hand, _quiet) = world().await;
    let mut other = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    log_out(&world, 1).await;
    log_out(&world, 2).await;
    hand.run("BEGIN; DELETE FROM session_feed WHERE position = (SELECT max(position) FROM session_feed)").await;
    let waiting = other.run("DELETE FROM session_feed WHERE position = (SELECT min(position) FROM session_feed)");
    let committing = async {
        hand.holds_back(1).await;
        hand.run("COMMIT").await;
    };
    futures_util::future::join(waiting, committing).await;
    assert_eq!(follower.poll().await.unwrap(), LOST);
    assert_eq!(follower.changes().await, []);
}

/// Whoever removes entries takes the row that remembers it last, and waits for nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn removing_by_hand_beside_a_purge_meets_no_deadlock() {
    let (world, mut hand, _quiet) = world().await;
    for round in 0..20 {
        hand.run(
            "INSERT INTO session_feed (kind, subject, reason, at) SELECT (ARRAY['ended', 'changed'])[1 + n % 2], 'ada', 'by_hand', \
             to_timestamp(1780000000 + n) FROM generate_series(1, 200) n",
        )
        .await;
        let everything = Purge { ended_before: NOW, feed_before: NOW, chunk: 10, at: NOW };
        let purging = async { while world.sessions.purge(everything).await.unwrap().more {} };
        let (one, other) = (world.hand().await, world.hand().await);
        let removing = [one, other].map(async |mut hand| {
            for _ in 0..40 {
                let one_row = "DELETE FROM session_feed WHERE position = (SELECT min(position) FROM session_feed WHERE kind = 'changed')";
                hand.try_run(one_row).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
            }
        });
        futures_util::future::join(purging, futures_util::future::join_all(removing)).await;
    }
    world.database.close().await;
    assert_eq!(hand.deadlocks().await, 0);
}
