//! `GET /healthz` and `GET /readyz`, for whatever watches the process.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use cloakroom::Code;
use cloakroom_core::skew::{SKEW_MAX, Skew};

use crate::app::App;
use crate::failure::Failure;
use crate::openapi::Operation;

type Plain = ([(HeaderName, &'static str); 1], &'static str);

const FRESH: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// The process answers.
pub(crate) async fn healthz() -> Plain {
    (FRESH, "ok\n")
}

/// Why the process cannot do its work, or does not go on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotReady {
    /// It was told to stop.
    Stopping,
    /// The database is the target of a copy under way.
    UnfinishedCopy,
    /// Its clock and the database's are too far apart.
    Clocks(Skew),
    /// Under leased validation: the lease is not renewed.
    NoLease,
}

impl NotReady {
    /// The first reason there is. A storm of logins, which fills the queue of those to be hashed, is none: everybody else is served.
    ///
    /// # Errors
    /// `unavailable` when the database does not answer, or has not its tables.
    pub(crate) async fn of(app: &App) -> Result<Option<Self>, Failure> {
        if app.stopping().has_begun() {
            return Ok(Some(Self::Stopping));
        }
        if app.database().holds_unfinished_copy().await? {
            return Ok(Some(Self::UnfinishedCopy));
        }
        let asked = app.now();
        if let Some(database) = app.database().ping().await? {
            let skew = Skew::proven(asked, database, app.now());
            app.metrics().measured.note_skew(skew);
            if !skew.is_bearable() {
                return Ok(Some(Self::Clocks(skew)));
            }
        }
        Ok((app.sessions().has_lease() == Some(false)).then_some(Self::NoLease))
    }

    /// Logs it, and says it with when to ask again, in seconds.
    fn answer(self) -> Response {
        match self {
            Self::Stopping => not_ready("stopping", "5"),
            Self::UnfinishedCopy => {
                tracing::error!("not ready: a copy into the database is not finished");
                not_ready("a copy into the database is not finished; run cloakroom migrate copy again", "5")
            }
            Self::Clocks(skew) => {
                tracing::error!(%skew, max = ?SKEW_MAX, "not ready");
                let why = format!("{skew} ({} s are allowed); synchronise the clocks", SKEW_MAX.as_secs());
                not_ready(&why, "5")
            }
            Self::NoLease => {
                tracing::error!("not ready: the lease is not renewed");
                let why =
                    "the feed of ended sessions cannot be polled, so every request asks the database; see the log";
                not_ready(why, "1")
            }
        }
    }
}

/// The process can do its work and goes on with it: it was not told to stop, the database answers, has its tables, is not the target of
/// a copy under way, its clock agrees with this one, and under leased validation the lease is renewed.
///
/// # Errors
/// `unavailable` when the database does not answer. The other reasons are 503 too, with the reason in the text.
pub(crate) async fn readyz(State(app): State<App>) -> Result<Response, Failure> {
    let reason = NotReady::of(&app).await?;
    Ok(reason.map_or_else(|| (FRESH, "ready\n").into_response(), NotReady::answer))
}

/// With the reason, and when to ask again, in seconds.
fn not_ready(why: &str, again: &'static str) -> Response {
    let text = format!("not ready: {why}\n");
    (StatusCode::SERVICE_UNAVAILABLE, FRESH, [(RETRY_AFTER, again)], text).into_response()
}

/// How they are described.
pub(crate) fn described() -> [Operation; 2] {
    [
        Operation::new(Method::GET, "/healthz", "getHealth", "Whether the process answers").answers_text(200, "It does", "ok\n"),
        Operation::new(Method::GET, "/readyz", "getReadiness", "Whether the process can do its work")
            .says("It was not told to stop, the database answers, clocks agree, and under leased validation the lease is renewed.")
            .answers_text(200, "It can", "ready\n")
            .answers_text(503, "It cannot: with the reason", "not ready: stopping\n")
            .fails(&[Code::Unavailable]),
    ]
}
