//! What a handler returns to change the browser's cookie: nothing else sets or expires it.

use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use cloakroom_core::token::Token;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE};

use crate::cookie::CookieSettings;
use crate::form_token::FormToken;
use crate::principal::Principal;
use crate::rejection::Rejection;

/// A session was issued or its token replaced: return it, alone (204) or beside a response, to hand over the cookie.
#[must_use = "without it the browser gets no cookie"]
pub struct LoggedIn {
    cookie: Option<HeaderValue>,
    form_token: FormToken,
    principal: Principal,
    over_cap: u32,
}

impl LoggedIn {
    pub(crate) fn new(
        settings: &CookieSettings,
        token: &Token,
        max_age: Option<Duration>,
        principal: Principal,
    ) -> Self {
        Self { cookie: settings.handing_over(token, max_age), form_token: FormToken::of(token), principal, over_cap: 0 }
    }

    pub(crate) const fn with_over_cap(mut self, over_cap: u32) -> Self {
        self.over_cap = over_cap;
        self
    }

    /// How many of the subject's oldest sessions ended for this login, because there were more than
    /// [`Policy::max_per_subject`](crate::Policy).
    pub const fn over_cap(&self) -> u32 {
        self.over_cap
    }

    /// Who is logged in now.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// For the forms of a page that is the answer itself: that of the request went with the old token.
    pub const fn form_token(&self) -> &FormToken {
        &self.form_token
    }
}

impl fmt::Debug for LoggedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl IntoResponseParts for LoggedIn {
    type Error = Rejection;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Rejection> {
        with_cookie(parts, self.cookie)
    }
}

impl IntoResponse for LoggedIn {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

/// The session is gone: return it, alone (204) or beside a response, to expire the cookie.
#[derive(Debug)]
#[must_use = "without it the browser keeps a useless cookie"]
pub struct LoggedOut {
    cookie: Option<HeaderValue>,
}

impl LoggedOut {
    pub(crate) fn new(settings: &CookieSettings) -> Self {
        Self { cookie: settings.expiring() }
    }
}

impl IntoResponseParts for LoggedOut {
    type Error = Rejection;

    fn into_response_parts(self, parts: ResponseParts) -> Result<ResponseParts, Rejection> {
        with_cookie(parts, self.cookie)
    }
}

impl IntoResponse for LoggedOut {
    fn into_response(self) -> Response {
        (self, StatusCode::NO_CONTENT).into_response()
    }
}

fn with_cookie(mut parts: ResponseParts, cookie: Option<HeaderValue>) -> Result<ResponseParts, Rejection> {
    // Every part of the value is ours and plain ASCII, so it is always there.
    let cookie = cookie.ok_or(Rejection::new(cloakroom_core::problem::Code::Internal))?;
    parts.headers_mut().append(SET_COOKIE, cookie);
    parts.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(parts)
}

/// Return it beside a response to a request that is no use of the session, such as asking how long it still lasts:
/// polling must not defeat the idle timeout.
///
/// ```
/// use cloakroom::{NotAUse, Principal};
/// use axum::response::IntoResponse;
///
/// async fn how_long(principal: Principal) -> impl IntoResponse {
///     (NotAUse, principal.absolute_expires_at().to_string())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NotAUse;

impl IntoResponseParts for NotAUse {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        parts.extensions_mut().insert(self);
        Ok(parts)
    }
}
