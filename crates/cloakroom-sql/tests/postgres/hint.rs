//! Hints, the connection they come over, and what becomes of it: no change is lost with it.

use std::time::Duration;

use cloakroom_core::store::StoreErrorKind;
use cloakroom_sql::{Database, OpenOptions};
use testbed::postgres::Cluster;
use testbed::wire::Wire;
use tokio::time::Instant;

use crate::follow::{Follower, digests, log_out};
use crate::world::{Hand, World};

/// What may be waited for at most where nothing should be waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// A time limit that is reached on purpose.
const SOON: Duration = Duration::from_millis(400);

async fn hinted(follower: &mut Follower) {
    tokio::time::timeout(PATIENCE, follower.reader.hinted()).await.expect("no hint came");
}

/// Whether a hint is there, of those that can have arrived.
async fn is_hinted(follower: &mut Follower) -> bool {
    tokio::time::timeout(Duration::from_millis(100), follower.reader.hinted()).await.is_ok()
}

#[tokio::test]
async fn a_hint_reaches_the_other_instances() {
    let world = World::alone().await;
    let there = world.instance().await;
    let mut follower = Follower::of(&*there.sessions).await;
    for n in 1..=3 {
        world.log_in("ada", n).await;
        log_out(&world, n).await;
        world.sessions.hint().await.unwrap();
        hinted(&mut follower).await;
        assert_eq!(follower.ended().await, digests([n]));
    }
}

#[tokio::test]
async fn waiting_for_a_hint_may_be_given_up_at_any_time() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for _ in 0..50 {
        assert!(futures_util::FutureExt::now_or_never(follower.reader.hinted()).is_none());
    }
    hand.run("NOTIFY cloakroom_feed").await;
    let mut tries = 0;
    while futures_util::FutureExt::now_or_never(follower.reader.hinted()).is_none() {
        tries += 1;
        assert!(tries < 1_000_000, "it was lost");
        tokio::task::yield_now().await;
    }
    assert_eq!(follower.changes().await, [], "and the connection is as good as before");
}

#[tokio::test]
async fn hints_are_heard_during_a_poll_and_one_poll_answers_many() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for _ in 0..100 {
        hand.run("NOTIFY cloakroom_feed").await;
    }
    follower.changes().await; // they were in the way of this answer
    follower.changes().await;
    assert!(!is_hinted(&mut follower).await, "what was hinted before a poll is no news after it");
    hand.run("NOTIFY cloakroom_feed").await;
    hinted(&mut follower).await;
}

#[tokio::test]
async fn many_who_hint_at_once_send_few() {
    let world = World::alone_on(Cluster::shared(), OpenOptions { connections_max: 1, ..OpenOptions::default() }).await;
    let mut hand = world.hand().await;
    hand.run("SELECT pg_stat_reset()").await;
    let begun = Instant::now();
    for _ in 0..1_000 {
        world.sessions.hint().await.unwrap();
    }
    println!("1,000 hints were handed over in {:?}", begun.elapsed());
    // On the one connection there is, this comes after all of them.
    let sessions = world.sessions.clone();
    tokio::spawn(async move { sessions.begin().await.unwrap() }).await.unwrap();
    world.database.close().await;
    hand.is_alone().await;
    let commits = hand.number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").await;
    assert!(commits < 500, "{commits} transactions for 1,000 hints");
}

#[tokio::test]
async fn a_server_that_is_stopped_is_told_at_once_and_loses_nothing() {
    let cluster = Cluster::start().unwrap();
    let world = World::alone_on(&cluster, OpenOptions::default()).await;
    world.log_in("ada", 1).await;
    let mut follower = Follower::of(&*world.sessions).await;
    log_out(&world, 1).await;
    cluster.stop("immediate").unwrap();
    assert!(!is_hinted(&mut follower).await);
    for _ in 0..3 {
        let begun = Instant::now();
        follower.poll().await.unwrap_err();
        assert!(begun.elapsed() < PATIENCE / 4, "it was tried again and again for {:?}", begun.elapsed());
    }
    cluster.start_server().unwrap();
    assert_eq!(follower.ended().await, digests([1]));
}

#[tokio::test]
async fn a_hint_fails_nobody_where_the_server_is_gone() {
    let world = World::new().await;
    let wire = Wire::to(Cluster::shared().port()).unwrap();
    let database = Database::open(&through(&wire, &world.url), OpenOptions::default()).await.unwrap();
    wire.refuse();
    let begun = Instant::now();
    database.sessions().hint().await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(100));
}

/// The URL of the same database, by way of the wire.
fn through(wire: &Wire, url: &str) -> String {
    url.replace(&format!(":{}/", Cluster::shared().port()), &format!(":{}/", wire.port()))
}

#[tokio::test]
async fn a_connection_that_the_server_ends_loses_nothing() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    for n in 1..=2 {
        world.log_in("ada", n).await;
    }
    let mut follower = Follower::of(&*world.sessions).await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE \
         '%session_feed_floor%' AND pid <> pg_backend_pid()";
    assert_eq!(hand.number(end).await, 1);
    log_out(&world, 1).await;
    let delta = match follower.poll().await {
        Ok(_) => panic!("the connection was still there"),
        Err(_) => follower.ended().await,
    };
    assert_eq!(delta, digests([1]));
    // While somebody waits for a hint: it is noticed, and the next poll connects.
    assert_eq!(hand.number(end).await, 1);
    log_out(&world, 2).await;
    assert!(!is_hinted(&mut follower).await);
    assert_eq!(follower.ended().await, digests([2]), "at once");
    hand.run("NOTIFY cloakroom_feed").await;
    hinted(&mut follower).await;
}

