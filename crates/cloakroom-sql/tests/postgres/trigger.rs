//! What the triggers write into the feed (G7): whatever was deleted, changed or truncated, and by whom.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Issued, Purge, Target};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use testbed::postgres::Cluster;

use crate::world::{Hand, NOW, World, digest, record, subject};

/// What the feed says, oldest first; sessions are named by what `log_in` made them of.
async fn feed(hand: &mut Hand) -> Vec<String> {
    let entries = "SELECT concat_ws(' ', kind, CASE WHEN subject = '' THEN '<everyone>' ELSE subject END, reason, \
         encode(token_digest, 'hex'), session_id) FROM session_feed ORDER BY position";
    hand.texts(entries).await
}

fn entry(what: &str, n: u64) -> String {
    let hex: Vec<_> = digest(n).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{what} {} {}", hex.concat(), record("ada", n).id)
}

#[tokio::test]
async fn a_row_deleted_by_hand_is_recorded_as_such() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    world.log_in("ada", 1).await;
    hand.run("BEGIN; DELETE FROM sessions; ROLLBACK; DELETE FROM sessions WHERE subject = 'eve'").await;
    assert_eq!(feed(&mut hand).await, Vec::<String>::new(), "nothing has happened yet");
    hand.run("DELETE FROM sessions").await;
    assert_eq!(feed(&mut hand).await, [entry("ended ada by_hand", 1)]);
    let ending = world.sessions.ending_of(digest(1)).await.unwrap().unwrap();
    assert_eq!(
        (ending.session, ending.subject, ending.reason),
        (record("ada", 1).id, subject("ada"), EndReason::ByHand)
    );
    let lag = "SELECT count(*) FROM session_feed WHERE at BETWEEN now() - interval '1 hour' AND now()";
    assert_eq!(hand.number(lag).await, 1, "when it happened, by the server's clock");
}

#[tokio::test]
async fn a_change_by_hand_is_recorded_whichever_column_it_is() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    hand.run("INSERT INTO session_subjects VALUES ('eve')").await;
    for (n, change) in [
        "subject = 'eve'",
        "absolute_expires_at = now()",
        "absolute_expires_at = absolute_expires_at + interval '1 year'",
        "idle_timeout = interval '0'",
        "idle_timeout = NULL",
        "token_digest = decode(repeat('00', 32), 'hex')",
        "id = gen_random_uuid()",
        "created_at = created_at - interval '1 day'",
        "authenticated_at = authenticated_at - interval '1 day'",
        "last_seen_at = last_seen_at - interval '1 ms'",
        "auth_method = 'passkey'",
        "absolute_expires_at = now(), idle_timeout = NULL, auth_method = 'passkey'",
    ]
    .into_iter()
    .enumerate()
    {
        let n = n as u64;
        world.log_in("ada", n).await;
        hand.run(&format!("UPDATE sessions SET {change}")).await;
        assert_eq!(feed(&mut hand).await, [entry("changed ada", n)], "{change}: who it was before, once");
        hand.run("DELETE FROM sessions; DELETE FROM session_feed").await;
    }
}

#[tokio::test]
async fn what_takes_nothing_away_is_not_recorded() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    world.log_in("ada", 1).await;
    for change in [
        "last_seen_at = last_seen_at + interval '1 hour'",
        "last_seen_at = last_seen_at, subject = subject, absolute_expires_at = absolute_expires_at",
        "user_agent = NULL",
        "ip = '2001:db8::1'",
    ] {
        hand.run(&format!("UPDATE sessions SET {change}")).await;
        assert_eq!(feed(&mut hand).await, Vec::<String>::new(), "{change}");
    }
}

#[tokio::test]
async fn truncating_ends_everything_and_every_login_under_way() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    world.log_in("ada", 1).await;
    let under_way = world.issue("ada", 2).await;
    let of_somebody_new = world.issue("eve", 3).await;
    hand.run("TRUNCATE sessions").await;
    assert_eq!(feed(&mut hand).await, ["all_ended <everyone> by_hand"]);
    assert!(!world.is_found(1).await);
    for login in [under_way, of_somebody_new] {
        assert_eq!(world.sessions.issue(login).await.unwrap(), Issued::Overtaken, "G4");
    }
    world.log_in("ada", 4).await;
    assert!(world.is_found(4).await);
}

