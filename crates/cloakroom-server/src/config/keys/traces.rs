//! `traces.*`: whom requests are shown to, step by step.

use super::super::types::{Share, TracesEndpoint};
use super::{Key, key};

pub(crate) static ENDPOINT: Key<Option<TracesEndpoint>> = key(
    "traces.endpoint",
    || None,
    "Where an OpenTelemetry collector takes traces (OTLP over HTTP). Not set: nothing is traced. Needs a program built with `--features otel`.",
);

pub(crate) static SAMPLE: Key<Share> = key(
    "traces.sample",
    || Share::ALL,
    "Which part of the traces that begin here is exported. What a trusted proxy has begun, it has chosen.",
);
