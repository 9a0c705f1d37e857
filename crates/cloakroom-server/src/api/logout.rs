//! `POST /api/v1/logout`

use axum::response::IntoResponse;
use cloakroom::Sessions;

use crate::failure::Failure;

/// Ends the session of this request, if there is one: 204 either way.
pub(crate) async fn post(sessions: Sessions) -> Result<impl IntoResponse, Failure> {
    Ok(sessions.log_out().await?)
}
