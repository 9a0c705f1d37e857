//! `POST /api/v1/confirm`

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, StatusCode};
use axum::response::IntoResponse;
use cloakroom::{Code, Session, Strict};
use cloakroom_core::event::EventKind;
use serde_json::json;

use crate::api::login;
use crate::app::App;
use crate::credential;
use crate::events::Happened;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::openapi::{Caller, Operation, object};

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

/// How it is described.
pub(crate) fn described() -> Operation {
    let body = object([("password", login::password())]);
    Operation::new(Method::POST, "/api/v1/confirm", "confirm", "Prove the password once more")
        .says("After `step_up_required`: take the new cookie and repeat. A wrong password is `invalid_input` about the field `password`.")
        .by(Caller::Session)
        .reads(&[("password", body, json!({ "password": "a lighthouse keeper counts seven gulls" }))])
        .answers_empty(204, "Proven; the cookie has another token, and the one before is refused")
        .with_header(&[204], "Set-Cookie", "Set-Cookie")
        .fails(&[Code::Throttled])
}