#[tokio::test]
async fn the_row_that_stands_for_everyone_stays() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    for sql in [
        "DELETE FROM session_subjects WHERE subject = ''",
        "DELETE FROM session_subjects",
        "UPDATE session_subjects SET subject = 'eve' WHERE subject = ''",
        "TRUNCATE session_subjects CASCADE",
    ] {
        assert_eq!(hand.refused(sql).await, "23001", "{sql}");
    }
    assert_eq!(hand.number("SELECT count(*) FROM session_subjects WHERE subject = ''").await, 1);
    world.database.ping().await.unwrap();
}

#[tokio::test]
async fn a_subject_that_was_ended_is_not_forgotten_while_a_login_may_be_under_way() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let late = world.issue("ada", 1).await;
    let ada = Target::Subject(subject("ada"));
    assert_eq!(world.sessions.end(ada, EndReason::SubjectWide, NOW).await.unwrap(), 0);
    for sql in ["DELETE FROM session_subjects", "UPDATE session_subjects SET subject = 'eve'"] {
        assert_eq!(hand.refused(&format!("{sql} WHERE subject = 'ada'")).await, "23001", "{sql}");
    }
    assert_eq!(world.sessions.issue(late).await.unwrap(), Issued::Overtaken, "G4");
    hand.run("UPDATE session_subjects SET all_ended_at = NULL WHERE subject = 'ada'").await;
    hand.run("DELETE FROM session_subjects WHERE subject = 'ada'").await;
}

/// An instance on a pool with one connection, which somebody else uses in between.
async fn on_one_connection() -> (World, PgPool) {
    let url = Cluster::shared().fresh_schema().unwrap().url();
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    let database = cloakroom_sql::Database::of_pool(pool.clone(), &cloakroom_sql::OpenOptions::default());
    database.migrate(cloakroom_sql::Scope::Everything).await.unwrap();
    (World::of(url, database), pool)
}

#[tokio::test]
async fn a_reason_ends_with_the_transaction_it_was_given_in() {
    let (world, pool) = on_one_connection().await;
    let mut hand = world.hand().await;
    for n in 1..=5 {
        world.log_in("ada", n).await;
    }
    let delete = async |n: u64| {
        let delete = sqlx::query("DELETE FROM sessions WHERE token_digest = $1").bind(digest(n).as_bytes().to_vec());
        assert_eq!(delete.execute(&pool).await.unwrap().rows_affected(), 1);
    };
    let reasons = async |hand: &mut Hand| hand.texts("SELECT reason FROM session_feed ORDER BY position").await;

    // One statement, one transaction of several, a purge: and after each of them somebody else on the same connection.
    world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW).await.unwrap();
    delete(2).await;
    world.sessions.end(Target::Subject(subject("eve")), EndReason::SubjectWide, NOW).await.unwrap();
    delete(3).await;
    let long_ago = cloakroom_core::time::Timestamp::from_millis(0);
    let purge = Purge { ended_before: long_ago, feed_before: long_ago, chunk: 500, at: NOW };
    world.sessions.purge(purge).await.unwrap();
    delete(4).await;
    world.sessions.end(Target::Token(digest(99)), EndReason::Administrator, NOW).await.unwrap();
    delete(5).await;
    assert_eq!(reasons(&mut hand).await, ["logout", "by_hand", "subject_wide", "by_hand", "by_hand", "by_hand"]);
}

#[tokio::test]
async fn a_transaction_that_failed_leaves_no_reason_behind() {
    let (world, pool) = on_one_connection().await;
    let mut hand = world.hand().await;
    world.log_in("ada", 1).await;
    world.log_in("ada", 2).await;
    hand.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
         CREATE TRIGGER refuse BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.user_agent IS NULL) EXECUTE FUNCTION refuse();
         UPDATE sessions SET user_agent = NULL WHERE created_at = (SELECT min(created_at) FROM sessions)",
    )
    .await;
    world.sessions.end(Target::Token(digest(1)), EndReason::Logout, NOW).await.unwrap_err();
    world.sessions.end(Target::Subject(subject("ada")), EndReason::SubjectWide, NOW).await.unwrap_err();
    assert!(world.is_found(1).await && world.is_found(2).await, "all or nothing");
    sqlx::query("DELETE FROM sessions WHERE user_agent IS NOT NULL").execute(&pool).await.unwrap();
    assert_eq!(feed(&mut hand).await, [entry("ended ada by_hand", 2)]);
}
