//! `GET /healthz` and `GET /readyz`, for whatever watches the process.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};

use crate::app::App;
use crate::failure::Failure;

type Plain = ([(HeaderName, &'static str); 1], &'static str);

const FRESH: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// The process answers.
pub(crate) async fn healthz() -> Plain {
    (FRESH, "ok\n")
}

/// The process can do its work: the database answers and has its tables.
///
/// # Errors
/// `unavailable` when it does not.
pub(crate) async fn readyz(State(app): State<App>) -> Result<Plain, Failure> {
    app.database().ping().await?;
    Ok((FRESH, "ready\n"))
}
