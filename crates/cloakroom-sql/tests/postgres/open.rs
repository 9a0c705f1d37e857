//! Opening: what is refused, and that each refusal is one line with a way out and without a secret.

use std::error::Error as _;

use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{Purge, Target};
use cloakroom_sql::{Database, OpenError, OpenErrorKind, OpenOptions, Scope};
use testbed::postgres::Cluster;

use crate::world::{Hand, NOW, World, digest};

/// One line that says what was found and what to do, without a password of ours or of the URL.
fn is_one_line(error: &OpenError) {
    let text = error.to_string();
    assert!(text.starts_with("cannot ") && text.contains("; ") && !text.contains('\n'), "{text}");
    let everything = format!("{text} {error:?} {:?}", error.source());
    assert!(!everything.contains("hunter2") && !everything.contains(Cluster::shared().password()), "{everything}");
}

async fn try_open(url: &str) -> Result<Database, OpenError> {
    Database::open(url, OpenOptions::default()).await
}

async fn refused(url: &str) -> OpenError {
    let error = try_open(url).await.expect_err(url);
    is_one_line(&error);
    error
}

#[tokio::test]
async fn a_url_that_is_none() {
    for url in [
        "postgres",
        "",
        "mysql://ada:hunter2@localhost/db",
        "Postgres://ada:hunter2@localhost/db",
        "postgres://ada:hunter2@localhost:port/db",
        "postgres://ada:hunter2@[::1/db",
        "postgres://ada:hunter2@localhost/db?sslmode=sometimes",
        "postgresql:ada:hunter2",
    ] {
        let error = refused(url).await;
        assert_eq!(error.kind(), OpenErrorKind::UnsupportedUrl, "{url}: {error}");
    }
}

#[tokio::test]
async fn a_server_or_a_database_that_is_not_there() {
    let cluster = Cluster::shared();
    let good = cluster.url("postgres");
    for (url, kind, found) in [
        (good.replace(cluster.password(), "hunter2"), OpenErrorKind::Denied, "refuses the user or the password"),
        (good.replacen("//postgres:", "//nobody:", 1), OpenErrorKind::Denied, "refuses the user or the password"),
        (cluster.url("nowhere"), OpenErrorKind::Other, "no database of this name"),
        (good.replace(&format!(":{}/", cluster.port()), ":1/"), OpenErrorKind::Unreachable, "cannot be reached"),
        (format!("{good}?sslmode=require"), OpenErrorKind::Unreachable, "no secure connection"),
        (format!("{good}?sslrootcert=/nowhere/root.pem&sslmode=verify-full"), OpenErrorKind::Unreachable, "no secure"),
    ] {
        let error = refused(&url).await;
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(error.to_string().contains(found), "{error}");
    }
}

/// A schema that is looked into before PostgreSQL's own, with `shadow` in it.
async fn shadowed(shadow: &str) -> OpenError {
    let schema = Cluster::shared().fresh_schema().unwrap();
    Hand::at(&schema.url()).await.run(shadow).await;
    refused(&schema.url().replace(schema.name(), &format!("{},pg_catalog", schema.name()))).await
}

#[tokio::test]
async fn a_server_that_is_too_old() {
    let error = shadowed(
        "CREATE FUNCTION current_setting(text) RETURNS text LANGUAGE sql AS \
         $$ SELECT CASE $1 WHEN 'server_version_num' THEN '130016' ELSE pg_catalog.current_setting($1) END $$",
    )
    .await;
    assert_eq!(error.kind(), OpenErrorKind::TooOld);
    assert!(error.to_string().ends_with(": the server is PostgreSQL 13; upgrade it to 14 or newer"), "{error}");
}

#[tokio::test]
async fn a_standby() {
    let standby = "CREATE FUNCTION pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS $$ SELECT true $$";
    let error = shadowed(standby).await;
    assert_eq!(error.kind(), OpenErrorKind::ReadOnly);
    assert!(error.to_string().ends_with("; point database.url at the primary"), "{error}");
}

