//! `POST /api/v1/confirm`

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use cloakroom::{LoggedIn, Session, Strict};

use crate::app::App;
use crate::credential;
use crate::failure::Failure;
use crate::fields::{Complaint, FieldError, Fields};

/// Proves the password once more (step-up): 204 with the cookie of the token that replaces this one.
pub(crate) async fn post(
    State(app): State<App>,
    Strict(mut session): Strict<Session>,
    request: Request<Body>,
) -> Result<LoggedIn, Failure> {
    let mut fields = Fields::from_json(request).await?;
    let password = fields.password("password");
    fields.finish()?;
    let Some(password) = password else { return Err(Failure::invalid(Vec::new())) };
    let account = app.account_of(session.principal()).await?;
    if !credential::proves(&app, &account, session.principal().session_id(), password).await? {
        return Err(Failure::invalid(vec![FieldError::new("password", Complaint::NotThePassword)]));
    }
    Ok(session.step_up().await?)
}
