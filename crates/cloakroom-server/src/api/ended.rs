//! What is answered when sessions were ended: how many, and how long waiting took where it was asked for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, IntoResponseParts, Response};
use cloakroom::Sessions;
use serde_json::json;

use crate::everywhere::Waited;

/// What was ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// The one that was named.
    One,
    /// So many.
    Many(u64),
}

impl Ended {
    /// The answer, with these parts; `waits` until no instance serves them any more.
    pub(super) async fn answer(self, sessions: &Sessions, waits: bool, parts: impl IntoResponseParts) -> Response {
        let ended = match self {
            Self::One if !waits => return (parts, StatusCode::NO_CONTENT).into_response(),
            Self::One => 1,
            Self::Many(ended) => ended,
        };
        if !waits {
            return (parts, Json(json!({ "ended": ended }))).into_response();
        }
        let waited = Waited::for_all(sessions).await;
        (parts, waited, Json(json!({ "ended": ended, "waited_ms": waited.millis() }))).into_response()
    }
}
