//! `POST /api/v1/login`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::IntoResponse;
use cloakroom::Sessions;
use serde_json::json;

use crate::api::session::shown;
use crate::app::App;
use crate::credential;
use crate::failure::Failure;
use crate::fields::Fields;

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
