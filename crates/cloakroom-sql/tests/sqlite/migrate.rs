//! Migrations: there and back with data, and two processes at once.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::Target;
use cloakroom_sql::Scope;

use crate::world::{NOW, World, digest, open, somebody_else};

async fn applied(database: &cloakroom_sql::Database) -> Vec<(String, bool)> {
    database.migration_status().await.unwrap().into_iter().map(|status| (status.name, status.applied)).collect()
}

fn names(sessions: bool, accounts: bool) -> Vec<(String, bool)> {
    vec![("0001_sessions".to_owned(), sessions), ("0001_accounts".to_owned(), accounts)]
}

#[tokio::test]
async fn up_down_and_up_again_with_data() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(&dir).await;
    assert_eq!(applied(&database).await, names(false, false));
    assert_eq!(database.would_drop(Scope::Everything).await.unwrap(), []);

    let first: Vec<_> = database.migrate(Scope::Sessions).await.unwrap().into_iter().map(|m| m.name).collect();
    assert_eq!(first, ["0001_sessions"]);
    assert_eq!(applied(&database).await, names(true, false));
    let second: Vec<_> = database.migrate(Scope::Everything).await.unwrap().into_iter().map(|m| m.name).collect();
    assert_eq!(second, ["0001_accounts"]);
    assert_eq!(database.migrate(Scope::Everything).await.unwrap(), []);

    let world = World { sessions: database.sessions(), database: database.clone(), dir };
    let _ = world.log_in("ada", 1).await.unwrap();
    let _ = world.log_in("bob", 2).await.unwrap();
    world.sessions.end(Target::Token(digest(2)), EndReason::Logout, NOW).await.unwrap();
    let rows = |table: &str, rows| (table.to_owned(), rows);
    assert_eq!(
        database.would_drop(Scope::Everything).await.unwrap(),
        [
            rows("accounts", 0),
            rows("attempt_counters", 0),
            rows("security_events", 0),
            rows("service_tokens", 0),
            rows("measurements", 0),
            rows("sessions", 1),
            rows("session_subjects", 3),
            rows("session_feed", 1)
        ]
    );

    database.roll_back(Scope::Everything).await.unwrap();
    assert_eq!(applied(&database).await, names(false, false));
    let left: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
        .fetch_all(&mut somebody_else(&world.dir).await)
        .await
        .unwrap();
    assert_eq!(left, Vec::<String>::new(), "nothing of ours is left");
    database.roll_back(Scope::Everything).await.unwrap();

    database.migrate(Scope::Everything).await.unwrap();
    assert_eq!(world.sessions.find(digest(1)).await.unwrap(), None);
    let _ = world.log_in("ada", 1).await.unwrap();
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_there_survives_migrating_again() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    open(&world.dir).await.migrate(Scope::Everything).await.unwrap();
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_that_start_together_migrate_once() {
    let dir = tempfile::tempdir().unwrap();
    let both: Vec<_> = futures_util::future::join_all((0..4).map(|_| open(&dir))).await;
    let starts = both.iter().map(|database| {
        let database = database.clone();
        tokio::spawn(async move { database.migrate(Scope::Everything).await })
    });
    let done = futures_util::future::join_all(starts.collect::<Vec<_>>()).await;
    let applied: usize = done.into_iter().map(|done| done.unwrap().unwrap().len()).sum();
    assert_eq!(applied, 2);
}

#[tokio::test]
async fn another_programs_table_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(&dir).await;
    let mut hand = somebody_else(&dir).await;
    sqlx::raw_sql("CREATE TABLE sessions (theirs TEXT); INSERT INTO sessions VALUES ('x')")
        .execute(&mut hand)
        .await
        .unwrap();
    let error = database.migrate(Scope::Everything).await.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    let theirs: Vec<String> = sqlx::query_scalar("SELECT theirs FROM sessions").fetch_all(&mut hand).await.unwrap();
    assert_eq!(theirs, ["x"]);
    assert_eq!(applied(&database).await, names(false, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_may_start_together_where_there_is_no_file_yet() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let start = async || {
            let database = open(&dir).await;
            database.migrate(Scope::Everything).await.unwrap();
            database
        };
        let (one, other, third) = tokio::join!(start(), start(), start());
        for database in [one, other, third] {
            database.ping().await.unwrap();
            assert!(database.migration_status().await.unwrap().iter().all(|status| status.applied));
        }
    }
}

#[tokio::test]
async fn an_earlier_version_works_beside_a_later_migration_of_its_hundred() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    let later = "ALTER TABLE sessions ADD COLUMN note TEXT; CREATE INDEX sessions_by_note ON sessions (note); \
         INSERT INTO cloakroom_migrations (version, description, success, checksum, execution_time) VALUES (2, 'notes', 1, x'00', 0)";
    sqlx::raw_sql(later).execute(&mut world.somebody_else().await).await.unwrap();
    // The one that runs goes on, and one that is started again does not mind.
    for database in [world.database.clone(), open(&world.dir).await] {
        assert_eq!(database.migrate(Scope::Everything).await.unwrap(), []);
        database.require_migrated(Scope::Everything).await.unwrap();
        assert!(applied(&database).await.contains(&("0002".to_owned(), true)));
        assert!(
            database.roll_back(Scope::Everything).await.unwrap_err().is_newer_version(),
            "it does not know the way back"
        );
    }
    let _ = world.log_in("bob", 2).await.unwrap();
    assert!(world.sessions.find(digest(1)).await.unwrap().is_some());
    assert_eq!(world.sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap(), 2);
}
