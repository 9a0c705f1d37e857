//! What is answered when sessions were ended: how many, and how long waiting took where it was asked for.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, IntoResponseParts, Response};
use cloakroom::Sessions;
use serde_json::{Value, json};

use crate::everywhere::Waited;
use crate::openapi::{Operation, object, of};

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

/// What is answered where it is not empty.
pub(crate) fn schema() -> Value {
    object([
        ("ended", json!({ "type": "integer", "minimum": 0, "description": "How many" })),
        (
            "waited_ms?",
            json!({ "type": "integer", "minimum": 0, "description": "With `everywhere`: how long it took until no instance served them any more" }),
        ),
    ])
}

/// An operation that ends the one that is named.
pub(super) fn one(operation: Operation) -> Operation {
    let waited = [("waited", json!({ "ended": 1, "waited_ms": 12 }))];
    operation
        .waits()
        .answers_empty(204, "Ended")
        .answers(200, "With `everywhere`: no instance serves it any more", &of("schemas", "Ended"), &waited)
        .with_header(&[200], "Server-Timing", "Server-Timing")
}

/// An operation that ends many.
pub(super) fn many(operation: Operation) -> Operation {
    let shown = [("ended", json!({ "ended": 3 })), ("everywhere", json!({ "ended": 3, "waited_ms": 12 }))];
    operation.answers(200, "Ended", &of("schemas", "Ended"), &shown).with_header(
        &[200],
        "Server-Timing",
        "Server-Timing",
    )
}
