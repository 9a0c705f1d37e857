//! One database with three instances of a small application on it, and somebody else's connection beside them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use cloakroom::{IssueError, Policy, Principal, Session, SessionId, Sessions};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{AccountStore, Created, Precedence, SessionStore};
use cloakroom_core::time::Timestamp;
use cloakroom_sql::{Database, OpenOptions, Scope};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use testbed::postgres::Cluster;
use tower::ServiceExt as _;

/// Whose sessions they are.
pub(crate) const ADA: &str = "ada";

pub(crate) struct Place {
    pub(crate) instances: [Instance; 3],
    pub(crate) hand: Hand,
    _dir: Option<TempDir>,
}

impl Place {
    /// In a schema of its own; lookups share `lanes` connections per instance.
    pub(crate) async fn on_postgres(lanes: u32) -> Self {
        let url = Cluster::shared().fresh_schema().unwrap().url();
        let hand = Hand::Postgres(PgConnection::connect(&url).await.unwrap());
        Self::at(&url, lanes, hand, None).await
    }

    /// In a file of its own.
    pub(crate) async fn on_sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("instances.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let hand = Hand::Sqlite(options.busy_timeout(Duration::from_secs(30)).connect().await.unwrap());
        Self::at(&format!("sqlite:{}", file.display()), 1, hand, Some(dir)).await
    }

    async fn at(url: &str, lanes: u32, hand: Hand, dir: Option<TempDir>) -> Self {
        // Sessions of the first are touched within every request, those of the others as usual.
        let brisk = Policy { idle_timeout: Duration::from_secs(9), touch_every: Duration::ZERO, ..Policy::default() };
        let mut instances = Vec::new();
        for policy in [brisk, Policy::default(), Policy::default()] {
            instances.push(Instance::open(url, lanes, policy).await);
        }
        let account = Account {
            subject: ada(),
            login_name: LoginName::new(ADA).unwrap(),
            password_hash: some_hash(),
            role: Role::Person,
            created_at: Timestamp::from_millis(0),
            password_changed_at: Timestamp::from_millis(0),
            disabled_at: None,
        };
        let created = instances[0].accounts.create(account, Precedence::Any).await.unwrap();
        assert_eq!(created, Created::Created);
        Self { instances: instances.try_into().unwrap_or_else(|_| panic!("three")), hand, _dir: dir }
    }
}

pub(crate) fn ada() -> Subject {
    Subject::new(ADA).unwrap()
}

/// Nobody's password.
pub(crate) fn some_hash() -> PasswordHash {
    let text = format!("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA${}A", "B".repeat(42));
    PasswordHash::parse(&text).unwrap()
}

/// One instance of the application, with connections of its own.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) sessions: Sessions,
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) accounts: Arc<dyn AccountStore>,
    router: Router,
}

impl Instance {
    async fn open(url: &str, lanes: u32, policy: Policy) -> Self {
        let options = OpenOptions { lookup_connections: lanes, readers_max: 2, ..OpenOptions::default() };
        let database = Database::open(url, options).await.unwrap();
        database.migrate(Scope::Everything).await.unwrap();
        let (store, accounts) = (database.sessions(), database.accounts());
        let sessions = Sessions::builder().policy(policy).database(database).await.unwrap();
        let router = Router::new()
            .route("/login/{subject}", post(log_in))
            .route("/logout", post(async |session: Session| session.log_out().await))
            .route("/replace", post(async |session: Session| session.replace().await))
            .route("/me", get(async |principal: Principal| principal.session_id().to_string()))
            .layer(sessions.layer());
        Self { sessions, store, accounts, router }
    }

    /// Sends a request; the answer's status, the cookie it sets, and its body.
    pub(crate) async fn send(&self, method: &str, path: &str, cookie: Option<&str>) -> (u16, Option<String>, String) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let set = parts.headers.get(SET_COOKIE).map(|line| line.to_str().unwrap());
        let pair = set.and_then(|line| line.split(';').next()).map(str::to_owned);
        let body = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), pair, String::from_utf8_lossy(&body).into_owned())
    }

    /// A new session of ada's, and its cookie.
    pub(crate) async fn logged_in(&self) -> (SessionId, String) {
        let (status, cookie, id) = self.send("POST", "/login/ada", None).await;
        assert_eq!(status, 200, "{id}");
        (id.parse().unwrap(), cookie.unwrap())
    }

    pub(crate) async fn status(&self, cookie: &str) -> u16 {
        self.send("GET", "/me", Some(cookie)).await.0
    }
}

/// Nothing here overtakes a login or keeps it from the database: whatever goes wrong says so.
async fn log_in(sessions: Sessions, Path(subject): Path<String>) -> Result<impl IntoResponse, (StatusCode, String)> {
    let said = |error: IssueError| (StatusCode::SERVICE_UNAVAILABLE, format!("{error:?}"));
    let logged_in = sessions.begin().await.map_err(|error| said(error.into()))?.issue(&subject).await.map_err(said)?;
    let id = logged_in.principal().session_id().to_string();
    Ok((StatusCode::OK, logged_in, id))
}

/// A connection as any other program has it.
pub(crate) enum Hand {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Hand {
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    pub(crate) async fn run(&mut self, sql: &str) {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let done = match self {
            Self::Postgres(connection) => statement.execute(connection).await.map(drop),
            Self::Sqlite(connection) => statement.execute(connection).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) async fn number(&mut self, sql: &str) -> i64 {
        let statement = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        let number = match self {
            Self::Postgres(connection) => statement.fetch_one(connection).await,
            Self::Sqlite(connection) => sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await,
        };
        number.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}
