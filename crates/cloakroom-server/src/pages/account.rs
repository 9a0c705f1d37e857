//! `GET /account`, and the forms on it that end sessions: each is answered when every instance refuses what it ended

use std::time::Duration;

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Recent, Rejection, SessionId, Strict, Timestamp};
use cloakroom_core::account::Role;
use cloakroom_core::event::EventKind;

use crate::activity;
use crate::ends::Ends;
use crate::events::Happened;
use crate::everywhere::{WAITED, Waited};
use crate::failure::Failure;
use crate::fields::{FieldError, Fields};
use crate::form_token::OwnForm;
use crate::pages::{Visit, confirm, page};
use crate::view::{AccountPage, Form, NewPasswordPage, ShownDevice, ShownEnding};

/// Most devices shown: the policy's default cap and some.
const DEVICES_MAX: u32 = 100;
/// Most ended sessions shown.
const HISTORY_MAX: u32 = 10;
/// How long the page waits for what happened just now to be written.
pub(crate) const SETTLE_MAX: Duration = Duration::from_millis(250);
const SHOWN: &[&str] = &["current_password", "new_password", "new_password_again"];

/// Shows the devices, the password form and what ended lately.
pub(crate) async fn get(visit: Visit, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let waited_ms = Fields::from_query(query.as_deref())?.peek(WAITED).parse().ok();
    let notice = waited_ms.map(|ms| AccountPage::signed_out_everywhere(visit.words(), ms));
    show(&visit, StatusCode::OK, notice, &[]).await
}

/// The page, with what there is to say, and what is wrong in its password form. Of somebody who said that something was not them it is
/// the form for a new password and nothing else, until they have one.
pub(crate) async fn show(
    visit: &Visit,
    status: StatusCode,
    notice: Option<String>,
    errors: &[FieldError],
) -> Result<Response, Failure> {
    let Visit { app, sessions, session, form_token, .. } = visit;
    let (words, now) = (visit.words(), app.now());
    let here = session.principal();
    // Who is signed in by an application of its own has no account.
    let account = app.accounts().by_subject(here.subject().clone()).await?;
    let name = account.as_ref().map_or_else(|| here.subject().to_string(), |account| account.login_name.to_string());
    // What was recorded a moment ago is to be seen.
    app.recorder().settle(SETTLE_MAX).await;
    let activity = activity::of(app.accounts(), here.subject(), words, &visit.here(), now).await?;
    let (form, expires) = (Form::new(words, "", errors, SHOWN), visit.expires());
    let is_due = |at: &Timestamp| account.as_ref().is_some_and(|account| *at > account.password_changed_at);
    if let Some(denied_at) = activity.denied_at.filter(is_due) {
        let said = words.with("new-password-why", &[("when", words.ago(denied_at, now))]);
        return page(status, &NewPasswordPage { words, form_token, expires, name, said, form });
    }
    let mut devices: Vec<_> = session
        .list(None, DEVICES_MAX)
        .await?
        .iter()
        .map(|record| {
            (record.id == here.session_id(), record.last_seen_at, ShownDevice::new(words, record, &visit.here(), now))
        })
        .collect();
    devices.sort_by_key(|(is_this, last_seen_at, _)| (!is_this, std::cmp::Reverse(*last_seen_at)));
    let endings = sessions.history(here.subject(), HISTORY_MAX).await?;
    let view = AccountPage {
        words,
        form_token,
        notice,
        is_administrator: account.is_some_and(|account| account.role == Role::Administrator),
        expires,
        signed_in_as: AccountPage::signed_in_as(words, &name),
        name,
        devices: devices.into_iter().map(|(_, _, device)| device).collect(),
        activity: activity.shown,
        history: endings.iter().map(|ending| ShownEnding::new(words, ending, now)).collect(),
        form,
    };
    page(status, &view)
}

/// Ends one of the subject's sessions. What is no id, nobody's or somebody else's is not found.
pub(crate) async fn end_one(
    Path(id): Path<String>,
    recent: Result<Recent, Rejection>,
    Strict(visit): Strict<Visit>,
    OwnForm(form): OwnForm,
) -> Result<Response, Failure> {
    let id: SessionId = id.parse().map_err(|_| Failure::of(Code::NotFound))?;
    if id == visit.session.principal().session_id() {
        form.finish()?;
        let happened = Happened::by(EventKind::SessionLogout, visit.session.principal());
        let logged_out = (happened, visit.session.log_out().await?);
        return Ok((logged_out, Waited::for_all(&visit.sessions).await, Redirect::to("/login")).into_response());
    }
    end(visit, recent, form, Ends::One(id)).await
}

/// Ends the subject's other sessions.
pub(crate) async fn end_others(
    recent: Result<Recent, Rejection>,
    Strict(visit): Strict<Visit>,
    OwnForm(form): OwnForm,
) -> Result<Response, Failure> {
    end(visit, recent, form, Ends::Others).await
}

/// Ends all of the subject's sessions, this one too.
pub(crate) async fn end_all(
    recent: Result<Recent, Rejection>,
    Strict(visit): Strict<Visit>,
    OwnForm(form): OwnForm,
) -> Result<Response, Failure> {
    end(visit, recent, form, Ends::All).await
}

/// Does it, or asks for the password first where it was proven too long ago (ASVS 5.0 7.5.2): a cookie that was taken must not throw its
/// owner out.
async fn end(visit: Visit, recent: Result<Recent, Rejection>, form: Fields, ends: Ends) -> Result<Response, Failure> {
    form.finish()?;
    match recent {
        Ok(Recent(_)) => ends.carry_out(&visit.sessions, visit.session).await,
        Err(rejection) if rejection.code() == Code::StepUpRequired => {
            confirm::show(&visit, StatusCode::FORBIDDEN, Some(ends.into()), &[]).await
        }
        Err(rejection) => Err(rejection.into()),
    }
}
