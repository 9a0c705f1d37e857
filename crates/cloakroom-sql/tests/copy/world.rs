//! Databases of both kinds under one name, what is in them, and copies that stop where a test wants them to.

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::ending::EndReason;
use cloakroom_core::password::PasswordHash;
use cloakroom_core::service_token::{Scope as TokenScope, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Added, Created, Issue, Issued, Moment, Precedence, StoreError, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;
use cloakroom_sql::{Copied, CopyError, Database, OpenOptions, Progress, Scope};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _, SqlSafeStr as _};
use tempfile::TempDir;
use testbed::postgres::{Cluster, Schema};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_123);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}
pub(crate) use Kind::{Postgres, Sqlite};

/// Every way a copy can go.
pub(crate) const WAYS: [(Kind, Kind); 4] =
    [(Sqlite, Postgres), (Postgres, Sqlite), (Sqlite, Sqlite), (Postgres, Postgres)];

/// A place for one database, of its own.
pub(crate) enum Place {
    File(TempDir),
    Schema(Schema<'static>),
}

impl Place {
    pub(crate) fn new(kind: Kind) -> Self {
        match kind {
            Sqlite => Self::File(tempfile::tempdir().unwrap()),
            Postgres => Self::Schema(Cluster::shared().fresh_schema().unwrap()),
        }
    }

    /// With a migrated database in it.
    pub(crate) async fn migrated(kind: Kind) -> (Self, Database) {
        let place = Self::new(kind);
        let database = place.open().await;
        database.migrate(Scope::Everything).await.unwrap();
        (place, database)
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(dir) => format!("sqlite:{}", dir.path().join("cloakroom.db").display()),
            Self::Schema(schema) => schema.url(),
        }
    }

    pub(crate) async fn open(&self) -> Database {
        Database::open(&self.url(), OpenOptions::default()).await.unwrap()
    }

    /// Opens it even if it is an unfinished copy.
    pub(crate) async fn open_as_target(&self) -> Database {
        let options = OpenOptions { unfinished_copy: true, ..OpenOptions::default() };
        Database::open(&self.url(), options).await.unwrap()
    }

