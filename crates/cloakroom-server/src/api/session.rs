//! `GET /api/v1/session`, and how a session looks in JSON.

use axum::Json;
use axum::http::Method;
use axum::response::IntoResponse;
use cloakroom::{NotAUse, Principal, Session, SessionRecord, Sessions};
use serde_json::{Value, json};

use crate::openapi::{Caller, EXAMPLE_ID, Operation, date_time, object, of, uuid};

/// The session of this request. Asking is no use of it: polling must not defeat the idle timeout.
pub(crate) async fn get(session: Session) -> impl IntoResponse {
    (NotAUse, Json(json!({ "session": shown(session.principal(), true) })))
}

/// A session as programs see it; times are RFC 3339 in UTC.
pub(crate) fn shown(principal: &Principal, current: bool) -> Value {
    json!({
        "id": principal.session_id().to_string(),
        "subject": principal.subject().as_str(),
        "created_at": principal.created_at().to_string(),
        "authenticated_at": principal.authenticated_at().to_string(),
        "last_seen_at": principal.last_seen_at().to_string(),
        "idle_expires_at": principal.idle_expires_at().map(|time| time.to_string()),
        "absolute_expires_at": principal.absolute_expires_at().to_string(),
        "auth_method": principal.auth_method().as_str(),
        "current": current,
    })
}

/// A session of a list, with what its devices are told apart by.
pub(crate) fn listed(here: &Session, record: &SessionRecord) -> Value {
    let is_current = record.id == here.principal().session_id();
    let of = if is_current { here.principal().clone() } else { here.principal_of(record) };
    with_client(shown(&of, is_current), record)
}

/// A session of a list that no session asks for.
pub(crate) fn listed_for(sessions: &Sessions, record: &SessionRecord) -> Value {
    with_client(shown(&sessions.principal_of(record), false), record)
}

fn with_client(mut shown: Value, record: &SessionRecord) -> Value {
    shown["user_agent"] = record.client.user_agent().into();
    shown["ip"] = record.client.ip().map(|ip| ip.to_string()).into();
    shown
}

/// How it is described.
pub(crate) fn described() -> Operation {
    let answer = json!({ "session": example(true) });
    Operation::new(Method::GET, "/api/v1/session", "getSession", "The session of this request")
        .says("Asking is no use of it: polling does not defeat the idle timeout.")
        .by(Caller::Session)
        .answers(200, "It is usable", &object([("session", of("schemas", "Session"))]), &[("session", answer)])
}

/// What [`shown`] shows.
pub(crate) fn schema() -> Value {
    let mut idle = date_time("When it ends unless it is used; null where it has no idle timeout");
    idle["type"] = json!(["string", "null"]);
    object([
        ("id", uuid("Its public name")),
        ("subject", json!({ "type": "string", "description": "Whose it is" })),
        ("created_at", date_time("When it was issued")),
        ("authenticated_at", date_time("When a credential was proven last")),
        ("last_seen_at", date_time("When its last use was recorded")),
        ("idle_expires_at", idle),
        ("absolute_expires_at", date_time("When it ends in any case")),
        ("auth_method", auth_method("How the subject proved who it is")),
        ("current", json!({ "type": "boolean", "description": "Whether it is the session of this request" })),
    ])
}

/// How a subject proved who it is.
pub(crate) fn auth_method(about: &str) -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9_-]{1,32}$", "description": about })
}

/// What [`listed`] shows.
pub(crate) fn schema_of_listed() -> Value {
    let mut schema = schema();
    let about =
        [("user_agent", "The `User-Agent` of the login, cut to 256 bytes"), ("ip", "Where the login came from")];
    for (name, about) in about {
        schema["properties"][name] = json!({ "type": ["string", "null"], "description": about });
        if let Some(required) = schema["required"].as_array_mut() {
            required.push(json!(name));
        }
    }
    schema
}

/// The schema of a page of a list.
pub(super) fn page() -> Value {
    let mut next = uuid("The `cursor` of the next page; null on the last one");
    next["type"] = json!(["string", "null"]);
    object([("sessions", json!({ "type": "array", "items": of("schemas", "ListedSession") })), ("next_cursor", next)])
}

/// A session in examples.
pub(crate) fn example(current: bool) -> Value {
    json!({
        "id": EXAMPLE_ID,
        "subject": "user:7",
        "created_at": "2026-01-05T08:00:00.000Z",
        "authenticated_at": "2026-01-05T08:00:00.000Z",
        "last_seen_at": "2026-01-05T09:12:45.120Z",
        "idle_expires_at": "2026-01-05T09:42:45.120Z",
        "absolute_expires_at": "2026-01-05T20:00:00.000Z",
        "auth_method": "password",
        "current": current,
    })
}

/// A page in examples.
pub(super) fn example_of_page() -> Value {
    let mut session = example(false);
    session["user_agent"] = json!("Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0");
    session["ip"] = json!("203.0.113.9");
    json!({ "sessions": [session], "next_cursor": null })
}
