//! Sessions beside an application's own tables: on its pool, issued in its transaction, on both databases.

#[cfg(test)]
mod tests {
    use cloakroom::{Database, EndReason, IssueError, OpenOptions, Sessions, Subject};
    use sqlx::postgres::PgPoolOptions;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
    use sqlx::{PgPool, SqlitePool};
    use tempfile::TempDir;
    use testbed::postgres::{Cluster, Schema};

    fn ada() -> Subject {
        Subject::new("ada").unwrap()
    }

    async fn living(sessions: &Sessions) -> usize {
        sessions.list(&ada(), None, 10).await.unwrap().len()
    }

    async fn on_postgres() -> (Sessions, PgPool, Schema<'static>) {
        let schema = Cluster::shared().fresh_schema().unwrap();
        let pool = PgPoolOptions::new().max_connections(4).connect(&schema.url()).await.unwrap();
        let sessions = Sessions::from(pool.clone());
        sessions.migrate().await.unwrap();
        schema.psql("CREATE TABLE users (name text PRIMARY KEY)").unwrap();
        (sessions, pool, schema)
    }

    async fn on_sqlite() -> (Sessions, SqlitePool, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let file = SqliteConnectOptions::new().filename(dir.path().join("app.db")).create_if_missing(true);
        let pool = SqlitePoolOptions::new().connect_with(file.journal_mode(SqliteJournalMode::Wal)).await.unwrap();
        let database = Database::of_sqlite_pool(&pool, &OpenOptions::default()).await.unwrap();
        let sessions = Sessions::builder().database(database).await.unwrap();
        sqlx::query("CREATE TABLE users (name TEXT PRIMARY KEY) STRICT").execute(&pool).await.unwrap();
        (sessions, pool, dir)
    }

    const SIGN_UP: &str = "INSERT INTO users VALUES ('ada')";

    #[tokio::test]
    async fn on_postgres_a_session_and_its_user_happen_together() {
        let (sessions, pool, schema) = on_postgres().await;
        for (commits, users) in [(false, "0"), (true, "1")] {
            let attempt = sessions.begin().await.unwrap();
            let mut tx = pool.begin().await.unwrap();
            sqlx::query(SIGN_UP).execute(&mut *tx).await.unwrap();
            drop(attempt.issue_in(&mut tx, "ada").await.unwrap());
            assert_eq!(living(&sessions).await, 0, "nobody sees it before the commit");
            if commits {
                tx.commit().await.unwrap();
            } else {
                tx.rollback().await.unwrap();
            }
            assert_eq!(living(&sessions).await, usize::from(commits));
            assert_eq!(schema.psql("SELECT count(*) FROM users").unwrap(), users);
        }
    }

    #[tokio::test]
    async fn on_sqlite_a_session_and_its_user_happen_together() {
        let (sessions, pool, _dir) = on_sqlite().await;
        for (commits, users) in [(false, 0), (true, 1)] {
            let attempt = sessions.begin().await.unwrap();
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
            sqlx::query(SIGN_UP).execute(&mut *tx).await.unwrap();
            drop(attempt.issue_in(&mut tx, "ada").await.unwrap());
            assert_eq!(living(&sessions).await, 0, "nobody sees it before the commit");
            if commits {
                tx.commit().await.unwrap();
            } else {
                tx.rollback().await.unwrap();
            }
            assert_eq!(living(&sessions).await, usize::from(commits));
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&pool).await.unwrap();
            assert_eq!(count, users);
        }
    }

    #[tokio::test]
    async fn a_revocation_overtakes_a_login_in_a_transaction_of_ones_own() {
        let (sessions, pool, _schema) = on_postgres().await;
        let attempt = sessions.begin().await.unwrap();
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("SELECT 1 FROM users").execute(&mut *tx).await.unwrap();
        sessions.end_all_of(&ada()).await.unwrap();
        assert!(attempt.issue_in(&mut tx, "ada").await.is_err_and(|error| error.is_overtaken()), "G4");

        let (sessions, pool, _dir) = on_sqlite().await;
        let attempt = sessions.begin().await.unwrap();
        sessions.end_everyone().await.unwrap();
        let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
        assert!(attempt.issue_in(&mut tx, "ada").await.is_err_and(|error| error.is_overtaken()), "G4");
    }

    #[tokio::test]
    async fn a_transaction_that_cannot_see_a_revocation_is_refused() {
        let (sessions, pool, _schema) = on_postgres().await;
        for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
            let attempt = sessions.begin().await.unwrap();
            let begin = sqlx::AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {isolation}"));
            let mut tx = pool.begin_with(begin).await.unwrap();
            sqlx::query("SELECT 1 FROM users").execute(&mut *tx).await.unwrap();
            sessions.end_everyone().await.unwrap(); // after the transaction's one snapshot
            assert!(attempt.issue_in(&mut tx, "ada").await.is_err(), "{isolation}");
        }
        assert_eq!(living(&sessions).await, 0);
    }

    #[tokio::test]
    async fn what_follows_in_the_transaction_is_not_recorded_as_the_logins() -> Result<(), IssueError> {
        let (sessions, pool, _schema) = on_postgres().await;
        drop(sessions.begin().await?.issue("ada").await?);
        let mut tx = pool.begin().await.unwrap();
        drop(sessions.begin().await?.issue_in(&mut tx, "grace").await?);
        sqlx::query("DELETE FROM sessions WHERE subject = 'ada'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let history = sessions.history(&ada(), 10).await?;
        assert_eq!(history.iter().map(|ending| ending.reason).collect::<Vec<_>>(), [EndReason::ByHand]);
        Ok(())
    }

    #[tokio::test]
    async fn a_pool_on_a_database_in_memory_is_refused() {
        let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
        let refused = Database::of_sqlite_pool(&pool, &OpenOptions::default()).await.unwrap_err();
        assert!(!refused.to_string().is_empty());
    }
}