    /// The place on a server.
    pub(crate) fn schema(&self) -> &Schema<'static> {
        match self {
            Self::Schema(schema) => schema,
            Self::File(_) => panic!("a file is on no server"),
        }
    }

    /// Runs SQL from outside, as another program would; returns the first column, a row a line.
    pub(crate) async fn sql(&self, text: &str) -> String {
        self.within(Duration::from_secs(5), text).await.unwrap()
    }

    /// The same, without waiting for anybody's lock.
    pub(crate) async fn try_sql(&self, text: &str) -> Result<String, String> {
        self.within(Duration::ZERO, text).await
    }

    /// For where a copy stands still: on a thread of its own.
    pub(crate) fn try_sql_meanwhile(&self, text: &str) -> Result<String, String> {
        std::thread::scope(|scope| {
            let trying = scope.spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(self.try_sql(text)));
            trying.join().unwrap()
        })
    }

    async fn within(&self, patience: Duration, text: &str) -> Result<String, String> {
        match self {
            Self::File(dir) => {
                let path = dir.path().join("cloakroom.db");
                let options = SqliteConnectOptions::new().filename(path).busy_timeout(patience);
                let mut connection = options.foreign_keys(false).connect().await.map_err(|error| error.to_string())?;
                let query = sqlx::query(AssertSqlSafe(text.to_owned()).into_sql_str());
                let rows = query.fetch_all(&mut connection).await.map_err(|error| error.to_string())?;
                let cell = |row: &sqlx::sqlite::SqliteRow| {
                    row.try_get::<String, _>(0)
                        .or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string()))
                        .unwrap_or_default()
                };
                Ok(rows.iter().map(cell).collect::<Vec<_>>().join("\n"))
            }
            Self::Schema(schema) => {
                let patience = patience.as_millis().max(20);
                schema.psql(&format!("SET lock_timeout = '{patience}ms'; {text}")).map_err(|error| error.to_string())
            }
        }
    }

    /// Every row of every table, but for what has a meaning in this database alone.
    pub(crate) async fn dump(&self) -> Dump {
        let (digest, time, span, null) = match self {
            Self::File(_) => ("nullif(lower(hex(token_digest)), '')", "", "", "'-'"),
            Self::Schema(_) => ("encode(token_digest, 'hex')", "ms", "span", "'-'"),
        };
        let as_ms = |column: &str| match time {
            "ms" => format!("coalesce(floor(extract(epoch FROM {column}) * 1000)::bigint::text, {null})"),
            _ => format!("coalesce(CAST({column} AS TEXT), {null})"),
        };
        let ip = if span.is_empty() { "ip" } else { "host(ip)" };
        let text = |columns: &[String]| columns.join(" || '|' || ");
        let sessions = text(&[
            digest.to_owned(),
            "CAST(id AS TEXT)".to_owned(),
            "subject".to_owned(),
            as_ms("created_at"),
            as_ms("authenticated_at"),
            as_ms("last_seen_at"),
            as_ms("idle_timeout"),
            as_ms("absolute_expires_at"),
            "auth_method".to_owned(),
            format!("coalesce(user_agent, {null})"),
            format!("coalesce({ip}, {null})"),
        ]);
        let entries = text(&[
            "CAST(position AS TEXT)".to_owned(),
            "kind".to_owned(),
            format!("coalesce({digest}, {null})"),
            format!("coalesce(CAST(session_id AS TEXT), {null})"),
            "subject".to_owned(),
            format!("coalesce(reason, {null})"),
            as_ms("at"),
        ]);
        let accounts = text(&[
            "subject".to_owned(),
            "login_name".to_owned(),
            "password_hash".to_owned(),
            "role".to_owned(),
            as_ms("created_at"),
            as_ms("password_changed_at"),
            as_ms("disabled_at"),
        ]);
        let hex = if span.is_empty() { "lower(hex(digest))" } else { "encode(digest, 'hex')" };
        let tokens =
            text(&["name".to_owned(), hex.to_owned(), "scope".to_owned(), as_ms("created_at"), as_ms("last_used_at")]);
        let mut dump = Vec::new();
        for (what, table, key) in [
            (sessions, "sessions", "token_digest"),
            ("subject".to_owned(), "session_subjects", "subject"),
            (accounts, "accounts", "subject"),
            (tokens, "service_tokens", "name"),
            (entries, "session_feed", "position"),
        ] {
            let rows = self.sql(&format!("SELECT '{table}: ' || {what} FROM {table} ORDER BY {key}")).await;
            dump.extend(rows.lines().map(str::to_owned));
        }
        Dump(dump)
    }

    /// Puts so many sessions in at once, of 50 subjects; their digests are not in the order of anything.
    pub(crate) async fn crowd(&self, sessions: u32) {
        let subjects = "INSERT INTO session_subjects (subject) SELECT 'crowd ' || i FROM numbers WHERE i <= 50;";
        let text = match self {
            Self::File(_) => format!(
                "CREATE TEMP TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {sessions}) \
                 SELECT i FROM n; {subjects} \
                 INSERT INTO sessions SELECT randomblob(32), \
                 printf('0199b7c2-0000-7000-8000-%012x', i), 'crowd ' || (i % 50 + 1), 1790000000000 + i, 1790000000000 + i, \
                 1790000000000 + i, 7200000, 1890000000000 + i, 'password', NULL, NULL FROM numbers; DROP TABLE numbers"
            ),
            Self::Schema(_) => format!(
                "CREATE TEMP TABLE numbers AS SELECT i FROM generate_series(1, {sessions}) AS i; {subjects} \
                 INSERT INTO sessions SELECT sha256(i::text::bytea), \
                 ('0199b7c2-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'crowd ' || (i % 50 + 1), \
                 to_timestamp(1790000000), to_timestamp(1790000000), to_timestamp(1790000000), interval '2 hours', \
                 to_timestamp(1890000000), 'password', NULL, NULL FROM numbers"
            ),
        };
        self.sql(&text).await;
    }
}

/// The rows of a database, a line each. Where two differ, only the lines that do are shown.
#[derive(Clone, PartialEq)]
pub(crate) struct Dump(Vec<String>);

impl Dump {
    #[track_caller]
    pub(crate) fn assert_is(&self, other: &Self, when: impl std::fmt::Debug) {
        let only = |these: &Self, those: &Self| {
            these.0.iter().filter(|line| !those.0.contains(line)).take(3).cloned().collect::<Vec<_>>()
        };
        assert!(self == other, "{when:?}: only here {:#?}; only there {:#?}", only(self, other), only(other, self));
    }
}

pub(crate) fn digest(n: u8) -> TokenDigest {
    TokenDigest::from_bytes([n; 32])
}

pub(crate) fn subject(text: &str) -> Subject {
    Subject::new(text).unwrap()
}

