//! The schema itself: both dialects the same columns, what the tables refuse, which indexes there are and which not.

use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Row as _};

use crate::world::{Hand, World};

/// What one dialect alone has: PostgreSQL orders commits by transaction, and so remembers up to which one entries were
/// removed, where SQLite sees gaps; SQLite tells its triggers by a table.
const POSTGRES_ONLY: [&str; 2] = ["session_feed.xid", "session_feed_floor."];
const SQLITE_ONLY: &str = "session_ending.";

async fn columns_of_sqlite() -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("schema.db");
    let database = Database::open(&format!("sqlite:{}", file.display()), OpenOptions::default()).await.unwrap();
    database.migrate(Scope::Everything).await.unwrap();
    let mut hand = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    // A primary key of integers is never null, whatever the pragma says.
    let columns = "SELECT m.name || '.' || c.name || iif(c.\"notnull\" OR c.pk, '', ' null') FROM sqlite_schema m, \
         pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' \
         AND m.name NOT LIKE 'cloakroom_%' ORDER BY m.name, c.cid";
    let rows = sqlx::query(columns).fetch_all(&mut hand).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

async fn columns_of_postgres(hand: &mut Hand) -> Vec<String> {
    hand.texts(
        "SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END \
         FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'cloakroom_%' \
         ORDER BY table_name, ordinal_position",
    )
    .await
}

#[tokio::test]
async fn both_dialects_have_the_same_tables_and_columns() {
    let world = World::new().await;
    let postgres = columns_of_postgres(&mut world.hand().await).await;
    let sqlite = columns_of_sqlite().await;
    let is_of_postgres = |column: &&String| POSTGRES_ONLY.iter().any(|only| column.starts_with(only));
    assert_eq!(postgres.iter().filter(is_of_postgres).count(), 1 + 4);
    assert_eq!(sqlite.iter().filter(|column| column.starts_with(SQLITE_ONLY)).count(), 4);
    let shared = |columns: &[String]| -> Vec<String> {
        let both = columns.iter().filter(|column| !is_of_postgres(column) && !column.starts_with(SQLITE_ONLY));
        both.cloned().collect()
    };
    assert_eq!(shared(&postgres), shared(&sqlite));
    assert_eq!(shared(&postgres).len(), 7 + 5 + 9 + 5 + 4 + 7 + 2 + 11);
}

#[tokio::test]
async fn types_are_those_of_the_design() {
    let types = "SELECT table_name || ': ' || string_agg(column_name || ' ' || udt_name, ', ' ORDER BY ordinal_position) \
         FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT LIKE 'cloakroom_%' \
         GROUP BY table_name ORDER BY table_name";
    assert_eq!(
        World::new().await.hand().await.texts(types).await,
        [
            "accounts: subject text, login_name text, password_hash text, role text, created_at timestamptz, \
             password_changed_at timestamptz, disabled_at timestamptz",
            "attempt_counters: key bytea, failures int8, under_way int8, until_at timestamptz, changed_at timestamptz",
            "measurements: resolution int4, bucket timestamptz, name text, value int8",
            "security_events: id uuid, at timestamptz, kind text, subject text, session_id uuid, reason text, \
             user_agent text, ip inet, request_id uuid",
            "service_tokens: name text, digest bytea, scope text, created_at timestamptz, last_used_at timestamptz",
            "session_feed: position int8, xid xid8, kind text, token_digest bytea, session_id uuid, subject text, \
             reason text, at timestamptz",
            "session_feed_floor: only_row int4, removed_to xid8, removed_by xid8, emptied_by xid8",
            "session_subjects: subject text, all_ended_at xid8",
            "sessions: token_digest bytea, id uuid, subject text, created_at timestamptz, authenticated_at timestamptz, \
             last_seen_at timestamptz, idle_timeout interval, absolute_expires_at timestamptz, auth_method text, \
             user_agent text, ip inet",
        ]
    );
}

