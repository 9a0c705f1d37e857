//! What is special about SQLite: migrations both ways, the schema, triggers, grouped commits, rows that cannot be.

#[cfg(test)]
mod sqlite {
    use std::sync::Arc;
    use std::time::Duration;

    use cloakroom_core::ending::EndReason;
    use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
    use cloakroom_core::store::{Issue, Issued, ListQuery, SessionStore, StoreErrorKind, Touch};
    use cloakroom_core::time::Timestamp;
    use cloakroom_core::token::{Token, TokenDigest};
    use cloakroom_core::world::PredictableRandom;
    use cloakroom_sql::{Database, OpenErrorKind, OpenOptions, Scope};
    use sqlx::{ConnectOptions as _, Row as _, SqliteConnection};

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    struct Place {
        dir: tempfile::TempDir,
        random: PredictableRandom,
    }

    impl Place {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), random: PredictableRandom::from_seed(11) }
        }

        fn url(&self) -> String {
            format!("sqlite:{}", self.dir.path().join("test.db").display())
        }

        async fn open(&self) -> Database {
            Database::open(&self.url(), OpenOptions::default()).await.unwrap()
        }

        async fn migrated(&self) -> Database {
            let database = self.open().await;
            database.migrate(Scope::Everything).await.unwrap();
            database
        }

        /// A connection of another program: no settings of ours.
        async fn by_hand(&self) -> SqliteConnection {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.dir.path().join("test.db"));
            options.foreign_keys(false).connect().await.unwrap()
        }

        async fn issue(&self, store: &Arc<dyn SessionStore>, subject: &str) -> TokenDigest {
            let digest = Token::generate(&self.random).unwrap().digest();
            let session = SessionRecord {
                id: SessionId::new(NOW, &self.random).unwrap(),
                subject: Subject::new(subject).unwrap(),
                created_at: NOW,
                authenticated_at: NOW,
                last_seen_at: NOW,
                idle_timeout: Some(Duration::from_mins(1)),
                absolute_expires_at: NOW.plus(Duration::from_hours(1)),
                auth_method: AuthMethod::password(),
                client: ClientFacts::new(Some("Test/1"), "192.0.2.7".parse().ok()),
            };
            let moment = store.begin().await.unwrap();
            let issue = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: 50 };
            assert_eq!(store.issue(issue).await.unwrap(), Issued::Created { over_cap: 0 });
            digest
        }
    }

    async fn run(connection: &mut SqliteConnection, statement: &'static str) -> u64 {
        sqlx::query(statement).execute(connection).await.unwrap().rows_affected()
    }

    async fn texts(connection: &mut SqliteConnection, query: &'static str) -> Vec<String> {
        let rows = sqlx::query(query).fetch_all(connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    #[tokio::test]
    async fn migrations_go_up_and_down_and_up_again() {
        let place = Place::new();
        let database = place.open().await;
        assert!(database.migration_status().await.unwrap().iter().all(|status| !status.applied));
        assert_eq!(database.migrate(Scope::Sessions).await.unwrap().len(), 1);
        assert_eq!(database.migrate(Scope::Everything).await.unwrap().len(), 1);
        assert_eq!(database.migrate(Scope::Everything).await.unwrap().len(), 0);
        place.issue(&database.sessions(), "ada").await;
        let dropped = database.would_drop(Scope::Everything).await.unwrap();
        assert!(dropped.contains(&("sessions".to_owned(), 1)) && dropped.len() == 4, "{dropped:?}");
        let mut other = place.by_hand().await;
        run(&mut other, "CREATE TABLE users (id INTEGER PRIMARY KEY)").await;
        database.roll_back(Scope::Everything).await.unwrap();
        let left = texts(
            &mut other,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1",
        );
        assert_eq!(left.await, ["cloakroom_account_migrations", "cloakroom_migrations", "users"]);
        assert_eq!(database.would_drop(Scope::Everything).await.unwrap(), []);
        assert_eq!(database.migrate(Scope::Everything).await.unwrap().len(), 2);
        place.issue(&database.sessions(), "ada").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn instances_may_start_together() {
        for _ in 0..10 {
            let place = Place::new();
            let (one, other, third) = tokio::join!(place.migrated(), place.migrated(), place.migrated());
            let digest = place.issue(&one.sessions(), "ada").await;
            assert!(other.sessions().find(digest).await.unwrap().is_some());
            assert!(third.migration_status().await.unwrap().iter().all(|status| status.applied));
        }
    }

    #[tokio::test]
    async fn the_schema_is_what_the_design_says() {
        let place = Place::new();
        let database = place.migrated().await;
        let mut connection = place.by_hand().await;
        let columns = texts(&mut connection, "SELECT name FROM pragma_table_info('sessions') ORDER BY cid").await;
        assert_eq!(
            columns.join(" "),
            "token_digest id subject created_at authenticated_at last_seen_at idle_timeout absolute_expires_at auth_method user_agent ip"
        );
        let strict = "SELECT name FROM pragma_table_list WHERE strict = 0 AND schema = 'main' AND name LIKE 'session%'";
        assert_eq!(texts(&mut connection, strict).await, [""; 0], "every table is STRICT");
        let indexed =
            "SELECT DISTINCT ii.name FROM pragma_index_list('sessions') il, pragma_index_info(il.name) ii ORDER BY 1";
        assert_eq!(
            texts(&mut connection, indexed).await,
            ["absolute_expires_at", "id", "subject", "token_digest"],
            "no index on a column that is touched"
        );
        place.issue(&database.sessions(), "ada").await;
        run(&mut connection, "PRAGMA foreign_keys = on").await;
        let delete = sqlx::query("DELETE FROM session_subjects WHERE subject = 'ada'").execute(&mut connection).await;
        assert!(delete.is_err(), "a subject with sessions stays");
    }

    #[tokio::test]
    async fn what_is_done_by_hand_is_recorded() {
        let place = Place::new();
        let sessions = place.migrated().await.sessions();
        let (one, other) = (place.issue(&sessions, "ada").await, place.issue(&sessions, "bob").await);
        let mut connection = place.by_hand().await;
        assert_eq!(run(&mut connection, "DELETE FROM sessions WHERE subject = 'ada'").await, 1);
        assert_eq!(sessions.ending_of(one).await.unwrap().unwrap().reason, EndReason::ByHand);
        assert_eq!(run(&mut connection, "UPDATE sessions SET absolute_expires_at = 5").await, 1);
        assert_eq!(run(&mut connection, "UPDATE sessions SET last_seen_at = last_seen_at + 1").await, 1);
        let kinds = texts(&mut connection, "SELECT kind FROM session_feed ORDER BY position").await;
        assert_eq!(kinds, ["ended", "changed"], "a touch is no change");
        assert_eq!(sessions.find(other).await.unwrap().unwrap().absolute_expires_at, Timestamp::from_millis(5));
        let refused = sessions.touch(vec![Touch { digest: other, used_at: NOW }], NOW).await.unwrap();
        assert_eq!(refused, [other], "what was shortened by hand has ended");
    }

    #[tokio::test]
    async fn rows_that_cannot_be_fail_alone_and_by_name() {
        let place = Place::new();
        let sessions = place.migrated().await.sessions();
        let (bad, good) = (place.issue(&sessions, "ada").await, place.issue(&sessions, "bob").await);
        let mut connection = place.by_hand().await;
        run(&mut connection, "UPDATE sessions SET ip = 'nonsense' WHERE subject = 'ada'").await;
        let error = sessions.find(bad).await.unwrap_err();
        assert_eq!(error.kind(), &StoreErrorKind::Corrupt { table: "sessions", column: "ip" });
        assert!(!format!("{error} {error:?}").contains("nonsense"));
        assert!(sessions.find(good).await.unwrap().is_some());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn concurrent_commits_are_grouped() {
        let place = Arc::new(Place::new());
        let database = place.migrated().await;
        let sessions = database.sessions();
        let before = database.commits();
        let logins: Vec<_> = (0..200)
            .map(|n| {
                let (place, sessions) = (Arc::clone(&place), Arc::clone(&sessions));
                tokio::spawn(async move { place.issue(&sessions, &format!("subject {n}")).await })
            })
            .collect();
        for login in logins {
            login.await.unwrap();
        }
        let commits = database.commits() - before;
        assert!(commits <= 100, "200 logins took {commits} commits");
        let query = ListQuery { subject: None, before: None, limit: 500 };
        assert_eq!(sessions.list(query).await.unwrap().len(), 200);
    }

    #[tokio::test]
    async fn a_lock_of_another_program_is_busy_and_passes() {
        let place = Place::new();
        let sessions = place.migrated().await.sessions();
        let digest = place.issue(&sessions, "ada").await;
        let mut connection = place.by_hand().await;
        run(&mut connection, "BEGIN IMMEDIATE").await;
        let error = sessions.touch(vec![Touch { digest, used_at: NOW }], NOW).await.unwrap_err();
        assert!(error.is_busy(), "{error:?}");
        assert!(sessions.find(digest).await.unwrap().is_some(), "reads go on");
        run(&mut connection, "ROLLBACK").await;
        assert_eq!(sessions.touch(vec![Touch { digest, used_at: NOW }], NOW).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_closed_database_is_unavailable_and_its_log_is_folded_in() {
        let place = Place::new();
        let database = place.migrated().await;
        let digest = place.issue(&database.sessions(), "ada").await;
        database.close().await;
        assert!(!place.dir.path().join("test.db-wal").exists());
        assert!(database.sessions().find(digest).await.is_err());
        assert!(database.ping().await.is_err());
        assert!(place.open().await.sessions().find(digest).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn urls_and_files_that_cannot_be_opened() {
        let place = Place::new();
        let dir = place.dir.path().display();
        std::fs::write(place.dir.path().join("text"), "no database at all ".repeat(50)).unwrap();
        for (url, kind) in [
            ("postgres://user:secret@host/db".to_owned(), OpenErrorKind::UnsupportedUrl),
            ("sqlite::memory:".to_owned(), OpenErrorKind::UnsupportedUrl),
            ("sqlite:".to_owned(), OpenErrorKind::UnsupportedUrl),
            (format!("sqlite:{dir}/none/x.db"), OpenErrorKind::DirectoryMissing),
            (format!("sqlite:{dir}"), OpenErrorKind::NotADatabase),
            (format!("sqlite:{dir}/text"), OpenErrorKind::NotADatabase),
            ("sqlite:/proc/x.db".to_owned(), OpenErrorKind::NotWritable),
        ] {
            let error = Database::open(&url, OpenOptions::default()).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{url}: {error}");
            assert!(!error.to_string().contains("secret") && error.to_string().lines().count() == 1, "{error}");
        }
    }
}