#[tokio::test]
async fn a_newer_version() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    for table in ["cloakroom_migrations", "cloakroom_account_migrations"] {
        hand.run(&format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (999, 'later', true, '', 0)"
        ))
        .await;
        let error = refused(&world.url).await;
        assert!(error.is_newer_version(), "{error}");
        // One that was open already does not migrate or drop it either.
        for refused in [
            world.database.migrate(Scope::Everything).await.unwrap_err(),
            world.database.roll_back(Scope::Everything).await.unwrap_err(),
        ] {
            is_one_line(&refused);
            assert!(refused.is_newer_version(), "{refused}");
        }
        hand.run(&format!("DELETE FROM {table} WHERE version = 999")).await;
    }
    try_open(&world.url).await.unwrap();
}

#[tokio::test]
async fn without_tables_it_is_open_and_not_ready() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let database = try_open(&schema.url()).await.unwrap();
    assert!(database.ping().await.is_err());
    assert!(database.sessions().find(digest(1)).await.is_err());
    let error = database.require_migrated(Scope::Sessions).await.unwrap_err();
    is_one_line(&error);
    assert!(error.is_not_migrated(), "{error}");
    assert!(error.to_string().ends_with("it lacks the migration 0001_sessions; run cloakroom migrate up"), "{error}");
    database.migrate(Scope::Sessions).await.unwrap();
    database.ping().await.unwrap();
    database.require_migrated(Scope::Sessions).await.unwrap();
    assert!(database.require_migrated(Scope::Everything).await.unwrap_err().is_not_migrated());
    assert!(database.accounts().any().await.is_err());
}

/// A database with a user of little power, and the URL for that user.
async fn with_clerk(name: &str, grants: &str) -> (World, String) {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    hand.run(&format!("CREATE ROLE {name} LOGIN PASSWORD 'hunter2'; {}", grants.replace("CLERK", name))).await;
    let administrator = format!("postgres:{}@", Cluster::shared().password());
    let url = world.url.replace(&administrator, &format!("{name}:hunter2@"));
    (world, url)
}

#[tokio::test]
async fn who_may_not_create_tables_is_told_what_to_grant() {
    let (world, url) = with_clerk("may_not_create", "").await;
    world.database.roll_back(Scope::Everything).await.unwrap();
    let database = try_open(&url).await.unwrap();
    let error = database.migrate(Scope::Everything).await.unwrap_err();
    is_one_line(&error);
    assert_eq!(error.kind(), OpenErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("grant it (for migrations: CREATE on the schema"), "{error}");
}

#[tokio::test]
async fn who_may_not_read_the_tables_is_told_what_to_grant() {
    let (_world, url) = with_clerk("may_not_read", "").await;
    let error = refused(&url).await;
    assert_eq!(error.kind(), OpenErrorKind::Denied, "{error:?}");
    assert!(error.to_string().contains("SELECT, INSERT, UPDATE, DELETE on the tables"), "{error}");
}

#[tokio::test]
async fn the_four_rights_on_the_tables_are_enough_to_work_with() {
    let grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO CLERK";
    let (_world, url) = with_clerk("may_work", grants).await;
    let database = try_open(&url).await.unwrap();
    database.require_migrated(Scope::Everything).await.unwrap();
    database.ping().await.unwrap();
    let world = World::of(url, database);
    world.account("ada").await;
    world.log_in("ada", 1).await;
    assert!(world.is_found(1).await);
    for target in [Target::Token(digest(1)), Target::Everyone] {
        world.sessions.end(target, EndReason::Logout, NOW).await.unwrap();
    }
    let purge = Purge { ended_before: NOW, feed_before: NOW, chunk: 9, at: NOW };
    world.sessions.purge(purge).await.unwrap();
}

#[tokio::test]
async fn once_closed_it_answers_unavailable() {
    let world = World::new().await;
    world.log_in("ada", 1).await;
    world.database.close().await;
    world.database.close().await;
    assert!(world.sessions.begin().await.is_err());
    assert!(world.sessions.find(digest(1)).await.is_err());
    assert!(world.database.ping().await.is_err());
    let again = world.instance().await;
    assert!(again.is_found(1).await);
}