/// A session whose other columns are as given.
fn session(columns: &[(&str, String)]) -> String {
    let mut row = vec![
        ("token_digest", "decode(repeat('ab', 32), 'hex')".to_owned()),
        ("id", "gen_random_uuid()".to_owned()),
        ("subject", "'ada'".to_owned()),
        ("idle_timeout", "interval '1 hour'".to_owned()),
        ("auth_method", "'password'".to_owned()),
        ("user_agent", "NULL".to_owned()),
    ];
    for (name, value) in columns {
        row.iter_mut().find(|(column, _)| column == name).unwrap().1.clone_from(value);
    }
    let (names, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    format!(
        "INSERT INTO sessions ({}, created_at, authenticated_at, last_seen_at, absolute_expires_at) \
         VALUES ({}, now(), now(), now(), now())",
        names.join(", "),
        values.join(", ")
    )
}

fn account(columns: [&str; 4]) -> String {
    let [subject, login_name, password_hash, role] = columns;
    format!("INSERT INTO accounts VALUES ({subject}, {login_name}, {password_hash}, {role}, now(), now(), NULL)")
}

#[tokio::test]
async fn what_is_too_long_or_too_short_is_refused_by_the_table() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    hand.run("INSERT INTO session_subjects VALUES ('ada')").await;
    let bytes = |n: u32| format!("decode(repeat('cd', {n}), 'hex')");
    let text = |n: u32| format!("repeat('x', {n})");
    let one = |column, value: String| session(&[(column, value)]);
    let subject = |text: String| format!("INSERT INTO session_subjects VALUES ({text})");
    let of = |kind: &str| format!("INSERT INTO session_feed (kind, subject, at) VALUES ('{kind}', '', now())");
    let person = "'person'";
    for (allowed, refused) in [
        (one("token_digest", bytes(32)), one("token_digest", bytes(31))),
        (one("token_digest", bytes(32)), one("token_digest", bytes(33))),
        (one("auth_method", text(1)), one("auth_method", text(0))),
        (one("auth_method", text(32)), one("auth_method", text(33))),
        (one("user_agent", text(256)), one("user_agent", text(257))),
        (one("user_agent", "repeat('é', 128)".into()), one("user_agent", "repeat('é', 129)".into())),
        (one("idle_timeout", "interval '0'".into()), one("idle_timeout", "interval '-1 ms'".into())),
        (one("subject", "'ada'".into()), one("subject", "''".into())),
        (subject(text(255)), subject(text(256))),
        (of("ended"), of("gone")),
        (account([&text(255), &text(255), &text(512), person]), account([&text(1), &text(1), &text(513), person])),
        (account(["'1'", "'a'", "''", person]), account(["''", "'b'", "''", person])),
        (account(["'2'", "'b'", "''", person]), account(["'3'", "''", "''", person])),
        (account(["'4'", "'c'", "''", "'administrator'"]), account(["'5'", "'d'", "''", "'root'"])),
        (account(["'6'", "'e'", "''", person]), account([&text(256), "'f'", "''", person])),
        (account(["'7'", "'g'", "''", person]), account(["'8'", &text(256), "''", person])),
    ] {
        hand.run(&format!("BEGIN; {allowed}; ROLLBACK")).await;
        assert_eq!(hand.refused(&refused).await, "23514", "{refused}");
    }
}

#[tokio::test]
async fn a_page_of_sessions_has_room_for_the_next_version_of_its_rows() {
    let options = "SELECT reloptions::text FROM pg_class WHERE oid = 'sessions'::regclass";
    assert_eq!(World::new().await.hand().await.texts(options).await, ["{fillfactor=80}"]);
}

