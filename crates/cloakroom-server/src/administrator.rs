//! Who may administrate. The role is read with each request, and what administrators see and do asks for a password that was proven a
//! moment ago. What they do is in [`administration`](crate::administration).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use cloakroom::{Code, Recent, Session, Strict};
use cloakroom_core::account::{Account, Role};
use cloakroom_core::event::EventKind;

use crate::app::App;
use crate::events::Happened;
use crate::failure::Failure;

/// That whoever is signed in administrates now, whatever was true when the session began (ASVS 5.0 8.3.2); their account.
///
/// # Errors
/// `forbidden`, and it is recorded; `busy` or `unavailable`.
pub(crate) async fn require(app: &App, session: &Session) -> Result<Account, Failure> {
    let account = app.account_of(session.principal()).await?;
    if account.role == Role::Administrator && account.disabled_at.is_none() {
        return Ok(account);
    }
    Err(Failure::of(Code::Forbidden).with([refused(session)]))
}

/// What is recorded of somebody who tries.
pub(crate) fn refused(session: &Session) -> Happened {
    Happened::by(EventKind::AuthzFail, session.principal()).because("not_an_administrator")
}

/// A program's request that an administrator makes, whose password was proven within the policy's window (7.5.3). An extractor.
pub(crate) struct Administrator(pub(crate) Session);

impl FromRequestParts<App> for Administrator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        let Strict(session) = Strict::<Session>::from_request_parts(parts, app).await?;
        require(app, &session).await?;
        // Only then, or who may not do it would be asked for a password first.
        let Recent(session) = Recent::<Session>::from_request_parts(parts, app).await?;
        Ok(Self(session))
    }
}
