//! `GET /api/v1/admin/sessions`, `DELETE /api/v1/admin/sessions/{id}`, `DELETE /api/v1/admin/sessions?subject=S`: everybody's sessions.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::Method;
use axum::response::{IntoResponse as _, Response};
use cloakroom::{Code, SessionId, Sessions};
use cloakroom_core::store::ListQuery;
use cloakroom_core::verdict::{Verdict, verdict};
use serde_json::{Value, json};

use crate::administration::{Act, Done};
use crate::administrator::Administrator;
use crate::api::ended::{self, Ended, one};
use crate::api::paging::{Page, cursor, paged};
use crate::api::session::listed;
use crate::app::App;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::filter;
use crate::openapi::{Caller, EXAMPLE_ID, Operation, uuid};

/// Lists living sessions that match, newest first. A page looks at a bounded number of rows: it may be short and have a next one.
pub(crate) async fn list(
    State(app): State<App>,
    Administrator(session): Administrator,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let (asked, now) = (Page::asked(&mut fields), app.now());
    let filter = filter::read(&mut fields, now);
    fields.finish()?;
    let query = ListQuery { filter, before: asked.before, limit: asked.limit };
    let page = app.database().sessions().list(query).await?;
    let next = page.next.map(|id| id.to_string());
    // The store also lists what expired and is not purged yet.
    let living =
        page.sessions.iter().filter(|record| verdict(*record, now, app.sessions().policy()) == Verdict::Usable);
    let sessions: Vec<_> = living.map(|record| listed(&session, record)).collect();
    Ok(Json(json!({ "sessions": sessions, "next_cursor": next })))
}

/// Ends one session, whoever's it is.
pub(crate) async fn end_one(
    State(app): State<App>,
    Administrator(session): Administrator,
    sessions: Sessions,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    fields.finish()?;
    let id: SessionId = id.parse().map_err(|_| Failure::of(Code::NotFound))?;
    let Done { happened, .. } = Act::EndOne(id).carry_out(&app, &sessions, &session).await?;
    Ok(Ended::One.answer(&sessions, waits, happened).await)
}

/// Ends the sessions that match: all of a subject, logins under way included, or what a filter says. Of very many the rest is for the
/// next request, and `next_cursor` says where it goes on.
pub(crate) async fn end_matching(
    State(app): State<App>,
    Administrator(session): Administrator,
    sessions: Sessions,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    let (before, filter) = (cursor(&mut fields), filter::read(&mut fields, app.now()));
    fields.finish()?;
    filter::require_some(&filter, "subject")?;
    let Done { ended, next, happened, .. } = Act::ending(filter, before).carry_out(&app, &sessions, &session).await?;
    match next {
        None => Ok(Ended::Many(ended).answer(&sessions, waits, happened).await),
        Some(next) => Ok((happened, Json(json!({ "ended": ended, "next_cursor": next.to_string() }))).into_response()),
    }
}

/// How they are described.
pub(crate) fn described() -> [Operation; 3] {
    let (all, this) = ("/api/v1/admin/sessions", "/api/v1/admin/sessions/{id}");
    let operation = |method, path, name, summary| Operation::new(method, path, name, summary).by(Caller::Administrator);
    let list = operation(Method::GET, all, "listEverybodysSessions", "Living sessions that match")
        .says("Those that match every parameter there is. A page looks at a bounded number of sessions: it may be short or empty and have a next one.");
    let end = operation(Method::DELETE, all, "endMatchingSessions", "End the sessions that match")
        .says("At least one parameter says which; everybody's are for the command line. All of a subject, and nothing else, overtake logins that are under way. Of more than 10,000 the rest is for the next request: it is the same with `next_cursor` as its `cursor`, and only the last one waits.")
        .query("cursor?", &uuid("`next_cursor` of the answer before"));
    [
        filter::described(paged(list)),
        filter::described(describe_end(end)),
        one(operation(Method::DELETE, this, "endAnybodysSession", "End one session, whoever's it is")),
    ]
}

fn describe_end(operation: Operation) -> Operation {
    let mut schema = ended::schema();
    schema["properties"]["next_cursor"] = uuid("Where there is more: the `cursor` of the next request");
    let shown = [
        ("ended", json!({ "ended": 3 })),
        ("everywhere", json!({ "ended": 3, "waited_ms": 12 })),
        ("more", json!({ "ended": 10_000, "next_cursor": EXAMPLE_ID })),
    ];
    let operation = operation.waits().answers(200, "Ended", &schema, &shown);
    operation.with_header(&[200], "Server-Timing", "Server-Timing")
}
