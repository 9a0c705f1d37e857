//! Joining, waiting, going away, failing.

use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_sql::{Database, OpenOptions, Scope};
use testbed::postgres::Cluster;
use tokio::task::JoinHandle;

use crate::world::{PATIENCE, World, digest};

type Asked = JoinHandle<Result<Option<SessionRecord>, StoreError>>;

fn ask(world: &World, number: u8) -> Asked {
    let sessions = world.sessions.clone();
    tokio::spawn(async move { sessions.find(digest(number)).await })
}

fn one_lane() -> OpenOptions {
    OpenOptions { lookup_connections: 1, ..OpenOptions::default() }
}

/// Waits until the tasks spawned so far have queued what they ask.
async fn until_queued(world: &World, waiting: usize) {
    let queued = async {
        while !format!("{:?}", world.database).contains(&format!("waiting: {waiting},")) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, queued).await.expect("so many lookups never waited");
}

#[tokio::test]
async fn a_request_never_joins_a_statement_that_was_sent() {
    let world = World::new(OpenOptions::default()).await;
    world.issue(1).await;
    let mut gate = world.gate().await;
    let early = ask(&world, 1);
    gate.has_held_back(1).await;
    // The statement on its way has its snapshot, in which the session is there. Now it is deleted, by hand.
    world.schema.psql("DELETE FROM kept_sessions").unwrap();
    let late = ask(&world, 1);
    gate.has_held_back(2).await;
    gate.open().await;
    assert!(early.await.unwrap().unwrap().is_some(), "it began before the deletion");
    assert_eq!(late.await.unwrap().unwrap(), None, "it began after the deletion had committed (G5)");
}

#[tokio::test]
async fn what_waits_shares_one_statement() {
    let world = World::new(one_lane()).await;
    for number in 1..=40 {
        world.issue(number).await;
    }
    let mut gate = world.gate().await;
    let first = ask(&world, 1);
    gate.has_held_back(1).await;
    let before = world.database.lookup_counts();
    let others: Vec<_> = (1..=40).chain(1..=40).chain([200]).map(|number| ask(&world, number)).collect();
    until_queued(&world, 81).await;
    gate.open().await;
    assert!(first.await.unwrap().unwrap().is_some());
    let mut found = 0;
    for other in others {
        found += usize::from(other.await.unwrap().unwrap().is_some());
    }
    assert_eq!(found, 80, "whoever asks for the same session gets it, and nobody gets another's");
    let after = world.database.lookup_counts();
    assert_eq!((after.statements - before.statements, after.lookups - before.lookups), (1, 41));
}

#[tokio::test]
async fn few_lookups_do_not_wait_for_each_other() {
    let world = World::new(OpenOptions::default()).await;
    let mut gate = world.gate().await;
    let mut asked = Vec::new();
    for number in 1..=4 {
        asked.push(ask(&world, number));
        gate.has_held_back(number.into()).await; // on its way, although the others are not answered
    }
    gate.open().await;
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap(), None);
    }
    assert_eq!(world.database.lookup_counts().statements, 4);
}

#[tokio::test]
async fn who_goes_away_costs_the_batch_nothing() {
    let world = World::new(one_lane()).await;
    world.issue(1).await;
    world.issue(2).await;
    let mut gate = world.gate().await;
    let sent = ask(&world, 1);
    gate.has_held_back(1).await;
    let (gone, stays) = (ask(&world, 2), ask(&world, 2));
    until_queued(&world, 2).await;
    for asked in [&sent, &gone] {
        asked.abort();
    }
    gate.open().await;
    assert!(stays.await.unwrap().unwrap().is_some());
    assert!(sent.await.is_err() && gone.await.is_err());
}

#[tokio::test]
async fn a_corrupt_row_fails_its_own_request_only() {
    let world = World::new(one_lane()).await;
    for number in 1..=3 {
        world.issue(number).await;
    }
    world.schema.psql("UPDATE sessions SET auth_method = 'NOT A METHOD' WHERE subject = 's2'").unwrap();
    let mut gate = world.gate().await;
    let first = ask(&world, 1);
    gate.has_held_back(1).await;
    let asked: Vec<_> = (1..=3).map(|number| ask(&world, number)).collect();
    until_queued(&world, 3).await;
    gate.open().await;
    assert!(first.await.unwrap().is_ok());
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(asked.await.unwrap().map(|found| found.is_some()).map_err(|error| error.kind().clone()));
    }
    let corrupt = StoreErrorKind::Corrupt { table: "sessions", column: "auth_method" };
    assert_eq!(answers, [Ok(true), Err(corrupt), Ok(true)]);
}

#[tokio::test]
async fn an_unreadable_row_fails_its_own_request_only() {
    let world = World::new(one_lane()).await;
    for number in 1..=3 {
        world.issue(number).await;
    }
    world.schema.psql("UPDATE sessions SET auth_method = 'unreadable' WHERE subject = 's2'").unwrap();
    let mut gate = world.gate().await;
    let first = ask(&world, 1);
    gate.has_held_back(1).await;
    let asked: Vec<_> = (1..=3).map(|number| ask(&world, number)).collect();
    until_queued(&world, 3).await;
    gate.open().await;
    assert!(first.await.unwrap().is_ok());
    let mut answers = Vec::new();
    for asked in asked {
        answers.push(asked.await.unwrap().map(|found| found.is_some()).is_ok());
    }
    assert_eq!(answers, [true, false, true]);
}

#[tokio::test]
async fn the_queue_is_bounded() {
    let world = World::new(OpenOptions { lookups_max: 10, ..one_lane() }).await;
    let mut gate = world.gate().await;
    let sent = ask(&world, 1);
    gate.has_held_back(1).await;
    let waiting: Vec<_> = (1..=10).map(|number| ask(&world, number)).collect();
    until_queued(&world, 10).await;
    let refused = world.sessions.find(digest(1)).await.unwrap_err();
    assert_eq!(*refused.kind(), StoreErrorKind::Busy);
    gate.open().await;
    for asked in waiting.into_iter().chain([sent]) {
        assert_eq!(asked.await.unwrap().unwrap(), None);
    }
    assert!(world.sessions.find(digest(1)).await.is_ok(), "and free again");
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_without_an_error_in_between() {
    let cluster = Cluster::start().unwrap();
    let database = Database::open(&cluster.url("postgres"), OpenOptions::default()).await.unwrap();
    database.migrate(Scope::Everything).await.unwrap();
    let sessions = database.sessions();
    assert_eq!(sessions.find(digest(1)).await.unwrap(), None);
    cluster.stop("immediate").unwrap();
    let down = sessions.find(digest(1)).await.unwrap_err();
    assert_eq!(*down.kind(), StoreErrorKind::Unavailable, "never `no such session` (G6)");
    cluster.start_server().unwrap();
    assert_eq!(sessions.find(digest(1)).await.unwrap(), None);
    // Restarted behind our back: the connection is dead, which a statement notices first. It is sent again.
    cluster.stop("fast").unwrap();
    cluster.start_server().unwrap();
    assert_eq!(sessions.find(digest(1)).await.unwrap(), None);
}

#[tokio::test]
async fn after_closing_nothing_is_looked_up() {
    let world = World::new(OpenOptions::default()).await;
    world.issue(1).await;
    world.end(1).await;
    assert!(world.sessions.ending_of(digest(1)).await.unwrap().is_some());
    world.database.close().await;
    for refused in [world.sessions.find(digest(1)).await.err(), world.sessions.ending_of(digest(1)).await.err()] {
        assert_eq!(refused.map(|error| error.kind().clone()), Some(StoreErrorKind::Unavailable));
    }
}
