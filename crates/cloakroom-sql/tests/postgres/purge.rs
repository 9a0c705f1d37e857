//! Purging as instances do it beside each other: one at a time, around what is locked, and again after a failure.

use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Purge, Purged, Target};
use cloakroom_sql::OpenOptions;

use crate::world::{Hand, NOW, World, digest};

/// Purges what ended a day ago or longer, and what the feed knew a week ago.
fn purge(chunk: u32) -> Purge {
    let (ended_before, feed_before) = (NOW.minus(Duration::from_hours(24)), NOW.minus(Duration::from_hours(24 * 7)));
    Purge { ended_before, feed_before, chunk, at: NOW }
}

/// Sessions that expired ten days ago: every second one of its age, the others for lack of use. Digests of 1 to `count`.
async fn expired(hand: &mut Hand, count: u64) {
    hand.run("INSERT INTO session_subjects VALUES ('ada') ON CONFLICT DO NOTHING").await;
    let then = format!("to_timestamp({}) - interval '10 days'", NOW.as_millis() / 1000);
    hand.run(&format!(
        "INSERT INTO sessions SELECT sha256(int8send(n)), gen_random_uuid(), 'ada', {then}, {then}, {then}, \
         interval '1 hour', {then} + CASE n % 2 WHEN 0 THEN interval '1 hour' ELSE interval '30 days' END, 'password', NULL, NULL \
         FROM generate_series(1, {count}) n"
    ))
    .await;
}

/// Purges until there is no more; returns how much it was, and how often it took.
async fn purge_all(world: &World, chunk: u32) -> (Purged, u32) {
    let (mut total, mut calls) = (Purged::default(), 0);
    loop {
        let purged = world.sessions.purge(purge(chunk)).await.unwrap();
        assert!(purged.sessions <= u64::from(chunk), "{purged:?}");
        (total.sessions, total.feed, calls) = (total.sessions + purged.sessions, total.feed + purged.feed, calls + 1);
        if !purged.more {
            return (total, calls);
        }
    }
}

#[tokio::test]
async fn everything_goes_in_chunks_and_is_recorded() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    expired(&mut hand, 20_000).await;
    world.log_in("ada", 1).await;
    let (total, calls) = purge_all(&world, 500).await;
    assert_eq!(total, Purged { sessions: 20_000, feed: 0, more: false });
    assert!(calls >= 40, "{calls} calls");
    assert_eq!(hand.number("SELECT count(*) FROM sessions").await, 1);
    assert!(world.is_found(1).await);
    let reasons = "SELECT reason || ' ' || count(*) FROM session_feed GROUP BY reason ORDER BY reason";
    assert_eq!(hand.texts(reasons).await, ["absolute 10000", "idle 10000"]);
}

#[tokio::test]
async fn the_feed_forgets_in_chunks_and_only_what_is_old() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let at = NOW.as_millis() / 1000;
    hand.run(&format!(
        "INSERT INTO session_feed (kind, subject, reason, at) SELECT (ARRAY['ended', 'changed', 'all_ended'])[1 + n % 3], \
         'ada', 'by_hand', to_timestamp({at}) - interval '8 days' FROM generate_series(1, 3000) n;
         INSERT INTO session_feed (kind, subject, reason, at) SELECT 'ended', 'ada', 'by_hand', \
         to_timestamp({at}) - interval '6 days' FROM generate_series(1, 7)"
    ))
    .await;
    // Endings are counted; what only told other instances goes along.
    assert_eq!(purge_all(&world, 100).await.0.feed, 1000);
    assert_eq!(hand.number("SELECT count(*) FROM session_feed").await, 7);
}

#[tokio::test]
async fn of_two_instances_one_purges_and_the_other_has_nothing_to_do() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let there = world.instance().await;
    expired(&mut hand, 1_000).await;
    // Held back in the middle of its chunk, with the runner's lock in its hands.
    hand.run(
        "CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM pg_advisory_xact_lock_shared(hashtext(current_schema())); RETURN NULL; END $$;
         CREATE TRIGGER gate AFTER DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION wait_at_gate();
         SELECT pg_advisory_lock(hashtext(current_schema()))",
    )
    .await;
    let sessions = world.sessions.clone();
    let purging = tokio::spawn(async move { sessions.purge(purge(500)).await });
    hand.holds_back(1).await;
    let meanwhile = there.sessions.purge(purge(500)).await.unwrap();
    assert_eq!((meanwhile.sessions, meanwhile.feed), (0, 0), "it neither waits nor purges beside the other");
    hand.run("SELECT pg_advisory_unlock_all()").await;
    let purged = purging.await.unwrap().unwrap();
    assert_eq!((purged.sessions, purged.more), (500, true));
    let (rest, _) = purge_all(&there, 500).await;
    assert_eq!(rest.sessions, 500, "and later it is the other's turn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn instances_that_purge_at_once_purge_everything_once() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    expired(&mut hand, 5_000).await;
    let mut purged = 0;
    let runners = (0..4).map(async |_| {
        let instance = world.instance().await;
        // Who is told that there is no more may have been told so because another is at it.
        let mut mine = 0;
        for _ in 0..30 {
            mine += instance.sessions.purge(purge(200)).await.unwrap().sessions;
        }
        instance.database.close().await;
        mine
    });
    for mine in futures_util::future::join_all(runners).await {
        purged += mine;
    }
    purged += purge_all(&world, 500).await.0.sessions;
    assert_eq!(purged, 5_000);
    assert_eq!(hand.number("SELECT count(*) FROM session_feed").await, 5_000);
    world.database.close().await;
    assert_eq!(hand.deadlocks().await, 0);
}

#[tokio::test]
async fn a_locked_row_is_not_waited_for() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    expired(&mut hand, 40).await;
    hand.run(
        "BEGIN; SELECT 1 FROM sessions WHERE token_digest IN (sha256(int8send(3)), sha256(int8send(4))) FOR UPDATE",
    )
    .await;
    assert_eq!(
        purge_all(&world, 500).await.0.sessions,
        38,
        "one that expired of age and one for lack of use are in use"
    );
    hand.run("ROLLBACK").await;
    assert_eq!(purge_all(&world, 500).await.0.sessions, 2);
}

#[tokio::test]
async fn a_purge_that_fails_says_so_and_the_next_one_works() {
    // On one connection the next call follows the end of the last: an error is told before its locks are gone.
    let world = World::with(OpenOptions { connections_max: 1, ..OpenOptions::default() }).await;
    let mut hand = world.hand().await;
    expired(&mut hand, 60).await;
    world.log_in("ada", 1).await;
    hand.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'this one stays'; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON sessions FOR EACH ROW \
         WHEN (OLD.token_digest = sha256(int8send(7))) EXECUTE FUNCTION refuse()",
    )
    .await;
    for _ in 0..2 {
        world.sessions.purge(purge(500)).await.unwrap_err();
    }
    world.log_in("ada", 2).await;
    assert_eq!(
        world.sessions.end(Target::Token(digest(2)), EndReason::Logout, NOW).await.unwrap(),
        1,
        "the rest works"
    );
    hand.run("DROP TRIGGER refuse ON sessions").await;
    purge_all(&world, 500).await;
    assert_eq!(hand.number("SELECT count(*) FROM sessions").await, 1);
    let recorded = "SELECT count(*) FROM session_feed WHERE reason IN ('idle', 'absolute')";
    assert_eq!(hand.number(recorded).await, 60, "each once, however often it was tried");
}
