//! A schema of one's own, sessions in it, and a gate that holds statements back once they have their snapshot.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Issue, Issued, SessionStore, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;
use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::{Connection as _, PgConnection};
use testbed::postgres::{Cluster, Schema};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// How long a test waits for what has to come before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn digest(number: u8) -> TokenDigest {
    TokenDigest::from_bytes([number; 32])
}

pub(crate) struct World {
    pub(crate) schema: Schema<'static>,
    pub(crate) database: Database,
    pub(crate) sessions: Arc<dyn SessionStore>,
}

impl World {
    pub(crate) async fn new(options: OpenOptions) -> Self {
        // What is held back here is held back for as long as the machine takes to see it.
        let options = OpenOptions { lookup_max: Duration::from_mins(1), ..options };
        let schema = Cluster::shared().fresh_schema().unwrap();
        let database = Database::open(&schema.url(), options).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        Self { sessions: database.sessions(), database, schema }
    }

    pub(crate) async fn issue(&self, number: u8) {
        let random = PredictableRandom::from_seed(u64::from(number));
        let session = SessionRecord {
            id: SessionId::new(NOW, &random).unwrap(),
            subject: Subject::new(format!("s{number}")).unwrap(),
            created_at: NOW,
            authenticated_at: NOW,
            last_seen_at: NOW,
            idle_timeout: Some(Duration::from_hours(1)),
            absolute_expires_at: NOW.plus(Duration::from_hours(24)),
            auth_method: AuthMethod::password(),
            client: ClientFacts::default(),
        };
        let moment = self.sessions.begin().await.unwrap();
        let issue = Issue { moment, digest: digest(number), session, supersedes: Vec::new(), max_per_subject: 9 };
        assert_eq!(self.sessions.issue(issue).await.unwrap(), Issued::Created { over_cap: 0 });
    }

    pub(crate) async fn end(&self, number: u8) {
        let ended = self.sessions.end(Target::Token(digest(number)), EndReason::Logout, NOW).await.unwrap();
        assert_eq!(ended, 1);
    }

    /// Puts a view in front of the table: every statement that reads sessions waits, with its snapshot taken, until the
    /// gate opens. A row of the method `unreadable` fails the statement that meets it, as a damaged page would.
    pub(crate) async fn gate(&self) -> Gate {
        self.schema
            .psql(
                "ALTER TABLE sessions RENAME TO kept_sessions;
                 CREATE FUNCTION wait_at_gate() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$ BEGIN
                   PERFORM pg_advisory_lock_shared(hashtext(current_schema()));
                   PERFORM pg_advisory_unlock_shared(hashtext(current_schema()));
                   RETURN true; END $$;
                 CREATE VIEW sessions AS SELECT token_digest, id,
                   CASE WHEN auth_method = 'unreadable' THEN convert_from('\\xff'::bytea, 'UTF8') ELSE subject END AS subject,
                   created_at, authenticated_at, last_seen_at, idle_timeout, absolute_expires_at, auth_method, user_agent, ip
                   FROM kept_sessions WHERE (SELECT wait_at_gate());",
            )
            .unwrap();
        let mut key = PgConnection::connect(&self.schema.url()).await.unwrap();
        sqlx::query("SELECT pg_advisory_lock(hashtext(current_schema()))").execute(&mut key).await.unwrap();
        Gate { key }
    }
}

/// Closed until opened.
pub(crate) struct Gate {
    key: PgConnection,
}

impl Gate {
    /// Waits until so many statements wait at the gate.
    pub(crate) async fn has_held_back(&mut self, statements: i64) {
        let count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
             AND objid = hashtext(current_schema())::bigint & 4294967295";
        let waiting = async {
            while sqlx::query_scalar::<_, i64>(count).fetch_one(&mut self.key).await.unwrap() < statements {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("so many statements were never sent");
    }

    pub(crate) async fn open(mut self) {
        sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut self.key).await.unwrap();
    }
}
