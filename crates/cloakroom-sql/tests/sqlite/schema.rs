//! The schema itself: columns, strictness, foreign keys, indexes.

use crate::world::World;
use sqlx::Row as _;

async fn column(world: &World, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query(sql).fetch_all(&mut world.somebody_else().await).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

const COLUMNS_OF_SESSIONS: &str =
    "SELECT name || ' ' || type || iif(\"notnull\", '', ' null') FROM pragma_table_info('sessions')";
const COLUMNS_OF_ACCOUNTS: &str =
    "SELECT name || ' ' || type || iif(\"notnull\", '', ' null') FROM pragma_table_info('accounts')";

#[tokio::test]
async fn columns_are_those_of_the_design() {
    let world = World::new().await;
    assert_eq!(
        column(&world, COLUMNS_OF_SESSIONS).await.join(", "),
        "token_digest BLOB, id TEXT, subject TEXT, created_at INTEGER, authenticated_at INTEGER, last_seen_at INTEGER, \
         idle_timeout INTEGER null, absolute_expires_at INTEGER, auth_method TEXT, user_agent TEXT null, ip TEXT null"
    );
    assert_eq!(
        column(&world, COLUMNS_OF_ACCOUNTS).await.join(", "),
        "subject TEXT, login_name TEXT, password_hash TEXT, role TEXT, created_at INTEGER, \
         password_changed_at INTEGER, disabled_at INTEGER null"
    );
}

#[tokio::test]
async fn every_table_of_ours_is_strict() {
    let world = World::new().await;
    let lax = "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict \
        AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'cloakroom_%' ORDER BY name";
    assert_eq!(column(&world, lax).await, Vec::<String>::new());
    let strict = "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict ORDER BY name";
    assert_eq!(
        column(&world, strict).await,
        [
            "accounts",
            "attempt_counters",
            "measurements",
            "security_events",
            "service_tokens",
            "session_ending",
            "session_feed",
            "session_subjects",
            "sessions"
        ]
    );
}

#[tokio::test]
async fn the_one_foreign_key_restricts() {
    let world = World::new().await;
    let keys = "SELECT m.name || '.' || f.\"from\" || ' ' || f.\"table\" || '.' || f.\"to\" || ' ' || f.on_update || ' ' \
        || f.on_delete FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'";
    assert_eq!(column(&world, keys).await, ["sessions.subject session_subjects.subject RESTRICT RESTRICT"]);
}

#[tokio::test]
async fn indexes_are_these_and_none_is_on_what_a_touch_changes() {
    let world = World::new().await;
    let indexed = "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_index_list(m.name) i, \
        pragma_index_info(i.name) c WHERE m.type = 'table' AND m.name LIKE 'session%' ORDER BY 1";
    let found = column(&world, indexed).await;
    assert_eq!(
        found,
        [
            "session_feed.at",
            "session_feed.subject",
            "session_feed.token_digest",
            "session_subjects.subject",
            "sessions.absolute_expires_at",
            "sessions.id",
            "sessions.id",
            "sessions.subject",
            "sessions.token_digest",
        ]
    );
    assert!(!found.iter().any(|column| column.contains("last_seen_at")));
}

#[tokio::test]
async fn the_statements_on_the_hot_path_use_an_index() {
    let world = World::new().await;
    for (statement, index) in [
        ("EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE token_digest = $1", "sqlite_autoindex_sessions_1"),
        ("EXPLAIN QUERY PLAN SELECT * FROM sessions WHERE subject = $1 ORDER BY id DESC", "sessions_by_subject"),
        (
            "EXPLAIN QUERY PLAN SELECT at FROM session_feed WHERE token_digest = $1 AND kind = 'ended' \
             ORDER BY position DESC LIMIT 1",
            "session_feed_by_digest",
        ),
        (
            "EXPLAIN QUERY PLAN SELECT value FROM measurements WHERE resolution = $1 AND bucket >= $2 AND bucket < $3",
            "USING PRIMARY KEY (resolution=? AND bucket>? AND bucket<?)",
        ),
        (
            "EXPLAIN QUERY PLAN SELECT count(*) FROM session_feed WHERE kind = 'ended' AND at >= $1 AND at < $2",
            "session_feed_by_at",
        ),
        (
            "EXPLAIN QUERY PLAN SELECT absolute_expires_at FROM sessions ORDER BY token_digest LIMIT $1",
            "sqlite_autoindex_sessions_1",
        ),
    ] {
        let rows = sqlx::query(statement).fetch_all(&mut world.somebody_else().await).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        assert!(plan.join(" ").contains(index), "{statement}: {plan:?}");
    }
}

#[tokio::test]
async fn a_digest_of_another_length_is_refused_by_the_table() {
    let world = World::new().await;
    let insert = "INSERT INTO sessions VALUES (x'00', '01234567-0123-7123-8123-012345678901', '', 0, 0, 0, 0, 0, 'password', NULL, NULL)";
    assert!(sqlx::query(insert).execute(&mut world.somebody_else().await).await.is_err());
}
