//! `GET` and `POST /setup/{code}`: the first account, an administrator's, made by whoever holds the printed link

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::HeaderMap;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, SessionId, Sessions, Subject};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::event::EventKind;
use cloakroom_core::password::Password;
use cloakroom_core::store::{Created, Precedence};

use crate::app::App;
use crate::credential;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};
use crate::pages::{page, words_for};
use crate::view::{Form, SetupPage};

const SHOWN: &[&str] = &["login_name", "password", "password_again"];

/// Shows the form to whoever has the link, while there is no account.
pub(crate) async fn get(
    State(app): State<App>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    require_open(&app, &code).await?;
    show(&app, &code, &headers, StatusCode::OK, "", &[])
}

/// Makes the account and logs its owner in.
pub(crate) async fn post(
    State(app): State<App>,
    sessions: Sessions,
    Path(code): Path<String>,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let attempt = sessions.begin().await?;
    require_open(&app, &code).await?;
    let fields = Fields::from_form(request).await?;
    let typed: String = fields.peek("login_name").chars().take(255).collect();
    let (name, password) = match read(&app, fields).await? {
        Ok(read) => read,
        Err(errors) => return show(&app, &code, &headers, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors),
    };
    let now = app.now();
    // A subject is never reused: it is no name, but an id of its own.
    let id = SessionId::new(now, app.random()).map_err(|error| Failure::internal(&error))?;
    let subject = Subject::new(id.to_string()).map_err(|error| Failure::internal(&error))?;
    let account = Account {
        subject: subject.clone(),
        login_name: name,
        password_hash: app.hashing().hash(password).await?,
        role: Role::Administrator,
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
    };
    match app.accounts().create(account, Precedence::First).await? {
        Created::Created => {}
        Created::Taken | Created::NotFirst => return Err(Failure::of(Code::NotFound)),
    }
    let created = Happened::new(EventKind::UserCreated).to(&subject).because("first");
    let logged_in = attempt.issue(&subject).await?;
    Ok((created, credential::logged_in(&logged_in), logged_in, Redirect::to("/account")).into_response())
}

/// # Errors
/// `not_found`, whether the code is wrong or there is an account already.
async fn require_open(app: &App, code: &str) -> Result<(), Failure> {
    if app.setup().is(code) && !app.accounts().any().await? { Ok(()) } else { Err(Failure::of(Code::NotFound)) }
}

/// What was typed, or every complaint about the form.
///
/// # Errors
/// `busy` or `unavailable` when the password cannot be judged.
async fn read(app: &App, mut fields: Fields) -> Result<Result<(LoginName, Password), Vec<FieldError>>, Failure> {
    let name = fields.login_name("login_name");
    let typed = fields.text("password");
    let again = fields.optional("password_again");
    let mut password = None;
    if let (Some(name), false) = (&name, typed.is_empty()) {
        match app.new_passwords().judge(&typed, name).await? {
            Ok(checked) => password = Some(checked),
            Err(refusal) => fields.complain("password", Complaint::Password(refusal)),
        }
    }
    if again.is_some_and(|again| *again != *typed) {
        fields.complain("password_again", Complaint::Mismatch);
    }
    let errors = fields.into_errors();
    Ok(match (name, password) {
        (Some(name), Some(password)) if errors.is_empty() => Ok((name, password)),
        _ => Err(errors),
    })
}

fn show(
    app: &App,
    code: &str,
    headers: &HeaderMap,
    status: StatusCode,
    typed: &str,
    errors: &[FieldError],
) -> Result<Response, Failure> {
    let words = words_for(app, headers);
    page(status, &SetupPage { words, here: format!("/setup/{code}"), form: Form::new(words, typed, errors, SHOWN) })
}
