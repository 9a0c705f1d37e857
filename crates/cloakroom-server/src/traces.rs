//! Traces: the spans of requests and of work in the background, on their way to an OpenTelemetry collector where somebody wants them.
//!
//! Which spans and fields there are is said where they begin: [`request_id`](crate::request_id), [`hashing`](crate::hashing),
//! [`sweep`](crate::sweep), [`store`] and the library's `spans`. What of them leaves the process is a closed list, `traces/names.rs`.
//! Built without the feature `otel` nothing is traced, and nothing of it costs anything.

#[cfg(feature = "otel")]
mod batches;
#[cfg(feature = "otel")]
mod collector;
#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod names;
#[cfg(not(feature = "otel"))]
mod nowhere;

#[cfg(feature = "otel")]
pub(crate) use export::Traces;
#[cfg(not(feature = "otel"))]
pub(crate) use nowhere::Traces;

use tracing::{Span, debug_span};
use tracing_subscriber::{Layer, Registry};

/// What takes spans from the program.
pub(crate) type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What became of spans, since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TraceCounts {
    /// The collector has taken them.
    pub(crate) exported: u64,
    /// Nobody has: too many waited, or the collector did not answer well.
    pub(crate) lost: u64,
}

/// A statement or a transaction of the accounts' store.
pub(crate) fn store(operation: &'static str) -> Span {
    debug_span!("store", operation)
}
