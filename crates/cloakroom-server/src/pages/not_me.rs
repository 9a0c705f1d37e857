//! `GET` and `POST /account/not-me`: something in the recent activity was somebody else. All other sessions end, this one gets a new
//! token, and the account page asks for a new password before anything else.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Recent, Rejection, Strict};

use crate::activity;
use crate::afterwards::Then;
use crate::ends::Ends;
use crate::everywhere::Waited;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::form_token::OwnForm;
use crate::pages::{Visit, confirm, page};
use crate::view::NotMePage;

/// Says what it does; nothing is done yet. The event it began at is named where it is one of theirs.
pub(crate) async fn get(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let asked = Fields::from_query(query.as_deref())?.optional("event");
    let (words, here, now) = (visit.words(), visit.here(), visit.app.now());
    let activity = activity::of(visit.app.accounts(), visit.session.principal().subject(), words, &here, now).await?;
    let event = activity.shown.into_iter().find(|event| asked.as_ref().is_some_and(|id| **id == event.id));
    let view = NotMePage { words, form_token: &visit.form_token, expires: visit.expires(), event };
    page(StatusCode::OK, &view)
}

/// Does it, or asks for the password first where it was proven too long ago: a cookie that was taken must not throw its owner out.
///
/// This session stays, under a new token: whoever proved the password a moment ago goes straight on to a new one, and until then there
/// is no gap in which nobody is signed in but whoever knows the old one. A copy of the old token is worth nothing.
pub(crate) async fn post(
    recent: Result<Recent, Rejection>,
    Strict(visit): Strict<Visit>,
    OwnForm(form): OwnForm,
) -> Result<Response, Failure> {
    form.finish()?;
    match recent {
        Ok(Recent(_)) => {}
        Err(rejection) if rejection.code() == Code::StepUpRequired => {
            return confirm::show(&visit, StatusCode::FORBIDDEN, Some(Then::Ends(Ends::NotMe)), &[]).await;
        }
        Err(rejection) => return Err(rejection.into()),
    }
    let Visit { sessions, session, .. } = visit;
    let happened = Ends::NotMe.happened(session.principal());
    // By the old token, before it is replaced: it names the one that stays.
    session.end_others().await?;
    let replaced = session.replace().await?;
    Ok((happened, replaced, Waited::for_all(&sessions).await, Redirect::to("/account")).into_response())
}
