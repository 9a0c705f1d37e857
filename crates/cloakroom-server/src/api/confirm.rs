//! `POST /api/v1/confirm`

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::IntoResponse;
use cloakroom::{Session, Strict};
use cloakroom_core::event::EventKind;

use crate::app::App;
use crate::credential;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::Fields;

/// Proves the password once more (step-up): 204 with the cookie of the token that replaces this one.
pub(crate) async fn post(
    State(app): State<App>,
    Strict(mut session): Strict<Session>,
    request: Request<Body>,
) -> Result<impl IntoResponse, Failure> {
    let mut fields = Fields::from_json(request).await?;
    let password = fields.password("password");
    fields.finish()?;
    let Some(password) = password else { return Err(Failure::invalid(Vec::new())) };
    let account = app.account_of(session.principal()).await?;
    let (here, kind) = (session.principal().session_id(), EventKind::LoginFail);
    if let Err(failure) = credential::proves(&app, account, here, password, kind).await {
        return Err(failure.of_field("password"));
    }
    let renewed = Happened::by(EventKind::SessionRenewed, session.principal());
    Ok((renewed, session.step_up().await?, StatusCode::NO_CONTENT))
}
