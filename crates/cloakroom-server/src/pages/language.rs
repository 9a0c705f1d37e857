//! `POST /language`: the switch at the foot of every page. It needs no session and is no use of one.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::http::header::{CACHE_CONTROL, SET_COOKIE};
use axum::response::{IntoResponse, Redirect};
use cloakroom_core::return_target::ReturnTarget;

use crate::app::App;
use crate::failure::Failure;
use crate::fields::{Complaint, Fields};
use crate::language;
use crate::locale::Locale;

/// Remembers the language in a cookie and leads back to the page, or to the start page where that is none of this site.
pub(crate) async fn post(State(app): State<App>, request: Request<Body>) -> Result<impl IntoResponse, Failure> {
    let mut fields = Fields::from_form(request).await?;
    let typed = fields.text("language");
    let locale = Locale::of_tag(&typed);
    if locale.is_none() && !typed.is_empty() {
        fields.complain("language", Complaint::NotAllowed);
    }
    let back = fields.optional("return_to").and_then(|text| ReturnTarget::parse(&text));
    fields.finish()?;
    let is_https = app.public_origin().is_some_and(|origin| origin.starts_with("https://"));
    let cookie = language::cookie(locale.unwrap_or_default(), is_https);
    let headers = [(SET_COOKIE, cookie), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((headers, Redirect::to(back.as_ref().map_or("/", ReturnTarget::as_str))))
}
