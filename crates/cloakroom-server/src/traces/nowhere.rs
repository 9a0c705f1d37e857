//! Traces of a program that was built without their export: there are none.

use std::time::Duration;

use axum::extract::Request;
use cloakroom::TrustedProxies;
use tracing::Span;

use super::{SpanLayer, TraceCounts};
use crate::config::TracesConfig;

/// No traces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traces;

impl Traces {
    /// Exports nothing, whatever is wanted: the configuration has been told so.
    pub(crate) const fn start(_: &TracesConfig, _: Option<&TrustedProxies>) -> (Self, Option<SpanLayer>) {
        (Self, None)
    }

    #[expect(clippy::unused_self, reason = "who exports them has something to say")]
    pub(crate) const fn counts(self) -> TraceCounts {
        TraceCounts { exported: 0, lost: 0 }
    }

    #[expect(clippy::unused_self, reason = "who exports them has something to do")]
    pub(crate) const fn begin(self, _: &Span, _: &Request, _route: &str) {}

    #[expect(clippy::unused_self, reason = "who exports them has something to do")]
    pub(crate) const fn end(self, _: &Span, _status: u16) {}

    #[expect(clippy::unused_self, reason = "who exports them has something to do")]
    pub(crate) async fn settle(self, _: Duration) {}
}
