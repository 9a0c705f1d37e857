//! Opening: what is refused, and that each refusal is one line with a way out.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use cloakroom_sql::{Database, OpenError, OpenErrorKind, OpenOptions, Scope};

use crate::world::{World, open, somebody_else, url};

async fn refused(path: &Path, options: OpenOptions) -> OpenError {
    let error = Database::open(&format!("sqlite:{}", path.display()), options).await.unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n') && text.contains(';') && text.contains(&path.display().to_string()), "{text}");
    error
}

#[tokio::test]
async fn a_missing_directory() {
    let dir = tempfile::tempdir().unwrap();
    let error = refused(&dir.path().join("none/x.db"), OpenOptions::default()).await;
    assert_eq!(error.kind(), OpenErrorKind::DirectoryMissing);
    let none = dir.path().join("none");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open sqlite:{0}/x.db: the directory {0} does not exist; create it or set database.url to another path",
            none.display()
        )
    );
}

#[tokio::test]
async fn a_missing_file_is_created_only_when_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    refused(&path, OpenOptions { create: false, ..OpenOptions::default() }).await;
    assert!(!path.exists());
    let asked = format!("sqlite:{}?mode=rwc", path.display());
    Database::open(&asked, OpenOptions { create: false, ..OpenOptions::default() }).await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn something_that_is_no_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    let text = "Dear diary, ".repeat(500);
    fs::write(&path, &text).unwrap();
    assert_eq!(refused(&path, OpenOptions::default()).await.kind(), OpenErrorKind::NotADatabase);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left as it was");
    assert_eq!(refused(dir.path(), OpenOptions::default()).await.kind(), OpenErrorKind::NotADatabase);
}

#[tokio::test]
async fn a_read_only_file_or_directory() {
    let world = World::new().await;
    world.database.close().await;
    let path = world.path();
    fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
    assert_eq!(refused(&path, OpenOptions::default()).await.kind(), OpenErrorKind::ReadOnly);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o555)).unwrap();
    assert_eq!(refused(&path, OpenOptions::default()).await.kind(), OpenErrorKind::ReadOnly);
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).unwrap();
    open(&world.dir).await.ping().await.unwrap();
}

#[tokio::test]
async fn a_newer_version() {
    let world = World::new().await;
    for table in ["cloakroom_migrations", "cloakroom_account_migrations"] {
        let insert = format!(
            "INSERT INTO {table} (version, description, success, checksum, execution_time) VALUES (999, 'later', 1, x'00', 0)"
        );
        let mut hand = world.somebody_else().await;
        sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut hand).await.unwrap();
        let error = refused(&world.path(), OpenOptions::default()).await;
        assert!(error.is_newer_version());
        // One that was open already does not migrate or drop it either.
        assert!(world.database.migrate(Scope::Everything).await.unwrap_err().is_newer_version());
        assert!(world.database.roll_back(Scope::Everything).await.unwrap_err().is_newer_version());
        let delete = format!("DELETE FROM {table} WHERE version = 999");
        sqlx::query(sqlx::AssertSqlSafe(delete)).execute(&mut hand).await.unwrap();
    }
    open(&world.dir).await;
}

#[tokio::test]
async fn a_file_held_by_a_writer_opens_and_one_held_exclusively_says_so() {
    let world = World::new().await;
    world.database.close().await;
    let mut hand = somebody_else(&world.dir).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut hand).await.unwrap();
    open(&world.dir).await.ping().await.unwrap();
    sqlx::query("ROLLBACK").execute(&mut hand).await.unwrap();

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("cloakroom.db"), "").unwrap();
    let mut hand = somebody_else(&other).await;
    sqlx::raw_sql("CREATE TABLE t (n); BEGIN EXCLUSIVE").execute(&mut hand).await.unwrap();
    let error = Database::open(&url(&other), OpenOptions::default()).await.unwrap_err();
    assert!(error.is_locked(), "{error:?}");
}

#[tokio::test]
async fn without_tables_it_is_open_and_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let database = open(&dir).await;
    assert!(database.ping().await.is_err());
    assert!(
        database.sessions().begin().await.is_err() || database.sessions().find(crate::world::digest(1)).await.is_err()
    );
    let error = database.require_migrated(Scope::Sessions).await.unwrap_err();
    assert!(error.is_not_migrated(), "{error}");
    database.migrate(Scope::Sessions).await.unwrap();
    database.ping().await.unwrap();
    database.require_migrated(Scope::Sessions).await.unwrap();
    assert!(database.require_migrated(Scope::Everything).await.is_err());
    assert!(database.accounts().any().await.is_err());
}

#[tokio::test]
async fn once_closed_it_answers_unavailable_and_leaves_no_log() {
    let world = World::new().await;
    let _ = world.log_in("ada", 1).await.unwrap();
    world.database.close().await;
    world.database.close().await;
    assert!(world.sessions.begin().await.is_err());
    assert!(world.database.ping().await.is_err());
    assert!(!world.dir.path().join("cloakroom.db-wal").exists());
    let again = open(&world.dir).await;
    assert!(again.sessions().find(crate::world::digest(1)).await.unwrap().is_some());
}
