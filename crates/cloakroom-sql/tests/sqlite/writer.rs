//! The single writer seen from outside: shared commits, exact caps, other programs' locks, files that disappear.

use std::fs;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionId;
use cloakroom_core::store::{Issue, ListQuery, SessionFilter, StoreErrorKind, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::Token;
use cloakroom_core::world::PredictableRandom;
use cloakroom_sql::Scope;

use crate::world::{NOW, World, digest, open, record, subject};

/// As many logins of one subject at once as `issues` has, each on its own task.
async fn log_in_together(world: &World, logins: u64, max_per_subject: u32) {
    let random = Arc::new(PredictableRandom::from_seed(11));
    let moment = world.sessions.begin().await.unwrap();
    let mut tasks = Vec::new();
    for n in 0..logins {
        let mut session = record("ada", 1);
        session.created_at = Timestamp::from_millis(NOW.as_millis() + i64::try_from(n).unwrap());
        session.id = SessionId::new(session.created_at, &*random).unwrap();
        let digest = Token::generate(&*random).unwrap().digest();
        let issue = Issue { moment: moment.clone(), digest, session, supersedes: Vec::new(), max_per_subject };
        let sessions = Arc::clone(&world.sessions);
        tasks.push(tokio::spawn(async move { sessions.issue(issue).await.map(drop) }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

async fn count(world: &World) -> usize {
    let all = ListQuery { filter: SessionFilter::of(subject("ada")), before: None, limit: 500 };
    world.sessions.list(all).await.unwrap().sessions.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_that_come_together_share_commits() {
    let world = World::new().await;
    let before = world.database.writer_counts();
    log_in_together(&world, 400, 1_000).await;
    let after = world.database.writer_counts();
    assert_eq!(count(&world).await, 400);
    assert_eq!(after.jobs - before.jobs, 400);
    let commits = after.commits - before.commits;
    assert!(commits <= 100, "{commits} commits for 400 logins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_cap_is_exact_however_many_log_in_together() {
    let world = World::new().await;
    log_in_together(&world, 60, 7).await;
    assert_eq!(count(&world).await, 7);
    let endings = world.sessions.endings(subject("ada"), 500).await.unwrap();
    assert_eq!(endings.len(), 53);
    assert!(endings.iter().all(|ending| ending.reason == EndReason::OverCap));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_programs_lock_is_busy_and_then_over() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let mut hand = world.somebody_else().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut hand).await.unwrap();
    let (one, two) = tokio::join!(world.log_in("ada", 2), world.log_in("ada", 3));
    assert!(one.unwrap_err().is_busy() && two.unwrap_err().is_busy());
    // Reads go on meanwhile.
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
    world.database.ping().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut hand).await.unwrap();
    let _ = world.log_in("ada", 2).await.unwrap();
    assert_eq!(count(&world).await, 2);
}

#[tokio::test]
async fn a_file_that_disappears_is_unavailable_until_there_is_one_again() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(world.dir.path().join(format!("cloakroom.db{end}"))).unwrap();
    }
    let unavailable = StoreErrorKind::Unavailable;
    assert_eq!(*world.sessions.find(digest(1)).await.unwrap_err().kind(), unavailable);
    assert_eq!(*world.sessions.begin().await.unwrap_err().kind(), unavailable);
    let logout = world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW).await;
    assert_eq!(*logout.unwrap_err().kind(), unavailable);
    assert!(!world.path().exists(), "an empty database is not made in its place");

    // Put back from a backup: another file, without that session.
    let other = open(&world.dir).await;
    other.migrate(Scope::Everything).await.unwrap();
    assert_eq!(world.sessions.find(digest(1)).await.unwrap(), None);
    let _ = world.log_in("ada", 2).await.unwrap();
    assert!(other.sessions().find(digest(2)).await.unwrap().is_some());
}

#[tokio::test]
async fn who_stops_waiting_does_not_stop_the_work() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    {
        let mut logout = world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW);
        // One poll queues it; then whoever asked goes away.
        assert!(poll_fn(|cx| Poll::Ready(logout.as_mut().poll(cx))).await.is_pending());
    }
    let _ = world.log_in("ada", 2).await.unwrap(); // queued behind it
    assert_eq!(world.sessions.find(digest(1)).await.unwrap(), None);
    assert_eq!(world.sessions.ending_of(digest(1)).await.unwrap().unwrap().reason, EndReason::Logout);
}

#[tokio::test]
async fn two_processes_on_one_file_see_each_others_endings() {
    let world = World::new().await;
    let other = open(&world.dir).await;
    for n in 1..=20 {
        let late = world.issue("ada", 200 + n).await;
        let _ = world.log_in("ada", n).await.unwrap();
        assert!(other.sessions().find(digest(n)).await.unwrap().is_some());
        other.sessions().end(Target::Subject(subject("ada")), EndReason::SubjectWide, NOW).await.unwrap();
        assert_eq!(world.sessions.find(digest(n)).await.unwrap(), None);
        assert_eq!(world.sessions.issue(late).await.unwrap(), cloakroom_core::store::Issued::Overtaken);
    }
}
