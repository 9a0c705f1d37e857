//! What the tests stand on: a schema or a database of its own on a real server, records, and connections of somebody
//! else's, which see who waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{AccountStore, Created, Issue, Issued, Moment, Precedence, SessionStore};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::{PredictableRandom, Random as _};
use cloakroom_sql::{Database, OpenOptions, Scope};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testbed::postgres::{Cluster, Schema};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Migrated tables, and one instance on them.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) database: Database,
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) accounts: Arc<dyn AccountStore>,
}

impl World {
    /// In a schema of its own.
    pub(crate) async fn new() -> Self {
        Self::at(Cluster::shared().fresh_schema().unwrap().url(), OpenOptions::default()).await
    }

    /// In a database of its own: what the server counts there, nobody else adds to.
    pub(crate) async fn alone() -> Self {
        Self::alone_on(Cluster::shared(), OpenOptions::default()).await
    }

    pub(crate) async fn alone_on(cluster: &Cluster, options: OpenOptions) -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let name = format!("alone_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        cluster.psql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        Self::at(cluster.url(&name), options).await
    }

    pub(crate) async fn with(options: OpenOptions) -> Self {
        Self::at(Cluster::shared().fresh_schema().unwrap().url(), options).await
    }

    async fn at(url: String, options: OpenOptions) -> Self {
        let database = Database::open(&url, options).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        Self::of(url, database)
    }

    /// Of a database that is open already.
    pub(crate) fn of(url: String, database: Database) -> Self {
        Self { url, sessions: database.sessions(), accounts: database.accounts(), database }
    }

    /// In a schema that is somebody else's to name.
    pub(crate) async fn in_schema(schema: &Schema<'_>) -> Self {
        Self::at(schema.url(), OpenOptions::default()).await
    }

    /// One more instance on the same tables.
    pub(crate) async fn instance(&self) -> Self {
        Self::at(self.url.clone(), OpenOptions::default()).await
    }

    /// A connection as any other program has it.
    pub(crate) async fn hand(&self) -> Hand {
        Hand::at(&self.url).await
    }

    /// A session of `subject` with a digest and an id made from `n`.
    pub(crate) async fn log_in(&self, subject: &str, n: u64) {
        let issue = self.issue(subject, n).await;
        assert_eq!(self.sessions.issue(issue).await.unwrap(), Issued::Created { over_cap: 0 });
    }

    /// A login that has begun now.
    pub(crate) async fn issue(&self, subject: &str, n: u64) -> Issue {
        issue_of(self.sessions.begin().await.unwrap(), subject, n)
    }

    pub(crate) async fn is_found(&self, n: u64) -> bool {
        self.sessions.find(digest(n)).await.unwrap().is_some()
    }

    /// An account whose password has version 0.
    pub(crate) async fn account(&self, name: &str) {
        let account = Account {
            subject: subject(name),
            login_name: LoginName::new(name).unwrap(),
            password_hash: hash(0),
            role: Role::Person,
            created_at: NOW,
            password_changed_at: NOW,
            disabled_at: None,
        };
        assert_eq!(self.accounts.create(account, Precedence::Any).await.unwrap(), Created::Created);
    }
}

pub(crate) fn issue_of(moment: Moment, subject: &str, n: u64) -> Issue {
    Issue { moment, digest: digest(n), session: record(subject, n), supersedes: Vec::new(), max_per_subject: 50 }
}

/// A digest made from `n`; those of neighbours are as far apart as any.
pub(crate) fn digest(n: u64) -> TokenDigest {
    let mut bytes = [0; 32];
    PredictableRandom::from_seed(n).fill(&mut bytes).unwrap();
    TokenDigest::from_bytes(bytes)
}

/// A session created `n` milliseconds after [`NOW`].
pub(crate) fn record(subject: &str, n: u64) -> SessionRecord {
    let created_at = NOW.plus(Duration::from_millis(n));
    SessionRecord {
        id: SessionId::new(created_at, &PredictableRandom::from_seed(n)).unwrap(),
        subject: self::subject(subject),
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

/// The hash of a password's version: nobody's password, and a hash nonetheless.
pub(crate) fn hash(version: u32) -> PasswordHash {
    let text = format!("$argon2id$v=19$m=19456,t=2,p=1${version:0>20}AA${}A", "B".repeat(42));
    PasswordHash::parse(&text).unwrap()
}

/// The version a hash was made of.
pub(crate) fn version(hash: &PasswordHash) -> u32 {
    let salt = hash.as_str().split('$').nth(4).unwrap();
    salt.trim_end_matches('A').parse().unwrap()
}

/// The seed of a random test, which says so: `CLOAKROOM_SEED`, or 4.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("CLOAKROOM_SEED").map_or(4, |text| text.parse().expect("CLOAKROOM_SEED is a number"));
    println!("CLOAKROOM_SEED={seed}");
    seed
}

/// A number below `n`.
pub(crate) fn below(random: &PredictableRandom, n: u64) -> u64 {
    random.next() % n
}

/// Lets others go first, up to `n` times: the random part of a race.
pub(crate) async fn dawdle(random: &PredictableRandom, n: u64) {
    for _ in 0..below(random, n) {
        tokio::task::yield_now().await;
    }
}

/// Somebody else's connection.
pub(crate) struct Hand(PgConnection);

impl Hand {
    pub(crate) async fn at(url: &str) -> Self {
        Self(PgConnection::connect(url).await.unwrap())
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        self.try_run(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn try_run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.0).await.map(drop)
    }

    /// The SQLSTATE it is refused with.
    pub(crate) async fn refused(&mut self, sql: &str) -> String {
        let error = self.try_run(sql).await.expect_err(sql);
        error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .unwrap_or_else(|| panic!("{sql}: {error}"))
            .into_owned()
    }

    /// The one column of every row, as text.
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<String> {
        let rows = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.0).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let number = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut self.0).await;
        number.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// Waits until so many connections wait for this one, or for one that does.
    pub(crate) async fn holds_back(&mut self, connections: i64) {
        self.holds_back_while(connections, || true).await;
    }

    /// The same, unless those who should wait turn out not to.
    pub(crate) async fn holds_back_while(&mut self, connections: i64, is_awaited: impl Fn() -> bool) {
        let waiting = "WITH RECURSIVE waiting (pid) AS (SELECT pg_backend_pid() UNION SELECT lock.pid FROM waiting \
             JOIN pg_locks lock ON NOT lock.granted AND waiting.pid = ANY(pg_blocking_pids(lock.pid))) \
             SELECT count(*) - 1 FROM waiting";
        while is_awaited() && self.number(waiting).await < connections {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until everybody else has left this connection's database: only then all they did is counted.
    pub(crate) async fn is_alone(&mut self) {
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while self.number(others).await > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// How many deadlocks there were in this connection's database.
    pub(crate) async fn deadlocks(&mut self) -> i64 {
        self.is_alone().await;
        self.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
    }
}
