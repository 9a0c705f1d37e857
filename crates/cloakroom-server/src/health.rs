//! `GET /healthz` and `GET /readyz`, for whatever watches the process.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName, RETRY_AFTER};
use axum::response::{IntoResponse as _, Response};
use cloakroom_core::skew::{SKEW_MAX, Skew};

use crate::app::App;
use crate::failure::Failure;

type Plain = ([(HeaderName, &'static str); 1], &'static str);

const FRESH: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// The process answers.
pub(crate) async fn healthz() -> Plain {
    (FRESH, "ok\n")
}

/// The process can do its work: the database answers, has its tables, its clock agrees with this one, and under leased
/// validation the lease is renewed.
///
/// # Errors
/// `unavailable` when the database does not answer. Clocks too far apart and a lease that is not renewed are 503 too, with
/// the reason in the text.
pub(crate) async fn readyz(State(app): State<App>) -> Result<Response, Failure> {
    let asked = app.now();
    if let Some(database) = app.database().ping().await? {
        let skew = Skew::proven(asked, database, app.now());
        if !skew.is_bearable() {
            tracing::error!(%skew, max = ?SKEW_MAX, "not ready");
            let why = format!("not ready: {skew} ({} s are allowed); synchronise the clocks\n", SKEW_MAX.as_secs());
            return Ok((StatusCode::SERVICE_UNAVAILABLE, FRESH, [(RETRY_AFTER, "5")], why).into_response());
        }
    }
    if app.sessions().has_lease() == Some(false) {
        tracing::error!("not ready: the lease is not renewed");
        let why =
            "not ready: the feed of ended sessions cannot be polled, so every request asks the database; see the log\n";
        return Ok((StatusCode::SERVICE_UNAVAILABLE, FRESH, [(RETRY_AFTER, "1")], why).into_response());
    }
    Ok((FRESH, "ready\n").into_response())
}
