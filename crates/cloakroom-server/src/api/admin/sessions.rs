//! `GET /api/v1/admin/sessions`, `DELETE /api/v1/admin/sessions/{id}`, `DELETE /api/v1/admin/sessions?subject=S`: everybody's sessions.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use cloakroom::{Code, SessionId, Sessions};
use cloakroom_core::store::ListQuery;
use cloakroom_core::verdict::{Verdict, verdict};
use serde_json::{Value, json};

use crate::administration::{Act, Done};
use crate::administrator::Administrator;
use crate::api::ended::Ended;
use crate::api::paging::{Page, cursor};
use crate::api::session::listed;
use crate::app::App;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::filter;

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
