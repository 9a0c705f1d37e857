//! Sessions on SQLite: endings by hand, the schema's promises, corrupt rows.

use crate::world::{NOW, World, digest, record, subject};
use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Issued, ListQuery, Purge, Purged, Replace, StoreErrorKind, Target, Touch};
use sqlx::Row as _;

async fn feed(world: &World) -> Vec<(String, Option<String>)> {
    let rows = sqlx::query("SELECT kind, reason FROM session_feed ORDER BY position")
        .fetch_all(&mut world.somebody_else().await)
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_row_deleted_by_hand_ends_by_hand_with_foreign_keys_off() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    sqlx::query("DELETE FROM sessions").execute(&mut world.somebody_else().await).await.unwrap();
    assert_eq!(world.sessions.find(digest(1)).await.unwrap(), None);
    let ending = world.sessions.ending_of(digest(1)).await.unwrap().unwrap();
    assert_eq!(ending.reason, EndReason::ByHand);
    assert_eq!(ending.session, record("ada", 1).id);
    assert!(ending.at.as_millis() > NOW.minus(Duration::from_hours(9_600)).as_millis(), "{ending:?}");
}

#[tokio::test]
async fn a_reason_is_never_left_for_the_next_deletion() {
    let world = World::new().await;
    for n in 1..=3 {
        let _ = world.log_in("ada", n).await.unwrap();
    }
    world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW).await.unwrap();
    world.sessions.end(Target::Token(digest(9)), EndReason::Logout, NOW).await.unwrap(); // nobody's
    let mut hand = world.somebody_else().await;
    sqlx::query("DELETE FROM sessions WHERE token_digest = $1").bind(vec![2_u8; 32]).execute(&mut hand).await.unwrap();
    let reason = async |n| world.sessions.ending_of(digest(n)).await.unwrap().unwrap().reason;
    assert_eq!(reason(1).await, EndReason::Logout);
    assert_eq!(reason(2).await, EndReason::ByHand);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM session_ending").fetch_one(&mut hand).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_feed_tells_of_changes_and_not_of_touches() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let touch = Touch { digest: digest(1), used_at: NOW.plus(Duration::from_mins(1)) };
    assert!(world.sessions.touch(vec![touch], NOW).await.unwrap().is_empty());
    assert!(feed(&world).await.is_empty());

    let replace = Replace { old: digest(1), new: digest(2), now: NOW, reauthenticated_until: None };
    assert!(world.sessions.replace(replace).await.unwrap());
    let changed = ("changed".to_owned(), None);
    assert_eq!(feed(&world).await, vec![changed.clone()]);

    for by_hand in [
        "UPDATE sessions SET absolute_expires_at = absolute_expires_at - 1",
        "UPDATE sessions SET idle_timeout = NULL",
        "UPDATE sessions SET last_seen_at = last_seen_at - 1",
        "UPDATE sessions SET subject = 'bob'",
        "INSERT OR REPLACE INTO sessions SELECT * FROM sessions",
    ] {
        let before = feed(&world).await.len();
        sqlx::query(by_hand).execute(&mut world.somebody_else().await).await.unwrap();
        assert_eq!(&feed(&world).await[before..], std::slice::from_ref(&changed), "{by_hand}");
    }
}

