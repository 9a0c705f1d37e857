//! What the tests stand on: a database file in a directory of its own, records, and a connection of somebody else's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Issue, Issued, SessionStore, StoreError};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;
use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) database: Database,
    pub(crate) sessions: Arc<dyn SessionStore>,
}

impl World {
    /// A migrated database in a new directory.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = open(&dir).await;
        database.migrate(Scope::Everything).await.unwrap();
        Self { sessions: database.sessions(), database, dir }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("cloakroom.db")
    }

    /// A connection as any other program has it: foreign keys off, as in the `sqlite3` shell.
    pub(crate) async fn somebody_else(&self) -> SqliteConnection {
        somebody_else(&self.dir).await
    }

    /// A session of `subject`, issued at [`NOW`] plus `n` milliseconds, with a digest and id made from `n`.
    pub(crate) async fn log_in(&self, subject: &str, n: u8) -> Result<Issued, StoreError> {
        let issue = self.issue(subject, n).await;
        self.sessions.issue(issue).await
    }

    pub(crate) async fn issue(&self, subject: &str, n: u8) -> Issue {
        Issue {
            moment: self.sessions.begin().await.unwrap(),
            digest: digest(n),
            session: record(subject, n),
            supersedes: Vec::new(),
            max_per_subject: 50,
        }
    }
}

pub(crate) fn url(dir: &TempDir) -> String {
    format!("sqlite:{}", dir.path().join("cloakroom.db").display())
}

pub(crate) async fn open(dir: &TempDir) -> Database {
    Database::open(&url(dir), OpenOptions::default()).await.unwrap()
}

pub(crate) async fn somebody_else(dir: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(dir.path().join("cloakroom.db")).foreign_keys(false);
    options.connect().await.unwrap()
}

pub(crate) fn digest(n: u8) -> TokenDigest {
    TokenDigest::from_bytes([n; 32])
}

pub(crate) fn record(subject: &str, n: u8) -> SessionRecord {
    let created_at = NOW.plus(Duration::from_millis(n.into()));
    SessionRecord {
        id: SessionId::new(created_at, &PredictableRandom::from_seed(n.into())).unwrap(),
        subject: Subject::new(subject).unwrap(),
        created_at,
        authenticated_at: created_at,
        last_seen_at: created_at,
        idle_timeout: Some(Duration::from_hours(2)),
        absolute_expires_at: created_at.plus(Duration::from_hours(24)),
        auth_method: AuthMethod::password(),
        client: ClientFacts::new(Some("Browser/1.0"), "192.0.2.7".parse().ok()),
    }
}

pub(crate) fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}
