//! What whoever traces is shown of a request and of the sweep: every span, and every field it can have. Values are words of the program,
//! flags and counts: never a token, a digest, a subject, an id or a path.
//!
//! They are below `info`: where nobody traces, a span is one comparison and nothing else.

use tracing::field::Empty;
use tracing::{Span, debug_span};

/// A request that the store, or a load under way, has to be waited for.
pub(crate) fn validation(is_strict: bool) -> Span {
    debug_span!("validate", strict = is_strict, outcome = Empty)
}

/// One call of the store that writes, or that a login begins with.
pub(crate) fn store(operation: &'static str) -> Span {
    debug_span!("store", operation)
}

/// One run of the sweep. Rows are recorded signed: OpenTelemetry has no other integers.
pub(crate) fn sweep(task: &'static str) -> Span {
    debug_span!("sweep", task, rows = Empty)
}
