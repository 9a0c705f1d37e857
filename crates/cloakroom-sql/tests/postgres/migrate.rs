//! Migrations: there and back with data, several instances at once, and what somebody else keeps in the same schema.

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::Target;
use cloakroom_sql::{Database, OpenOptions, Scope};
use futures_util::future::join_all;
use testbed::postgres::Cluster;

use crate::world::{Hand, NOW, World, digest};

async fn open(url: &str) -> Database {
    Database::open(url, OpenOptions::default()).await.unwrap()
}

async fn applied(database: &Database) -> Vec<(String, bool)> {
    database.migration_status().await.unwrap().into_iter().map(|status| (status.name, status.applied)).collect()
}

fn names(sessions: bool, accounts: bool) -> Vec<(String, bool)> {
    vec![("0001_sessions".to_owned(), sessions), ("0001_accounts".to_owned(), accounts)]
}

/// Everything that a schema can hold and a migration could leave behind.
const LEFT: &str = "SELECT 'table or index ' || relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
     UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace \
     UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = current_schema()::regnamespace";

#[tokio::test]
async fn up_down_and_up_again_with_data() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let database = open(&schema.url()).await;
    assert_eq!(applied(&database).await, names(false, false));
    assert_eq!(database.would_drop(Scope::Everything).await.unwrap(), []);
    let first: Vec<_> = database.migrate(Scope::Sessions).await.unwrap().into_iter().map(|m| m.name).collect();
    assert_eq!(first, ["0001_sessions"]);
    assert_eq!(applied(&database).await, names(true, false));
    let second: Vec<_> = database.migrate(Scope::Everything).await.unwrap().into_iter().map(|m| m.name).collect();
    assert_eq!(second, ["0001_accounts"]);
    assert_eq!(database.migrate(Scope::Everything).await.unwrap(), []);

    let world = World::of(schema.url(), database);
    world.log_in("ada", 1).await;
    world.log_in("bob", 2).await;
    world.sessions.end(Target::Token(digest(2)), EndReason::Logout, NOW).await.unwrap();
    let rows = |table: &str, rows| (table.to_owned(), rows);
    assert_eq!(
        world.database.would_drop(Scope::Everything).await.unwrap(),
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

    world.database.roll_back(Scope::Everything).await.unwrap();
    assert_eq!(applied(&world.database).await, names(false, false));
    assert_eq!(world.hand().await.texts(LEFT).await, Vec::<String>::new(), "nothing of ours is left");
    world.database.roll_back(Scope::Everything).await.unwrap();

    world.database.migrate(Scope::Everything).await.unwrap();
    assert!(!world.is_found(1).await);
    world.log_in("ada", 1).await;
    assert!(world.is_found(1).await);
}

#[tokio::test]
async fn what_is_there_survives_migrating_again() {
    let world = World::new().await;
    world.log_in("ada", 1).await;
    world.instance().await.database.migrate(Scope::Everything).await.unwrap();
    assert!(world.is_found(1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_instances_that_start_together_one_migrates() {
    for _ in 0..3 {
        let schema = Cluster::shared().fresh_schema().unwrap();
        let starts = (0..8).map(|_| {
            let url = schema.url();
            tokio::spawn(async move { open(&url).await.migrate(Scope::Everything).await })
        });
        let done: Vec<_> = join_all(starts.collect::<Vec<_>>()).await.into_iter().map(|done| done.unwrap()).collect();
        let mut applied: Vec<_> = done.into_iter().map(|done| done.unwrap().len()).collect();
        applied.sort_unstable();
        assert_eq!(applied, [0, 0, 0, 0, 0, 0, 0, 2], "one of them, all of it");
        open(&schema.url()).await.require_migrated(Scope::Everything).await.unwrap();
    }
}

#[tokio::test]
async fn another_programs_table_is_not_touched() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let database = open(&schema.url()).await;
    let mut hand = Hand::at(&schema.url()).await;
    hand.run("CREATE TABLE sessions (theirs text); INSERT INTO sessions VALUES ('x')").await;
    let error = database.migrate(Scope::Everything).await.unwrap_err();
    assert!(!error.to_string().contains('\n'), "{error}");
    assert_eq!(hand.texts("SELECT theirs FROM sessions").await, ["x"]);
    assert_eq!(applied(&database).await, names(false, false), "and nothing of ours is half there");
    assert!(hand.texts(LEFT).await.iter().all(|left| left.ends_with("sessions")), "nor left lying about");
}

#[tokio::test]
async fn two_schemas_of_one_database_are_two_databases() {
    let (here, there) = (World::new().await, World::new().await);
    here.log_in("ada", 1).await;
    there.log_in("ada", 1).await;
    there.sessions.end(Target::Everyone, EndReason::Everyone, NOW).await.unwrap();
    assert!(here.is_found(1).await && !there.is_found(1).await);
    there.database.roll_back(Scope::Everything).await.unwrap();
    here.log_in("ada", 2).await;
}
