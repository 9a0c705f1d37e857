//! `GET /api/v1/session`, and how a session looks in JSON.

use axum::Json;
use axum::response::IntoResponse;
use cloakroom::{NotAUse, Principal, Session, SessionRecord, Sessions};
use serde_json::{Value, json};

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
