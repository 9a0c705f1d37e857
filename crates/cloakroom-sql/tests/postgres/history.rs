//! Whose history a poll tells: another server, timeline, database or table is another one.

use std::time::Duration;

use cloakroom_core::coherence::{Delta, Horizon};
use cloakroom_sql::{Database, OpenOptions, Scope};
use testbed::postgres::Cluster;
use testbed::wire::Wire;

use crate::follow::{Follower, digests, log_out};
use crate::world::{Hand, World};

#[tokio::test]
async fn instances_of_one_database_have_one_history() {
    let world = World::alone().await;
    let there = world.instance().await;
    let (one, other) = (Follower::of(&*world.sessions).await, Follower::of(&*there.sessions).await);
    assert_eq!(one.continuity(), other.continuity());
    assert_eq!(one.continuity().split('/').count(), 5, "{}", one.continuity());
}

#[tokio::test]
async fn other_tables_have_another_history() {
    let world = World::alone().await;
    let mut follower = Follower::of(&*world.sessions).await;
    let mut known = vec![follower.continuity()];
    for replace in [
        "CREATE TABLE more (LIKE session_feed INCLUDING ALL); ALTER TABLE session_feed RENAME TO old; \
         ALTER TABLE more RENAME TO session_feed",
        "CREATE TABLE more (LIKE sessions INCLUDING ALL); ALTER TABLE sessions RENAME TO old_sessions; \
         ALTER TABLE more RENAME TO sessions",
    ] {
        world.hand().await.run(replace).await;
        assert_eq!(follower.poll().await.unwrap(), Delta::Changes(Vec::new()));
        assert!(!known.contains(&follower.continuity()), "{replace}");
        known.push(follower.continuity());
    }
    let elsewhere = World::alone().await;
    assert!(!known.contains(&Follower::of(&*elsewhere.sessions).await.continuity()));
}

#[tokio::test]
async fn tables_that_were_dropped_and_made_again_have_another_history() {
    let world = World::alone().await;
    let mut follower = Follower::of(&*world.sessions).await;
    let before = follower.continuity();
    world.database.roll_back(Scope::Everything).await.unwrap();
    assert!(follower.poll().await.is_err(), "there are none");
    world.database.migrate(Scope::Everything).await.unwrap();
    follower.poll().await.unwrap();
    assert_ne!(follower.continuity(), before);
}

#[tokio::test]
async fn a_restored_dump_has_another_history() {
    let world = World::alone().await;
    world.log_in("ada", 1).await;
    log_out(&world, 1).await;
    let follower = Follower::of(&*world.sessions).await;
    let other = Cluster::start().unwrap();
    let there = World::alone_on(&other, OpenOptions::default()).await;
    // The rows with their transaction ids, of a server that has come further than this one.
    let mut hand = there.hand().await;
    hand.run(
        "INSERT INTO session_feed (xid, kind, token_digest, session_id, subject, reason, at) \
         VALUES ('4000000000', 'ended', sha256('1'), gen_random_uuid(), 'ada', 'logout', now())",
    )
    .await;
    let mut reader = there.sessions.feed(Duration::from_secs(20));
    let horizon = follower.seen.as_ref().map(|reply| reply.horizon.clone());
    let reply = reader.poll(horizon.as_ref()).await.unwrap();
    assert_ne!(reply.continuity.to_string(), follower.continuity());
    assert!(matches!(reply.horizon, Horizon::Snapshot(_)));
}

#[tokio::test]
async fn a_standby_is_refused_and_promoted_it_is_another_history() {
    let primary = Cluster::start().unwrap();
    let world = World::alone_on(&primary, OpenOptions::default()).await;
    let standby = primary.standby().unwrap();
    let wire = Wire::to(primary.port()).unwrap();
    let url = world.url.replace(&format!(":{}/", primary.port()), &format!(":{}/", wire.port()));
    let database = Database::open(&url, OpenOptions::default()).await.unwrap();
    let mut follower = Follower::of(&*database.sessions()).await;
    let before = follower.continuity();
    wire.lead_to(standby.port());
    wire.cut();
    for _ in 0..3 {
        assert!(follower.poll().await.is_err(), "what a standby shows may be old");
    }
    standby.promote().unwrap();
    follower.poll().await.unwrap();
    assert_ne!(follower.continuity(), before, "before the next checkpoint, too");
    let there = World::of(url, database);
    there.log_in("ada", 1).await;
    log_out(&there, 1).await;
    assert_eq!(follower.ended().await, digests([1]));
}

#[tokio::test]
async fn the_four_rights_on_the_tables_are_enough_to_follow_with() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    hand.run(
        "CREATE ROLE may_follow LOGIN PASSWORD 'hunter2' NOSUPERUSER; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO may_follow",
    )
    .await;
    let administrator = format!("postgres:{}@", Cluster::shared().password());
    let url = world.url.replace(&administrator, "may_follow:hunter2@");
    let database = Database::open(&url, OpenOptions::default()).await.unwrap();
    let clerk = World::of(url, database);
    let mut follower = Follower::of(&*clerk.sessions).await;
    clerk.log_in("ada", 1).await;
    log_out(&clerk, 1).await;
    assert_eq!(follower.ended().await, digests([1]));
    Hand::at(&clerk.url).await.run("DELETE FROM session_feed").await;
    follower.poll().await.unwrap();
    clerk.sessions.hint().await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), follower.reader.hinted()).await.unwrap();
}