#[tokio::test]
async fn a_wire_that_is_cut_loses_nothing_and_is_tried_once_a_poll() {
    let world = World::new().await;
    for n in 1..=3 {
        world.log_in("ada", n).await;
    }
    let wire = Wire::to(Cluster::shared().port()).unwrap();
    let there = Database::open(&through(&wire, &world.url), OpenOptions::default()).await.unwrap();
    let mut follower = Follower::of(&*there.sessions()).await;
    log_out(&world, 1).await;
    wire.refuse();
    let before = wire.attempts();
    for polls in 1..=5 {
        follower.poll().await.unwrap_err();
        log_out_once(&world, polls).await;
        assert!(wire.attempts() - before <= polls, "{polls} polls, {} attempts", wire.attempts() - before);
    }
    wire.pass();
    assert_eq!(follower.ended().await, digests([1, 2, 3]));
    // In the middle of an answer.
    world.log_in("ada", 4).await;
    log_out(&world, 4).await;
    wire.cut_answer_after(60);
    follower.poll().await.unwrap_err();
    assert!(wire.was_cut());
    assert_eq!(follower.ended().await, digests([4]));
}

async fn log_out_once(world: &World, polls: u64) {
    if (2..=3).contains(&polls) {
        log_out(world, polls).await;
    }
}

#[tokio::test]
async fn a_frozen_wire_is_given_up_in_time() {
    let world = World::new().await;
    world.log_in("ada", 1).await;
    let wire = Wire::to(Cluster::shared().port()).unwrap();
    let there = Database::open(&through(&wire, &world.url), OpenOptions::default()).await.unwrap();
    let mut follower = Follower::within(&*there.sessions(), SOON);
    follower.poll().await.unwrap();
    log_out(&world, 1).await;
    wire.freeze();
    for what in ["its own connection", "a new one"] {
        let begun = Instant::now();
        let error = follower.poll().await.unwrap_err();
        assert_eq!(*error.kind(), StoreErrorKind::Unavailable, "{what}");
        assert!(begun.elapsed() >= SOON && begun.elapsed() < SOON * 4, "{what}: {:?}", begun.elapsed());
    }
    wire.pass();
    assert_eq!(follower.ended().await, digests([1]));
}

/// The driver's listener would wait in a task for an answer to its goodbye, with the connection in its hands.
#[tokio::test]
async fn a_connection_that_was_given_up_leaves_nothing_behind() {
    let world = World::new().await;
    let wire = Wire::to(Cluster::shared().port()).unwrap();
    let there = Database::open(&through(&wire, &world.url), OpenOptions::default()).await.unwrap();
    let mut follower = Follower::within(&*there.sessions(), SOON);
    follower.poll().await.unwrap();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for _ in 0..4 {
        wire.freeze();
        follower.poll().await.unwrap_err();
        wire.pass();
        follower.poll().await.unwrap();
    }
    let settling = async {
        while tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, settling).await.unwrap_or_else(|_| panic!("{before} tasks were {}", tasks()));
}

#[tokio::test]
async fn a_poll_that_is_dropped_in_the_middle_leaves_no_half_answer() {
    let world = World::new().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for n in 1..=20 {
        let horizon = follower.seen.as_ref().unwrap().horizon.clone();
        // Sent, and not waited for.
        drop(tokio::time::timeout(Duration::from_micros(50 * n), follower.reader.poll(Some(&horizon))).await);
        world.log_in("ada", n).await;
        log_out(&world, n).await;
        assert_eq!(follower.ended().await, digests([n]));
    }
}

#[tokio::test]
async fn a_locked_feed_is_waited_for_in_time_and_costs_no_connection() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::within(&*world.sessions, Duration::from_secs(2));
    follower.poll().await.unwrap();
    let backends = "SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE '%session_feed_floor%' AND pid <> pg_backend_pid()";
    let before = hand.texts(backends).await;
    hand.run("BEGIN; LOCK TABLE session_feed").await;
    assert_eq!(*follower.poll().await.unwrap_err().kind(), StoreErrorKind::Busy);
    hand.run("COMMIT").await;
    follower.poll().await.unwrap();
    assert_eq!(hand.texts(backends).await, before);
}

#[tokio::test]
async fn connections_that_were_given_up_are_closed() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    drop(std::mem::replace(&mut follower, Follower::within(&*world.sessions, PATIENCE)));
    world.database.close().await;
    hand.is_alone().await;
    assert!(follower.poll().await.is_err(), "the database is closed");
    assert_eq!(Hand::at(&world.url).await.number("SELECT 1::bigint").await, 1);
}

#[test]
fn a_reader_may_outlive_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (follower, world) = runtime.block_on(async {
        let world = World::new().await;
        (Follower::of(&*world.sessions).await, world)
    });
    drop(runtime);
    drop(follower);
    std::mem::forget(world); // a pool cannot be dropped outside a runtime
}
