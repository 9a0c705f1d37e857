//! `POST /logout`

use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect};
use cloakroom::Sessions;

use crate::failure::Failure;

/// Ends the session of this request, if there is one; the same answer either way.
pub(crate) async fn post(sessions: Sessions) -> Result<impl IntoResponse, Failure> {
    let logged_out = sessions.log_out().await?;
    let clear = [(HeaderName::from_static("clear-site-data"), r#""storage""#)];
    Ok((logged_out, clear, Redirect::to("/login")))
}
