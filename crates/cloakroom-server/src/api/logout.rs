//! `POST /api/v1/logout`

use axum::Json;
use axum::extract::RawQuery;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use cloakroom::{Outcome, Sessions};
use serde_json::json;

use crate::events;
use crate::everywhere::{self, Waited};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::openapi::{Caller, Operation, object};

/// Ends the session of this request, if there is one: 204 either way. With `?everywhere=true` the answer comes when no
/// instance serves it any more, and is 200 with how long that took.
pub(crate) async fn post(sessions: Sessions, outcome: Outcome, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    fields.finish()?;
    let logged_out = (events::logged_out(&outcome), sessions.log_out().await?);
    if !waits {
        return Ok((logged_out, StatusCode::NO_CONTENT).into_response());
    }
    let waited = Waited::for_all(&sessions).await;
    Ok((logged_out, waited, Json(json!({ "waited_ms": waited.millis() }))).into_response())
}

/// How it is described.
pub(crate) fn described() -> Operation {
    let waited = object([("waited_ms", json!({ "type": "integer", "minimum": 0 }))]);
    Operation::new(Method::POST, "/api/v1/logout", "logout", "End the session of this request, if there is one")
        .by(Caller::AnybodyOrSession)
        .waits()
        .answers_empty(204, "There is no session any more")
        .answers(
            200,
            "With `everywhere`: no instance serves it any more",
            &waited,
            &[("waited", json!({ "waited_ms": 12 }))],
        )
        .with_header(&[200, 204], "Set-Cookie", "Cleared-Cookie")
        .with_header(&[200], "Server-Timing", "Server-Timing")
}
