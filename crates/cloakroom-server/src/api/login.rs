//! `POST /api/v1/login`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request};
use axum::response::IntoResponse;
use cloakroom::{Code, Sessions};
use cloakroom_core::password::PASSWORD_CHARS_MAX;
use serde_json::json;

use crate::api::session::{example, shown};
use crate::app::App;
use crate::credential;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::openapi::{Operation, object, of, text};

/// Logs in. The token is in the cookie and nowhere else.
pub(crate) async fn post(
    State(app): State<App>,
    sessions: Sessions,
    request: Request<Body>,
) -> Result<impl IntoResponse, Failure> {
    // Before anything is read: what is revoked from here on, this login does not outlive.
    let attempt = sessions.begin().await?;
    let mut fields = Fields::from_json(request).await?;
    let (name, password) = (fields.login_name("login_name"), fields.password("password"));
    fields.finish()?;
    let (Some(name), Some(password)) = (name, password) else { return Err(Failure::invalid(Vec::new())) };
    let logged_in = credential::log_in(&app, sessions.client_address(), attempt, name, password).await?;
    let body = Json(json!({ "session": shown(logged_in.principal(), true) }));
    Ok((credential::logged_in(&logged_in), logged_in, body))
}

/// A login name as it is typed. What is cut off at its ends, or changed by normalisation, is not in the pattern.
const LOGIN_NAME: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffd\u{e0000}-\u{e0fff}]+$";

/// How it is described.
pub(crate) fn described() -> Operation {
    let name = name("At most 255 bytes in UTF-8; upper case, width and space around it do not matter");
    let body = object([("login_name", name), ("password", password())]);
    let example_of_body = json!({ "login_name": "ada", "password": "a lighthouse keeper counts seven gulls" });
    let answer = json!({ "session": example(true) });
    Operation::new(Method::POST, "/api/v1/login", "login", "Log in")
        .says("The token is in the cookie and nowhere else. `session_revoked`: what was revoked while the login was under way, it does not outlive.")
        .reads(&[("login", body, example_of_body)])
        .answers(200, "Logged in", &object([("session", of("schemas", "Session"))]), &[("session", answer)])
        .with_header(&[200], "Set-Cookie", "Set-Cookie")
        .fails(&[Code::InvalidCredentials, Code::Throttled, Code::SessionRevoked, Code::Unavailable])
}

/// A login name, as it is typed.
pub(super) fn name(about: &str) -> serde_json::Value {
    let mut name = text(1, 255, about);
    name["pattern"] = json!(LOGIN_NAME);
    name
}

/// A password that is to be checked.
pub(super) fn password() -> serde_json::Value {
    let mut password = text(1, PASSWORD_CHARS_MAX, "As it was typed");
    password["format"] = json!("password");
    password
}
