//! Many rows in a SQLite file.

use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::questions::{START, ask, rows};

#[tokio::test]
async fn every_page_looks_at_a_bounded_number_of_rows() {
    let (rows, dir) = (rows(), tempfile::tempdir().unwrap());
    let path = dir.path().join("cloakroom.db");
    let database = Database::open(&format!("sqlite:{}", path.display()), OpenOptions::default()).await.unwrap();
    database.migrate(Scope::Everything).await.unwrap();
    let mut hand = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let (start, few) = (START.as_millis(), rows / 20);
    let fill = format!(
        "BEGIN;
         WITH RECURSIVE few (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM few WHERE n < {few} - 1)
         INSERT INTO session_subjects (subject) SELECT 'service' UNION ALL SELECT 's' || n FROM few;
         WITH RECURSIVE row (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM row WHERE n < {rows} - 1),
         timed AS (SELECT n, {start} + n * 1000 AS at, printf('%012x', {start} + n * 1000) AS hex FROM row)
         INSERT INTO sessions SELECT randomblob(32),
             printf('%s-%s-7000-8000-%012x', substr(hex, 1, 8), substr(hex, 9), n),
             CASE n % 10 WHEN 0 THEN 'service' ELSE 's' || (n % {few}) END, at, at, at, 1209600000, at + 2592000000,
             CASE n % 1000 WHEN 999 THEN 'passkey' ELSE 'password' END,
             CASE WHEN n = 0 THEN 'Rare/1.0' WHEN n % 100 = 99 THEN 'Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0'
                 ELSE 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36' END,
             CASE n WHEN 0 THEN '203.0.113.7'
                 ELSE printf('10.%d.%d.%d', n * 7 % 251, n * 11 % 253, n % 255) END FROM timed;
         COMMIT;"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut hand).await.unwrap();
    ask(&database.sessions(), rows).await;
    database.close().await;
}
