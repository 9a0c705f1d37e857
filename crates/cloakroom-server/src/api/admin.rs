//! `GET /api/v1/admin/sessions`, `DELETE /api/v1/admin/sessions/{id}`, `DELETE /api/v1/admin/sessions?subject=S`: everybody's sessions,
//! for administrators who proved their password a moment ago.

use axum::Json;
use axum::extract::{FromRequestParts, Path, RawQuery, State};
use axum::http::request::Parts;
use axum::response::Response;
use cloakroom::{Code, EndReason, Recent, Session, SessionId, Sessions, Subject, Target};
use cloakroom_core::account::Role;
use cloakroom_core::event::EventKind;
use cloakroom_core::store::{ListQuery, SessionFilter};
use cloakroom_core::verdict::{Verdict, verdict};
use serde_json::{Value, json};

use crate::api::ended::Ended;
use crate::api::paging::Page;
use crate::api::session::listed;
use crate::app::App;
use crate::events::Happened;
use crate::everywhere;
use crate::failure::Failure;
use crate::fields::{Complaint, Fields};

/// A request of an administrator: the role is read with each (ASVS 5.0 8.3.2), and the password was proven within the policy's window
/// (7.5.3). An extractor.
pub(crate) struct Administrator(Session);

impl FromRequestParts<App> for Administrator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let session = cloakroom::Strict::<Session>::from_request_parts(parts, app).await?.0;
        let account = app.account_of(session.principal()).await?;
        if account.role != Role::Administrator {
            let refused = Happened::new(EventKind::AuthzFail).to(&account.subject).because("not_an_administrator");
            return Err(Failure::of(Code::Forbidden).with([refused]));
        }
        // Only then, or who may not do it would be asked for a password first.
        let Recent(session) = Recent::<Session>::from_request_parts(parts, app).await?;
        Ok(Self(session))
    }
}

impl Administrator {
    /// What is recorded of it when it is done.
    fn did(&self) -> Happened {
        Happened::by(EventKind::AuthzAdmin, self.0.principal())
    }
}

/// Lists living sessions, newest first: everybody's, or a subject's.
pub(crate) async fn list(
    State(app): State<App>,
    administrator: Administrator,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let asked = Page::asked(&mut fields);
    let subject = fields.optional("subject").map(|text| Subject::new(text.as_str()));
    if matches!(subject, Some(Err(_))) {
        fields.complain("subject", Complaint::NotAllowed);
    }
    fields.finish()?;
    let subject = subject.and_then(Result::ok);
    let filter = SessionFilter { subject, ..SessionFilter::default() };
    let query = ListQuery { filter, before: asked.before, limit: asked.limit };
    let page = app.database().sessions().list(query).await?;
    let next = page.next.map(|id| id.to_string());
    let now = app.now();
    // The store also lists what expired and is not purged yet.
    let living =
        page.sessions.iter().filter(|record| verdict(*record, now, app.sessions().policy()) == Verdict::Usable);
    let sessions: Vec<_> = living.map(|record| listed(&administrator.0, record)).collect();
    Ok(Json(json!({ "sessions": sessions, "next_cursor": next })))
}

/// Ends one session, whoever's it is.
pub(crate) async fn end_one(
    administrator: Administrator,
    sessions: Sessions,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    fields.finish()?;
    let id: SessionId = id.parse().map_err(|_| Failure::of(Code::NotFound))?;
    if sessions.end(Target::Session(id), EndReason::Administrator).await? == 0 {
        return Err(Failure::of(Code::NotFound));
    }
    let happened = (administrator.did(), revoked().session(id));
    Ok(Ended::One.answer(&sessions, waits, happened).await)
}

/// Ends all sessions of a subject.
pub(crate) async fn end_all_of(
    administrator: Administrator,
    sessions: Sessions,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    let typed = fields.text("subject");
    let subject = Subject::new(typed.as_str());
    if subject.is_err() && !typed.is_empty() {
        fields.complain("subject", Complaint::NotAllowed);
    }
    fields.finish()?;
    let Ok(subject) = subject else { return Err(Failure::of(Code::InvalidInput)) };
    let happened = (administrator.did(), revoked().to(&subject));
    let ended = sessions.end(Target::Subject(subject), EndReason::Administrator).await?;
    Ok(Ended::Many(ended).answer(&sessions, waits, happened).await)
}

fn revoked() -> Happened {
    Happened::new(EventKind::TokenRevoked).because("administrator")
}