#[tokio::test]
async fn a_subject_in_use_cannot_be_deleted_by_hand() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let mut hand = world.somebody_else().await;
    for statement in
        ["DELETE FROM session_subjects WHERE subject = 'ada'", "DELETE FROM session_subjects WHERE subject = ''"]
    {
        assert!(sqlx::query(statement).execute(&mut hand).await.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn the_moment_does_not_go_back_when_the_feed_is_emptied() {
    let world = World::new().await;
    let late = world.issue("ada", 1).await;
    world.sessions.end(Target::Subject(subject("ada")), EndReason::SubjectWide, NOW).await.unwrap();
    sqlx::query("DELETE FROM session_feed").execute(&mut world.somebody_else().await).await.unwrap();
    assert_eq!(world.sessions.issue(late).await.unwrap(), Issued::Overtaken);
    assert_eq!(world.log_in("ada", 2).await.unwrap(), Issued::Created { over_cap: 0 });
}

#[tokio::test]
async fn a_value_that_cannot_be_fails_its_request_and_is_not_repeated() {
    let world = World::new().await;
    for (column, value) in [
        ("subject", "''"),
        ("subject", "CAST(x'ff' AS TEXT)"),
        ("id", "'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'"),
        ("ip", "'leaked'"),
        ("auth_method", "'LEAKED'"),
        ("idle_timeout", "-1"),
    ] {
        let _ = world.log_in("ada", 1).await.unwrap();
        let _ = world.log_in("bob", 2).await.unwrap();
        let mut hand = world.somebody_else().await;
        let update = format!("UPDATE sessions SET {column} = {value} WHERE subject = 'ada'");
        sqlx::query(sqlx::AssertSqlSafe(update)).execute(&mut hand).await.unwrap();
        let wanted = StoreErrorKind::Corrupt { table: "sessions", column };
        let found = world.sessions.find(digest(1)).await.unwrap_err();
        assert_eq!(*found.kind(), wanted);
        let all = ListQuery { limit: 10, ..ListQuery::default() };
        let listed = world.sessions.list(all).await.unwrap_err();
        assert_eq!(*listed.kind(), wanted);
        assert!(!format!("{found} {found:?} {listed:?}").to_lowercase().contains("leaked"));
        assert!(world.sessions.find(digest(2)).await.unwrap().is_some(), "others are served");
        // Even such a session can be ended.
        assert_eq!(world.sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn more_sessions_than_are_ended_one_by_one_end_too() {
    let world = World::new().await;
    let fill = "INSERT INTO session_subjects (subject) VALUES ('ada'); \
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
        INSERT INTO sessions SELECT randomblob(32), printf('00000000-0000-7000-8000-%012d', i), 'ada', 0, 0, 0, NULL, \
        9000000000000, 'password', NULL, NULL FROM n;";
    sqlx::raw_sql(fill).execute(&mut world.somebody_else().await).await.unwrap();
    assert_eq!(world.sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap(), 2000);
    let endings = world.sessions.endings(subject("ada"), u32::MAX).await.unwrap();
    assert_eq!(endings.len(), 500);
    assert!(endings.iter().all(|ending| ending.reason == EndReason::Everyone && ending.at == NOW));
}

#[tokio::test]
async fn purging_goes_in_chunks_and_says_which_timeout_it_was() {
    let world = World::new().await;
    let after = |seconds| NOW.plus(Duration::from_secs(seconds));
    for n in 1..=5 {
        let mut issue = world.issue("ada", n).await;
        issue.session.idle_timeout = Some(Duration::from_secs(if n <= 2 { 10 } else { 9_999 }));
        issue.session.absolute_expires_at = after(if n == 5 { 9_999 } else { 100 });
        let _ = world.sessions.issue(issue).await.unwrap();
    }
    // Living sessions stay, also when what expired is found by another timeout.
    let purge = Purge { ended_before: after(50), feed_before: NOW, chunk: 1, at: after(60) };
    let purged = |sessions, feed, more| Purged { sessions, feed, more };
    assert_eq!(world.sessions.purge(purge).await.unwrap(), purged(1, 0, true));
    assert_eq!(world.sessions.purge(purge).await.unwrap(), purged(1, 0, false));
    assert_eq!(world.sessions.purge(purge).await.unwrap(), purged(0, 0, false));
    let absolute = Purge { ended_before: after(200), at: after(210), chunk: 10, ..purge };
    assert_eq!(world.sessions.purge(absolute).await.unwrap(), purged(2, 0, false));
    let ending = async |n| world.sessions.ending_of(digest(n)).await.unwrap().map(|ending| (ending.reason, ending.at));
    assert_eq!(ending(1).await, Some((EndReason::Idle, after(60))));
    assert_eq!(ending(2).await, Some((EndReason::Idle, after(60))));
    assert_eq!(ending(3).await, Some((EndReason::Absolute, after(210))));
    assert_eq!(ending(5).await, None);

    // The feed: from its beginning to the first ending that is not old, a chunk at a time.
    let feed = |before, chunk| Purge { ended_before: NOW, feed_before: before, chunk, at: NOW };
    assert_eq!(world.sessions.purge(feed(after(61), 1)).await.unwrap(), purged(0, 1, true));
    assert_eq!(world.sessions.purge(feed(after(61), 1)).await.unwrap(), purged(0, 1, false));
    assert_eq!(world.sessions.purge(feed(after(61), 9)).await.unwrap(), purged(0, 0, false));
    assert_eq!(world.sessions.purge(feed(after(999), 9)).await.unwrap(), purged(0, 2, false));
}
