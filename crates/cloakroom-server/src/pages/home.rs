//! `GET /`

use axum::response::Redirect;
use cloakroom::Principal;

use crate::failure::Failure;

/// Leads to the account, or to the login.
pub(crate) async fn get(principal: Result<Option<Principal>, cloakroom::Rejection>) -> Result<Redirect, Failure> {
    Ok(Redirect::to(if principal?.is_some() { "/account" } else { "/login" }))
}
