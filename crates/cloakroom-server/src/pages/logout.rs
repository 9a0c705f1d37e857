//! `POST /logout`

use axum::extract::RawQuery;
use axum::http::HeaderName;
use axum::response::{IntoResponse, Redirect};
use cloakroom::{Outcome, Sessions};

use crate::events;
use crate::everywhere::{self, Waited};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::form_token::NoForeignForm;

/// Ends the session of this request, if there is one; the same answer either way. With `?everywhere=true` the answer comes
/// when no instance serves it any more.
pub(crate) async fn post(
    sessions: Sessions,
    outcome: Outcome,
    RawQuery(query): RawQuery,
    _: NoForeignForm,
) -> Result<impl IntoResponse, Failure> {
    let mut fields = Fields::from_query(query.as_deref())?;
    let waits = everywhere::is_wanted(&mut fields);
    fields.finish()?;
    let logged_out = (events::logged_out(&outcome), sessions.log_out().await?);
    let waited = if waits { Some(Waited::for_all(&sessions).await) } else { None };
    let clear = [(HeaderName::from_static("clear-site-data"), r#""storage""#)];
    Ok((logged_out, clear, waited, Redirect::to("/login")))
}
