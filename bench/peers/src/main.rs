//! The peers: one server process on tower-sessions, with the store named on the command line. `cargo xtask bench` builds
//! and drives it.
//!
//! `bench-peers STORE DATABASE COOKIES SESSIONS` makes that many sessions, writes a `Cookie` header's value for each into
//! the file COOKIES, prints its address and serves until its standard input ends.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use time::OffsetDateTime;
use tower_sessions::cookie::time as cookie_time;
use tower_sessions::session::{Id, Record};
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

/// Connections of the pool on PostgreSQL, tested before each use as sqlx does by default.
const POSTGRES_CONNECTIONS: u32 = 16;
/// Connections of the pool on SQLite: sqlx's default.
const SQLITE_CONNECTIONS: u32 = 10;
/// How long sessions live: longer than any measurement.
const LIFETIME: cookie_time::Duration = cookie_time::Duration::days(1);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, database, cookies, sessions] = &arguments[..] else {
        return Err("usage: bench-peers STORE DATABASE COOKIES SESSIONS".into());
    };
    let sessions: usize = sessions.parse()?;
    match store.as_str() {
        "memory" => serve(MemoryStore::default(), cookies, sessions).await,
        "postgres" => {
            let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).connect(database).await?;
            let store = PostgresStore::new(pool);
            store.migrate().await?;
            serve(store, cookies, sessions).await
        }
        "sqlite" => {
            let options = SqliteConnectOptions::new()
                .filename(database.trim_start_matches("sqlite:"))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(30));
            let pool = SqlitePoolOptions::new().max_connections(SQLITE_CONNECTIONS).connect_with(options).await?;
            let store = SqliteStore::new(pool);
            store.migrate().await?;
            serve(store, cookies, sessions).await
        }
        other => Err(format!("there is no store `{other}`").into()),
    }
}

async fn serve(store: impl SessionStore + Clone, cookies: &str, sessions: usize) -> Result<(), Box<dyn Error>> {
    std::fs::write(cookies, seed(&store, sessions).await?)?;
    let layer = SessionManagerLayer::new(store).with_secure(false).with_expiry(Expiry::OnSessionEnd);
    let app = Router::new().route("/", get(protected)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, app) => Ok(served?),
        () = abandoned() => Ok(()),
    }
}

/// What every mode answers: a short text that needs the user.
async fn protected(session: Session) -> Result<String, StatusCode> {
    match session.get::<String>("user").await {
        Ok(Some(user)) => Ok(format!("hello {user}")),
        Ok(None) => Err(StatusCode::UNAUTHORIZED),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Sessions as a login makes them, and the cookies that stand for them.
async fn seed(store: &impl SessionStore, sessions: usize) -> Result<String, Box<dyn Error>> {
    let mut cookies = String::new();
    for number in 0..sessions {
        let mut record = Record {
            id: Id::default(),
            data: [("user".to_owned(), format!("user-{number}").into())].into(),
            expiry_date: OffsetDateTime::now_utc() + LIFETIME,
        };
        store.create(&mut record).await?;
        writeln!(cookies, "id={}", record.id)?;
    }
    Ok(cookies)
}

/// Ends when nobody holds the other end of standard input any more.
async fn abandoned() {
    let gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(gone.await);
}
