//! `GET` and `POST /login`

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::HeaderMap;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Keep, Outcome, Sessions};
use cloakroom_core::return_target::ReturnTarget;

use crate::app::App;
use crate::credential;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::pages::{page, words_for};
use crate::view::{Form, LoginPage};

const SHOWN: &[&str] = &["login_name", "password"];

/// Shows the form, and why somebody is not signed in any more: what is known of the session whose token they still have. The cookie
/// stays until a login replaces it. To take it away here could take away the one a login in another tab just got.
pub(crate) async fn get(
    State(app): State<App>,
    outcome: Outcome,
    sessions: Sessions,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let words = words_for(&app, &headers);
    let asked = Fields::from_query(query.as_deref()).ok().and_then(|mut fields| fields.optional("return_to"));
    let past = if matches!(outcome, Outcome::Ended(_)) { sessions.past().await? } else { None };
    let view = LoginPage {
        words,
        form: Form::new(words, "", &[], SHOWN),
        keep: false,
        return_to: asked.and_then(|text| ReturnTarget::parse(&text)).map(|target| target.to_string()),
        notice: past.map(|past| words.farewell(&past, app.now())),
        message: None,
    };
    page(StatusCode::OK, &view)
}

/// What the form sent, as far as it comes back.
struct Typed {
    login_name: String,
    keep: bool,
    return_to: Option<ReturnTarget>,
}

/// Logs in and goes where it was meant to go; or shows the form again, with one message that does not say which part was wrong.
pub(crate) async fn post(
    State(app): State<App>,
    sessions: Sessions,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Failure> {
    // Before anything is read: what is revoked from here on, this login does not outlive.
    let attempt = sessions.begin().await?;
    let mut fields = Fields::from_form(request).await?;
    let typed = Typed {
        login_name: fields.peek("login_name").chars().take(255).collect(),
        keep: fields.checkbox("keep"),
        return_to: fields.optional("return_to").and_then(|text| ReturnTarget::parse(&text)),
    };
    let (name, password) = (fields.login_name("login_name"), fields.password("password"));
    let result = match (fields.finish(), name, password) {
        (Err(failure), ..) => Err(failure),
        (Ok(()), Some(name), Some(password)) => {
            let keep = if typed.keep { Keep::SignedIn } else { Keep::ThisVisit };
            credential::log_in(&app, sessions.client_address(), attempt.keep(keep), name, password).await
        }
        (Ok(()), ..) => Err(Failure::of(Code::InvalidInput)),
    };
    match result {
        Ok(logged_in) => {
            let target = typed.return_to.as_ref().map_or("/account", ReturnTarget::as_str);
            Ok((credential::logged_in(&logged_in), logged_in, Redirect::to(target)).into_response())
        }
        Err(failure) => again(&app, &headers, &typed, &failure),
    }
}

fn again(app: &App, headers: &HeaderMap, typed: &Typed, failure: &Failure) -> Result<Response, Failure> {
    let words = words_for(app, headers);
    let view = LoginPage {
        words,
        form: Form::new(words, &typed.login_name, failure.errors(), SHOWN),
        keep: typed.keep,
        return_to: typed.return_to.as_ref().map(ToString::to_string),
        notice: None,
        message: Some(words.of_code(failure.code())),
    };
    Ok(failure.told_by(page(failure.status(), &view)?))
}
