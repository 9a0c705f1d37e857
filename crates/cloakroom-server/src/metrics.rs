//! `GET /metrics` on a listener of its own, in OpenMetrics text: what this process has counted. Every name is here or below and
//! nowhere else, is described in `docs/metrics.md`, and has no label that a request could choose.

mod database;
mod http;
mod logins;
mod measured;
mod sweep;
mod text;
mod validation;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom::{Code, Validation};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::failure::Failure;
use text::{Text, number};

pub(crate) use http::count;
pub(crate) use logins::Outcome;
pub(crate) use measured::run as measure;
pub(crate) use sweep::OwnTask;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the server counts itself; the rest is counted where it happens, and read when somebody asks.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: http::Requests,
    pub(crate) logins: logins::Logins,
    pub(crate) measured: measured::Measured,
    pub(crate) sweep: sweep::OwnSweep,
}

/// The one route. It needs no session and shows none.
pub(crate) fn router(app: App) -> Router {
    let mut registry = Registry::with_prefix("cloakroom");
    registry.register_collector(Box::new(Counts(app)));
    Router::new().route("/metrics", get(show)).with_state(Arc::new(registry))
}

async fn show(State(registry): State<Arc<Registry>>) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(fmt::Error) => Failure::of(Code::Internal).into_response(),
    }
}

#[derive(Debug)]
struct Counts(App);

impl Collector for Counts {
    fn encode(&self, to: DescriptorEncoder<'_>) -> fmt::Result {
        let (app, mut to) = (&self.0, Text(to));
        build(app, &mut to)?;
        app.metrics().requests.show(&mut to)?;
        app.metrics().logins.show(&mut to)?;
        hashing(app, &mut to)?;
        validation::show(app, &mut to)?;
        app.metrics().measured.show(&mut to)?;
        database::show(app, &mut to)?;
        sweep::show(app, &mut to)?;
        let help = "Five-minute counts for charts that could not be written.";
        to.counter("measurements_lost", help, app.measurements().lost())?;
        to.counter("events_lost", "Security events that are in the log only.", app.recorder().lost())?;
        to.counter("log_lines_lost", "Lines of the log that could not be written.", app.log().lost())?;
        let spans = app.traces().counts();
        to.counter("trace_spans_exported", "Spans of traces that the collector has taken.", spans.exported)?;
        to.counter("trace_spans_lost", "Spans of traces that nobody has taken.", spans.lost)
    }
}

/// What this is: always 1, told apart by its labels.
fn build(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("database", if app.database().is_file() { "sqlite" } else { "postgres" }),
        ("validation", if matches!(app.sessions().validation(), Validation::Strict) { "strict" } else { "leased" }),
    ];
    to.gauges("build_info", "Which version this is, and how it is set up; always 1.", [(labels, 1.0)])
}

/// Passwords that are hashed, and those that wait for it.
fn hashing(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let counts = app.hashing().counts();
    to.gauge("hashing_running", "Passwords that are hashed now.", number(counts.running))?;
    to.gauge("hashing_waiting", "Passwords that wait for it.", number(counts.waiting))?;
    to.counter("hashing_refused", "Passwords refused because too many waited.", counts.refused)
}
