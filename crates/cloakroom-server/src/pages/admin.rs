//! The administrators' pages: who gets them, and what the forms on them lead to. One file a noun.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod charts;
pub(crate) mod overview;
pub(crate) mod service_tokens;
pub(crate) mod sessions;

use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Recent, Rejection, Session, Strict};

use crate::administration::{Act, Done};
use crate::administrator;
use crate::afterwards::{Place, Task, Then};
use crate::app::App;
use crate::everywhere::{WAITED, Waited};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::filter;
use crate::form_token::OwnForm;
use crate::pages::{Visit, confirm};
use crate::view::admin::Notice;

const SESSIONS: &str = "/admin/sessions";
/// How many sessions were ended a moment ago.
const ENDED: &str = "ended";
/// What was done a moment ago.
const DONE: &str = "done";

/// A request for a page by an administrator whose password was proven a moment ago. Where it was not, the answer is the page that asks
/// for it, and leads back here. An extractor.
pub(crate) struct Shown(pub(crate) Visit);

impl FromRequestParts<App> for Shown {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Asked { visit, recent } =
            Asked::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        match recent {
            Ok(()) => Ok(Self(visit)),
            Err(rejection) if rejection.code() == Code::StepUpRequired => {
                let address = parts.uri.path_and_query().map_or("/admin", |address| address.as_str());
                let then = Place::parse(address).map(Then::Show);
                Err(confirm::show(&visit, StatusCode::FORBIDDEN, then, &[]).await.into_response())
            }
            Err(rejection) => Err(Failure::from(rejection).into_response()),
        }
    }
}

/// A request by an administrator, and whether the password was proven a moment ago.
struct Asked {
    visit: Visit,
    recent: Result<(), Rejection>,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Strict(visit) = Strict::<Visit>::from_request_parts(parts, app).await?;
        administrator::require(app, &visit.session).await?;
        let recent = Recent::<Session>::from_request_parts(parts, app).await.map(|_| ());
        Ok(Self { visit, recent })
    }
}

/// A form of an administrators' page, with its fields. An extractor, the last one of a handler.
pub(crate) struct Sent {
    asked: Asked,
    pub(crate) fields: Fields,
}

impl FromRequest<App> for Sent {
    type Rejection = Failure;

    async fn from_request(request: Request<axum::body::Body>, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let asked = Asked::from_request_parts(&mut parts, app).await?;
        let OwnForm(fields) = OwnForm::from_request(Request::from_parts(parts, body), app).await?;
        Ok(Self { asked, fields })
    }
}

impl Asked {
    /// Does it, or asks for the password first where it was proven too long ago.
    async fn answer(self, task: Task) -> Result<Response, Failure> {
        let Self { visit, recent } = self;
        match recent {
            Ok(()) => {
                let answer = carry_out(visit, task).await?;
                Ok(answer.response)
            }
            Err(rejection) if rejection.code() == Code::StepUpRequired => {
                confirm::show(&visit, StatusCode::FORBIDDEN, Some(Then::Administrate(task)), &[]).await
            }
            Err(rejection) => Err(rejection.into()),
        }
    }
}

/// What a task leads to.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// Whether the session it was asked for in has ended with it.
    pub(crate) is_over: bool,
}

/// Does it for somebody whose password was proven a moment ago, if they administrate; the answer comes when every instance refuses what
/// ended.
///
/// # Errors
/// `forbidden` for anybody else; what the task itself says.
pub(crate) async fn carry_out(visit: Visit, task: Task) -> Result<Answer, Failure> {
    administrator::require(&visit.app, &visit.session).await?;
    let Task { act, back } = task;
    if let Act::AddServiceToken(name, scope) = act {
        // The one answer that hands something over: a page, which no address leads to.
        let response = service_tokens::made(&visit, name, scope).await?;
        return Ok(Answer { response, is_over: false });
    }
    let Visit { app, sessions, session, .. } = visit;
    let word = act.word();
    let (page, page_of_rest) =
        (back.map_or_else(|| page_of(&act), |place| place.as_str().to_owned()), page_of_rest(&act));
    let Done { ended, next, is_to_spread, happened, .. } = act.carry_out(&app, &sessions, &session).await?;
    let waited = if is_to_spread { Some(Waited::for_all(&sessions).await) } else { None };
    if app.database().sessions().find(session.token_digest()).await?.is_none() {
        let logged_out = session.log_out().await?;
        let response = (happened, logged_out, waited, Redirect::to("/login")).into_response();
        return Ok(Answer { response, is_over: true });
    }
    let (ended, waited_ms) = (ended.to_string(), waited.map_or(0, Waited::millis).to_string());
    let mut said = vec![(DONE, word), (ENDED, ended.as_str()), (WAITED, waited_ms.as_str())];
    let next = next.map(|id| id.to_string());
    said.extend(next.as_deref().map(|id| (sessions::BEFORE, id)));
    let page = page_of_rest.filter(|_| next.is_some()).unwrap_or(page);
    let separator = if page.contains('?') { '&' } else { '?' };
    let target = format!("{page}{separator}{}", filter::query(said));
    Ok(Answer { response: (happened, waited, Redirect::to(&target)).into_response(), is_over: false })
}

/// The page that goes with it, where the form does not say from which one it was sent.
fn page_of(act: &Act) -> String {
    match act {
        Act::EndOne(_) | Act::EndMatching(..) => SESSIONS.to_owned(),
        Act::EndAllOf(subject) | Act::Change(_, subject) | Act::Unlock(subject) => account::address(subject),
        Act::AddServiceToken(..) | Act::RemoveServiceToken(_) => service_tokens::ADDRESS.to_owned(),
    }
}

/// The page that offers to go on where not all was done.
fn page_of_rest(act: &Act) -> Option<String> {
    let Act::EndMatching(filter, _) = act else { return None };
    let pairs = filter::pairs(filter);
    let query = filter::query(pairs.iter().map(|(field, value)| (*field, value.as_str())));
    Some(format!("{SESSIONS}/end?{query}"))
}

/// What was done a moment ago, as the address says it.
fn notice(fields: &mut Fields) -> Option<Notice> {
    let (done, ended) = (fields.optional(DONE), fields.optional(ENDED));
    fields.optional(WAITED);
    Notice::of(done?.as_str(), ended.and_then(|text| text.parse().ok()).unwrap_or(0))
}
