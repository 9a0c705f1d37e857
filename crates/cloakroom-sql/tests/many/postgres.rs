//! Many rows on a PostgreSQL server.

use cloakroom_core::store::{LOOKED_AT_MAX, ListQuery};
use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testbed::postgres::Cluster;

use crate::questions::{Question, START, ask, now, questions, rows};

#[tokio::test]
async fn every_page_looks_at_a_bounded_number_of_rows() {
    let rows = rows();
    let cluster = Cluster::shared();
    cluster.psql("postgres", "CREATE DATABASE many").unwrap();
    let url = cluster.url("many");
    let database = Database::open(&url, OpenOptions::default()).await.unwrap();
    database.migrate(Scope::Everything).await.unwrap();
    let mut hand = PgConnection::connect(&url).await.unwrap();
    let (start, few) = (START.as_millis(), rows / 20);
    let fill = format!(
        "INSERT INTO session_subjects (subject) SELECT 'service' UNION ALL SELECT 's' || n FROM generate_series(0, {few} - 1) n;
         INSERT INTO sessions SELECT sha256(int8send(n)),
             (lpad(to_hex({start} + n * 1000), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
             CASE n % 10 WHEN 0 THEN 'service' ELSE 's' || (n % {few}) END, at, at, at, interval '14 days', at + interval '30 days',
             CASE n % 1000 WHEN 999 THEN 'passkey' ELSE 'password' END,
             CASE WHEN n = 0 THEN 'Rare/1.0' WHEN n % 100 = 99 THEN 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0'
                 ELSE 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36' END,
             CASE n WHEN 0 THEN '203.0.113.7'
                 ELSE concat_ws('.', '10', n * 7 % 251, n * 11 % 253, n % 255) END::inet
         FROM (SELECT n, to_timestamp(({start} + n * 1000) / 1000.0) AS at FROM generate_series(0::bigint, {rows} - 1) n) AS row;
         ANALYZE sessions;"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut hand).await.unwrap();
    ask(&database.sessions(), rows).await;
    database.close().await;
    looks_at_few(&url, &mut hand, rows).await;
}

/// Counts, as the server does, how many rows a page of a list and one of a count take: those of two windows, each looked at once for
/// its end and once for what matches.
async fn looks_at_few(url: &str, hand: &mut PgConnection, rows: u64) {
    for Question { name, filter, .. } in questions(rows) {
        let before = looked_at(hand).await;
        let database = Database::open(url, OpenOptions::default()).await.unwrap();
        let query = ListQuery { filter: filter.clone(), before: None, limit: 50 };
        database.sessions().list(query).await.unwrap();
        database.sessions().count_matching(filter, None, now(rows)).await.unwrap();
        database.close().await;
        let after = looked_at(hand).await;
        // Where the table is small, reading all of it may be the shorter way.
        let looked_at = after.0 + after.1 - before.0 - before.1;
        println!("{name:32} {looked_at} rows looked at");
        assert!(looked_at <= 4 * i64::from(LOOKED_AT_MAX) + 100, "{name}: {looked_at} rows");
    }
}

/// How many rows of sessions were read one after the other, and how many by way of an index, by those who have left.
async fn looked_at(hand: &mut PgConnection) -> (i64, i64) {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    while sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *hand).await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    let counted = "SELECT seq_tup_read, idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'sessions'";
    sqlx::query_as(counted).fetch_one(hand).await.unwrap()
}
