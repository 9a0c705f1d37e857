//! Waiting until what ended is refused on every instance, and saying how long that took.
//!
//! Pages wait by themselves, so that what they say is true when it is read. Programs ask for it with `everywhere=true`.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, Redirect, ResponseParts};
use cloakroom::Sessions;

use crate::fields::{Complaint, Fields};

/// The parameter, in queries.
const PARAMETER: &str = "everywhere";
/// The parameter of the account page that says how long it took.
pub(crate) const WAITED: &str = "waited_ms";

/// Whether the request wants to wait. Complains about anything but `true` and `false`.
pub(crate) fn is_wanted(fields: &mut Fields) -> bool {
    match fields.optional(PARAMETER).as_ref().map(|text| text.as_str()) {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            fields.complain(PARAMETER, Complaint::NotAllowed);
            false
        }
    }
}

/// How long it took until every instance refused what had ended; part of an answer, as a `Server-Timing` header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited(Duration);

impl Waited {
    /// Waits for what ended before.
    pub(crate) async fn for_all(sessions: &Sessions) -> Self {
        Self(sessions.everywhere().await)
    }

    /// Whole milliseconds.
    pub(crate) fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// To the account page, which says it in words if there is something to say.
    pub(crate) fn to_account(self) -> (Self, Redirect) {
        let target = match self.millis() {
            0 => "/account".to_owned(),
            ms => format!("/account?{WAITED}={ms}"),
        };
        (self, Redirect::to(&target))
    }
}

impl IntoResponseParts for Waited {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Ok(timing) = HeaderValue::from_str(&format!("everywhere;dur={}", self.millis())) {
            parts.headers_mut().insert(HeaderName::from_static("server-timing"), timing);
        }
        Ok(parts)
    }
}
