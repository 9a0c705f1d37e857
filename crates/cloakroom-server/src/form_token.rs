//! The forms of signed-in pages: each sends the form token of its session, and is refused here without it, before anything is
//! changed. What a form token is, is the library's.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use cloakroom::{Code, FormToken};

use crate::app::App;
use crate::failure::Failure;
use crate::fields::Fields;

/// The hidden input.
const FIELD: &str = "form_token";

/// The fields of a form from a page of the session that sends it (NIST SP 800-63B-4 5.1); without its form token it is
/// `cross_site`. An extractor, the last one of a handler.
pub(crate) struct OwnForm(pub(crate) Fields);

impl FromRequest<App> for OwnForm {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let form_token = FormToken::from_request_parts(&mut parts, app).await?;
        // Without any content there is no form token either, and no type that could be wrong.
        let is_empty = !parts.headers.contains_key(CONTENT_TYPE);
        let mut fields = if is_empty {
            Fields::from_query(None)?
        } else {
            Fields::from_form(Request::from_parts(parts, body)).await?
        };
        let sent = fields.optional(FIELD).unwrap_or_default();
        if form_token.matches(&sent) { Ok(Self(fields)) } else { Err(Failure::of(Code::CrossSite)) }
    }
}

/// That no form of another session was sent: what logging out asks for. Nothing may be sent at all, and where nobody can say
/// whose session it is, nothing is compared: a logout works then too.
pub(crate) struct NoForeignForm;

impl FromRequest<App> for NoForeignForm {
    type Rejection = Failure;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let form_token = FormToken::from_request_parts(&mut parts, app).await;
        let Ok(form_token) = form_token else { return Ok(Self) };
        let mut fields = match Fields::from_form(Request::from_parts(parts, body)).await {
            Err(failure) if failure.code() == Code::UnsupportedMediaType => return Ok(Self), // no form at all
            read => read?,
        };
        match fields.optional(FIELD) {
            Some(sent) if !form_token.matches(&sent) => Err(Failure::of(Code::CrossSite)),
            _ => Ok(Self),
        }
    }
}
