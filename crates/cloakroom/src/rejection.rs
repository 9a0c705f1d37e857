//! How a request is refused: a code, and its answer as an RFC 9457 problem. The text is data; nothing internal is in it.

use std::fmt;

use axum::response::{IntoResponse, Response};
use cloakroom_core::ending::EndReason;
use cloakroom_core::problem::Code;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

/// A refused request.
///
/// As a response it is `application/problem+json` with the code's status. An application that answers in its own way
/// takes the [code](Rejection::code) and leaves the response; a layer finds the rejection among the response's extensions.
///
/// ```
/// use cloakroom::Rejection;
/// use cloakroom::Code;
/// use axum::response::{IntoResponse, Redirect, Response};
///
/// fn answer(rejection: Rejection) -> Response {
///     match rejection.code() {
///         Code::Unavailable => rejection.into_response(),
///         _ => Redirect::to("/login").into_response(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection(Code);

impl Rejection {
    pub(crate) const fn new(code: Code) -> Self {
        Self(code)
    }

    /// Why the request is refused.
    pub const fn code(&self) -> Code {
        self.0
    }
}

impl From<EndReason> for Rejection {
    fn from(reason: EndReason) -> Self {
        Self(match reason {
            EndReason::Idle => Code::SessionIdle,
            EndReason::Absolute => Code::SessionAbsolute,
            _ => Code::SessionRevoked,
        })
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(words(self.0).0)
    }
}

impl std::error::Error for Rejection {}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let (title, detail) = words(self.0);
        let status = self.0.status();
        let problem = serde_json::json!({
            "type": format!("urn:cloakroom:problem:{}", self.0),
            "title": title, "status": status, "detail": detail, "code": self.0.as_str(),
        });
        let mut response = problem.to_string().into_response();
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self); // an outer layer that answers in its own way finds the code here
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == 401 {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Cookie realm="sessions""#));
        }
        if self.0.retries() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

/// Title and what to do next, for the codes this library answers with; an application says the others itself.
const fn words(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::LoginRequired => ("Login required", "Log in and repeat the request."),
        Code::SessionIdle => ("Session not used for too long", "Log in again and repeat the request."),
        Code::SessionAbsolute => ("Session reached its longest lifetime", "Log in again and repeat the request."),
        Code::SessionRevoked => ("Session was ended", "Log in again and repeat the request."),
        Code::Busy | Code::Unavailable => {
            ("Sessions cannot be checked right now", "Try again shortly. You are still logged in if you were.")
        }
        Code::InvalidInput => ("Invalid input", "Correct the request and send it again."),
        Code::Internal => ("Something went wrong", "Try again; if it goes on, tell whoever runs this service."),
        _ => ("Request refused", "The request cannot be served as it is."),
    }
}

/// The session store could not be asked. As a response: 503, `unavailable` or `busy`, and the cookie stays as it is (G6).
pub struct Unavailable {
    rejection: Rejection,
    source: cloakroom_core::store::StoreError,
}

impl Unavailable {
    /// Why, as a code.
    pub const fn code(&self) -> Code {
        self.rejection.code()
    }

    pub(crate) fn into_source(self) -> cloakroom_core::store::StoreError {
        self.source
    }
}

impl From<cloakroom_core::store::StoreError> for Unavailable {
    fn from(source: cloakroom_core::store::StoreError) -> Self {
        let code = if source.is_busy() { Code::Busy } else { Code::Unavailable };
        Self { rejection: Rejection(code), source }
    }
}

impl fmt::Debug for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unavailable").field("source", &self.source).finish_non_exhaustive()
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for Unavailable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

impl IntoResponse for Unavailable {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.source, cause = cause(&self.source), "session store failed");
        self.rejection.into_response()
    }
}

/// The innermost cause, for the log.
pub(crate) fn cause(error: &cloakroom_core::store::StoreError) -> String {
    std::error::Error::source(error).map_or_else(String::new, ToString::to_string)
}
