//! Cloakroom and what its lookups could be instead: one server process in the mode named on the command line.
//! `cargo xtask bench` builds and drives it.
//!
//! `bench-ours MODE DATABASE COOKIES SESSIONS` makes that many sessions, writes a `Cookie` header's value for each into the
//! file COOKIES, prints its address and serves until its standard input ends. `/counts` tells how many statements were
//! sent, for how many lookups. `bench-ours in-process` measures single validations without a server.

mod batches;
mod beside;
mod calling_thread;
mod in_process;
mod jwt;
mod record;
mod singles;

use std::convert::Infallible;
use std::error::Error;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::serve::IncomingStream;
use axum::{Router, ServiceExt};
use cloakroom::{Builder, CookieSettings, Keep, LeaseTerms, Policy, Principal, Sessions, Validation};
use cloakroom_sql::{Database, LookupCounts, OpenOptions, Scope};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::{Layer as _, Service};

use crate::batches::{Batches, Shape};
use crate::beside::{Beside, Lookup};
use crate::calling_thread::CallingThread;
use crate::singles::Singles;

/// How often a use is recorded. Between its turns a mode rests: with the default of a minute nearly every request of a
/// short turn would be a use to record, where under a steady load it is one in hundreds.
const TOUCH_EVERY: Duration = Duration::from_secs(60 * 60);
/// Logins at once while sessions are made.
const LOGINS_AT_ONCE: usize = 32;

/// Something went wrong, in words.
pub type Failed = Box<dyn Error + Send + Sync>;
type Counts = Box<dyn Fn() -> LookupCounts + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["in-process"] {
        return in_process::measure().await;
    }
    let [mode, database, cookies, number] = &arguments[..] else {
        return Err("usage: bench-ours MODE DATABASE COOKIES SESSIONS".into());
    };
    if mode == "bare" {
        // As long as a session's, and read by nobody: what it costs to receive one is HTTP's.
        std::fs::write(cookies, format!("nobody={}\n", "x".repeat(50)))?;
        let app = Router::new().route("/", get(async || "hello user-1234".to_owned()));
        return serve(app, Box::new(LookupCounts::default)).await;
    }
    if mode == "jwt" {
        let jwt = jwt::Jwt::new()?;
        let tokens: Result<Vec<String>, _> = (0..number.parse::<u32>()?).map(|user| jwt.cookie(user)).collect();
        std::fs::write(cookies, tokens?.join("\n") + "\n")?;
        return serve(jwt.router(), Box::new(LookupCounts::default)).await;
    }
    let (mode, is_around) = mode.strip_suffix("-around").map_or((&**mode, false), |mode| (mode, true));
    let (sessions, counts) = open(mode, database).await?;
    std::fs::write(cookies, seed(&sessions, number.parse()?).await?)?;
    let route = Router::new().route("/", get(protected));
    if is_around {
        let app = sessions.layer().layer(with_counts(route, counts));
        return answer(ServiceExt::<Request>::into_make_service(app)).await;
    }
    serve(route.layer(sessions.layer()), counts).await
}

/// What every mode answers: a short text that needs the user.
async fn protected(principal: Principal) -> String {
    format!("hello {}", principal.subject())
}

/// Cloakroom on the database, with its own lookups or with others in their place.
async fn open(mode: &str, url: &str) -> Result<(Sessions, Counts), Failed> {
    let database = Database::open(url, OpenOptions::default()).await?;
    database.migrate(Scope::Sessions).await?;
    let store = database.sessions();
    let lookup: Arc<dyn Lookup> = match mode.split_once(':').unwrap_or((mode, "")) {
        ("cloakroom", "") => {
            return Ok((set_up().store(store)?, Box::new(move || database.lookup_counts())));
        }
        ("leased", "") => {
            let sessions = set_up().validation(Validation::Leased(LeaseTerms::default())).store(store)?;
            sessions.follow();
            return Ok((sessions, Box::new(move || database.lookup_counts())));
        }
        ("singles", connections) => Arc::new(Singles::connect(url, connections.parse()?).await?),
        ("batches", shape) => Arc::new(Batches::connect(url, Shape::read(shape)?).await?),
        ("calling-thread", "") => Arc::new(CallingThread::open(url)?),
        _ => return Err(format!("there is no mode `{mode}`").into()),
    };
    let counted = Arc::clone(&lookup);
    Ok((set_up().store(Arc::new(Beside { store, lookup }))?, Box::new(move || counted.counts())))
}

fn set_up() -> Builder {
    let policy = Policy { touch_every: TOUCH_EVERY, ..Policy::default() };
    Sessions::builder().cookie(CookieSettings::insecure_for_plain_http()).policy(policy)
}

/// Sessions as a login makes them, and the cookies that stand for them.
async fn seed(sessions: &Sessions, number: usize) -> Result<String, Failed> {
    let mut logins: JoinSet<Result<String, Failed>> = JoinSet::new();
    let mut cookies = String::new();
    for user in 0..number {
        if logins.len() >= LOGINS_AT_ONCE {
            add(&mut cookies, logins.join_next().await)?;
        }
        let sessions = sessions.clone();
        logins.spawn(async move {
            // Kept ones: their idle timeout is so long that uses need not be recorded more often.
            let attempt = sessions.begin().await?.keep(Keep::SignedIn);
            let logged_in = attempt.issue(&format!("user-{user}")).await?.into_response();
            let cookie = logged_in.headers().get(SET_COOKIE).ok_or("a login without a cookie")?.to_str()?;
            Ok(cookie.split(';').next().unwrap_or_default().to_owned())
        });
    }
    while !logins.is_empty() {
        add(&mut cookies, logins.join_next().await)?;
    }
    Ok(cookies)
}

fn add(
    cookies: &mut String,
    login: Option<Result<Result<String, Failed>, tokio::task::JoinError>>,
) -> Result<(), Failed> {
    cookies.push_str(&login.ok_or("no login is under way")???);
    cookies.push('\n');
    Ok(())
}

async fn serve(app: Router, counts: Counts) -> Result<(), Failed> {
    answer(with_counts(app, counts)).await
}

fn with_counts(app: Router, counts: Counts) -> Router {
    let counted = move || {
        let LookupCounts { statements, lookups, .. } = counts();
        std::future::ready(format!("{statements} {lookups}"))
    };
    let counted = Arc::new(counted);
    app.route("/counts", get(move || counted()))
}

/// Around one connection after the other.
async fn answer<M, S>(make: M) -> Result<(), Failed>
where
    M: for<'a> Service<IncomingStream<'a, TcpListener>, Error = Infallible, Response = S> + Send + 'static,
    for<'a> <M as Service<IncomingStream<'a, TcpListener>>>::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, make) => Ok(served?),
        () = abandoned() => Ok(()),
    }
}

/// Ends when nobody holds the other end of standard input any more.
async fn abandoned() {
    let gone = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    drop(gone.await);
}
