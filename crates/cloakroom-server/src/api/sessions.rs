//! `GET /api/v1/sessions`, `DELETE /api/v1/sessions/{id}`, `DELETE /api/v1/sessions?scope=others|all`

use axum::Json;
use axum::extract::{Path, RawQuery};
use axum::http::Method;
use axum::response::Response;
use cloakroom::{Code, Recent, Rejection, Session, SessionId, Sessions, Strict};
use cloakroom_core::event::EventKind;
use serde_json::{Value, json};

use crate::api::ended::{Ended, many, one};
use crate::api::paging::{Page, paged};
use crate::api::session::listed;
use crate::ends::{Ends, not_theirs};
use crate::events::Happened;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::{Complaint, Fields};
use crate::openapi::{Caller, Operation};

/// Which of the subject's sessions a `DELETE` is about.
enum Scope {
    Others,
    All,
}

/// Lists the subject's living sessions, newest first.
pub(crate) async fn get(session: Session, RawQuery(query): RawQuery) -> Result<Json<Value>, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let asked = Page::asked(&mut fields);
    fields.finish()?;
    let mut page = session.list(asked.before, asked.fetched()).await?;
    let next = asked.cut(&mut page);
    let sessions: Vec<_> = page.iter().map(|record| listed(&session, record)).collect();
    Ok(Json(json!({ "sessions": sessions, "next_cursor": next })))
}

/// Ends one of the subject's sessions; another one than this asks for a recent authentication. What is no id, nobody's or
/// somebody else's is not found.
pub(crate) async fn delete_one(
    sessions: Sessions,
    recent: Result<Recent, Rejection>,
    Strict(session): Strict<Session>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    fields.finish()?;
    let id: SessionId = id.parse().map_err(|_| Failure::of(Code::NotFound))?;
    let who = session.principal().clone();
    let logged_out = if id == who.session_id() {
        (Happened::by(EventKind::SessionLogout, &who), Some(session.log_out().await?))
    } else {
        recent?;
        if !session.end_own(id).await? {
            return Err(not_theirs(&who, id));
        }
        (Ends::One(id).happened(&who), None)
    };
    Ok(Ended::One.answer(&sessions, waits, logged_out).await)
}

/// Ends the subject's other sessions, or all of them, after a recent authentication. With `everywhere=true` the answer comes when no instance serves them
/// any more, and says how long that took.
pub(crate) async fn delete(
    sessions: Sessions,
    recent: Result<Recent, Rejection>,
    Strict(session): Strict<Session>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    let scope = match fields.text("scope").as_str() {
        "others" => Some(Scope::Others),
        "all" => Some(Scope::All),
        "" => None, // complained about already
        _ => {
            fields.complain("scope", Complaint::NotAllowed);
            None
        }
    };
    fields.finish()?;
    recent?;
    let who = session.principal().clone();
    let (ended, logged_out) = match scope {
        Some(Scope::Others) => (session.end_others().await?, (Ends::Others.happened(&who), None)),
        Some(Scope::All) => {
            let (ended, logged_out) = session.end_all().await?;
            (ended, (Ends::All.happened(&who), Some(logged_out)))
        }
        None => return Err(Failure::of(Code::InvalidInput)),
    };
    Ok(Ended::Many(ended).answer(&sessions, waits, logged_out).await)
}

/// How they are described.
pub(crate) fn described() -> [Operation; 3] {
    let scope = json!({ "type": "string", "enum": ["others", "all"], "description": "All but this one, or all" });
    let (all, this) = ("/api/v1/sessions", "/api/v1/sessions/{id}");
    let list = Operation::new(Method::GET, all, "listSessions", "The subject's living sessions").by(Caller::Session);
    let delete = Operation::new(Method::DELETE, all, "endSessions", "End the subject's other sessions, or all")
        .by(Caller::Recent)
        .query("scope", &scope)
        .waits();
    let delete_one = Operation::new(Method::DELETE, this, "endSession", "End one of the subject's sessions")
        .says("Another one than this asks for a recent proof of the password. What is no id, nobody's or somebody else's is not found.")
        .by(Caller::Recent);
    [
        paged(list),
        many(delete).with_header(&[200], "Set-Cookie", "Cleared-Cookie"),
        one(delete_one).with_header(&[200, 204], "Set-Cookie", "Cleared-Cookie"),
    ]
}
