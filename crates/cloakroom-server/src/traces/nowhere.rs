//! Traces of a program that was built without their export: there are none.
#![expect(clippy::unused_self, reason = "who exports them has something to do")]

use std::future::{Ready, ready};
use std::time::Duration;

use axum::extract::Request;
use cloakroom::TrustedProxies;
use tracing::Span;

use super::{SpanLayer, TraceCounts};
use crate::config::TracesConfig;

/// No traces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(TraceCounts);

impl Traces {
    /// Exports nothing; whoever wanted it has been told by the configuration.
    pub(crate) fn start(_: &TracesConfig, _: Option<&TrustedProxies>) -> (Self, Option<SpanLayer>) {
        (Self::default(), None)
    }

    pub(crate) const fn counts(&self) -> TraceCounts {
        self.0
    }

    pub(crate) const fn begin(&self, _: &Span, _: &Request, _route: &str) {}

    pub(crate) const fn end(&self, _: &Span, _status: u16) {}

    pub(crate) fn settle(&self, _: Duration) -> Ready<()> {
        ready(())
    }
}