/// Sessions that differ in everything they can differ in.
pub(crate) fn record(n: u8) -> SessionRecord {
    let created_at = NOW.plus(Duration::from_millis(u64::from(n) * 37));
    let user_agent = [None, Some("Browser/1.0 (é \u{1f511})"), Some("x'; DROP TABLE sessions; --")][usize::from(n) % 3];
    let ip = [None, Some("192.0.2.7"), Some("2001:db8::7"), Some("255.255.255.255")][usize::from(n) % 4];
    SessionRecord {
        id: SessionId::new(created_at, &PredictableRandom::from_seed(n.into())).unwrap(),
        subject: subject(&["ada".to_owned(), "grüße|\u{1f511}".to_owned(), "x".repeat(255)][usize::from(n) % 3]),
        created_at,
        authenticated_at: created_at.plus(Duration::from_millis(1)),
        last_seen_at: created_at.plus(Duration::from_millis(999)),
        idle_timeout: n.is_multiple_of(2).then_some(Duration::from_millis(7_200_001)),
        absolute_expires_at: created_at.plus(Duration::from_hours(24 * 30)),
        auth_method: AuthMethod::new(["password", "passkey_2-x"][usize::from(n) % 2]).unwrap(),
        client: ClientFacts::new(user_agent, ip.map(|ip| ip.parse().unwrap())),
    }
}

pub(crate) async fn issue(database: &Database, moment: Moment, n: u8) -> Result<Issued, StoreError> {
    let issue = Issue { moment, digest: digest(n), session: record(n), supersedes: Vec::new(), max_per_subject: 100 };
    database.sessions().issue(issue).await
}

pub(crate) async fn log_in(database: &Database, n: u8) {
    let moment = database.sessions().begin().await.unwrap();
    assert_eq!(issue(database, moment, n).await.unwrap(), Issued::Created { over_cap: 0 });
}

pub(crate) async fn log_out(database: &Database, n: u8) {
    assert_eq!(database.sessions().end(Target::Token(digest(n)), EndReason::Logout, NOW).await.unwrap(), 1);
}

pub(crate) fn account(subject_text: &str, name: &str) -> Account {
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    Account {
        subject: subject(subject_text),
        login_name: LoginName::new(name).unwrap(),
        password_hash: PasswordHash::parse(hash).unwrap(),
        role: if name == "ada" { Role::Administrator } else { Role::Person },
        created_at: NOW,
        password_changed_at: NOW.plus(Duration::from_millis(5)),
        disabled_at: None,
    }
}

pub(crate) async fn add_account(database: &Database, account: Account) {
    assert_eq!(database.accounts().create(account, Precedence::Any).await.unwrap(), Created::Created);
}

pub(crate) fn service_token(name: &str, n: u8) -> ServiceTokenRecord {
    ServiceTokenRecord {
        name: ServiceTokenName::new(name).unwrap(),
        digest: ServiceTokenDigest::from_bytes([n; 32]),
        scope: TokenScope::ALL[usize::from(n) % 2],
        created_at: NOW.plus(Duration::from_millis(u64::from(n))),
        last_used_at: n.is_multiple_of(2).then(|| NOW.plus(Duration::from_millis(7_777))),
    }
}

pub(crate) async fn add_service_token(database: &Database, record: ServiceTokenRecord) {
    assert_eq!(database.accounts().add_service_token(record).await.unwrap(), Added::Added);
}

/// Sessions 1 to 12, of which 2, 3 and 4 have ended in three ways, accounts, of which one is disabled, and two service tokens.
pub(crate) async fn populate(database: &Database) {
    for n in 1..=12 {
        log_in(database, n).await;
    }
    log_out(database, 2).await;
    let sessions = database.sessions();
    assert_eq!(sessions.end(Target::Session(record(3).id), EndReason::Administrator, NOW).await.unwrap(), 1);
    assert_eq!(sessions.end(Target::Session(record(4).id), EndReason::OtherDevice, NOW).await.unwrap(), 1);
    add_account(database, account("1", "ada")).await;
    add_account(database, account("2", "grüße@example.org")).await;
    add_service_token(database, service_token("billing", 1)).await;
    add_service_token(database, service_token("Next.js_2-b", 2)).await;
    let disabled = database.accounts().disable(subject("2"), NOW).await.unwrap();
    assert_eq!(disabled, cloakroom_core::store::Changed::Done { ended: 0 });
}

pub(crate) async fn copy(source: &Database, target: &Database) -> Result<Copied, CopyError> {
    source.copy_to(target, &mut |_| {}).await
}

/// Copies until so much progress was told, then drops the copy where it next waits, as a killed process would. `None` if
/// it was finished before.
pub(crate) async fn interrupted(source: &Database, target: &Database, after: u32) -> Option<Copied> {
    let (told, is_over) = (AtomicU32::new(0), Arc::new(AtomicBool::new(false)));
    let mut progress = |_: Progress| {
        if told.fetch_add(1, Ordering::Relaxed) + 1 == after {
            is_over.store(true, Ordering::Relaxed);
        }
    };
    let mut copy = Box::pin(source.copy_to(target, &mut progress));
    std::future::poll_fn(|context| match copy.as_mut().poll(context) {
        Poll::Ready(copied) => Poll::Ready(Some(copied.unwrap())),
        Poll::Pending if is_over.load(Ordering::Relaxed) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}