#[tokio::test]
async fn indexes_are_these_and_none_is_on_what_changes_or_is_scrubbed() {
    let indexes = "SELECT regexp_replace(pg_get_indexdef(indexrelid), '.* ON [^ ]*\\.(.*) USING ', '\\1 ') \
         FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace = current_schema()::regnamespace \
         AND relname NOT LIKE 'cloakroom_%' ORDER BY 1";
    let found = World::new().await.hand().await.texts(indexes).await;
    assert_eq!(
        found,
        [
            "accounts btree (login_name)",
            "accounts btree (subject)",
            "attempt_counters btree (key)",
            "measurements btree (resolution, bucket, name)",
            "security_events btree (id)",
            "security_events btree (subject, id) WHERE (subject IS NOT NULL)",
            "service_tokens btree (digest)",
            "service_tokens btree (name)",
            "session_feed btree (\"position\")",
            "session_feed btree (at)",
            "session_feed btree (subject)",
            "session_feed btree (token_digest) WHERE (token_digest IS NOT NULL)",
            "session_feed btree (xid)",
            "session_feed_floor btree (only_row)",
            "session_subjects btree (subject)",
            "sessions btree (absolute_expires_at)",
            "sessions btree (id)",
            "sessions btree (subject, id)",
            "sessions btree (token_digest)",
        ]
    );
    for column in ["last_seen_at", "user_agent", "ip"] {
        assert!(!found.iter().any(|index| index.starts_with("sessions ") && index.contains(column)), "{column}");
    }
}

#[tokio::test]
async fn the_one_foreign_key_restricts() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let keys = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' \
         AND connamespace = current_schema()::regnamespace";
    assert_eq!(
        hand.texts(keys).await,
        ["FOREIGN KEY (subject) REFERENCES session_subjects(subject) ON UPDATE RESTRICT ON DELETE RESTRICT"]
    );
    world.log_in("ada", 1).await;
    world.log_in("bob", 2).await;
    hand.run("DELETE FROM sessions WHERE subject = 'bob'").await;
    for statement in ["DELETE FROM session_subjects", "UPDATE session_subjects SET subject = 'eve'"] {
        assert_eq!(hand.refused(&format!("{statement} WHERE subject = 'ada'")).await, "23503", "{statement}");
    }
    assert_eq!(hand.refused(&session(&[("subject", "'nobody'".into())])).await, "23503");
    hand.run("DELETE FROM session_subjects WHERE subject = 'bob'").await;
    assert!(world.is_found(1).await);
}

#[tokio::test]
async fn the_statements_on_the_hot_path_use_an_index() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    hand.run("SET enable_seqscan = off").await; // the tables are empty: nothing else would be chosen
    for (statement, index) in [
        ("SELECT * FROM sessions WHERE token_digest = ANY(ARRAY['\\x00'::bytea, '\\x01'])", "sessions_pkey"),
        ("SELECT * FROM sessions WHERE subject = 'ada' ORDER BY id DESC LIMIT 9", "sessions_by_subject"),
        ("SELECT * FROM sessions WHERE absolute_expires_at < now() LIMIT 9", "sessions_by_absolute_expires_at"),
        ("SELECT * FROM session_feed WHERE token_digest = ANY(ARRAY['\\x00'::bytea])", "session_feed_by_digest"),
        ("SELECT * FROM session_feed WHERE subject = 'ada' ORDER BY position", "session_feed_by_subject"),
        ("SELECT * FROM session_feed WHERE at < now() ORDER BY at LIMIT 9", "session_feed_by_at"),
        ("SELECT * FROM session_feed WHERE kind = 'ended' AND at >= now() AND at < now()", "session_feed_by_at"),
        ("SELECT * FROM sessions ORDER BY token_digest LIMIT 9", "sessions_pkey"),
        ("SELECT * FROM measurements WHERE resolution = 300 AND bucket >= now()", "measurements_pkey"),
    ] {
        let plan = hand.texts(&format!("EXPLAIN (COSTS OFF) {statement}")).await;
        assert!(plan.join(" ").contains(index), "{statement}: {plan:?}");
    }
}
