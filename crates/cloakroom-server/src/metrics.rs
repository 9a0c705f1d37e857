//! `GET /metrics` on a listener of its own, in OpenMetrics text: what this process has counted. Every name is here and
//! nowhere else, and no label has a value that a request could choose.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom::{Code, FollowCounts, Validation};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::failure::Failure;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

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

/// What is counted elsewhere, read when somebody asks.
#[derive(Debug)]
struct Counts(App);

impl Collector for Counts {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let (sweep, database) = (self.0.sessions().sweep_counts(), self.0.database());
        let (lookups, writer) = (database.lookup_counts(), database.writer_counts());
        let counts = [
            ("touches", "Uses of sessions written.", sweep.touches),
            ("touches_refused", "Uses whose session was gone when they were to be written.", sweep.touches_refused),
            ("purged_sessions", "Expired sessions purged.", sweep.purged_sessions),
            ("purged_endings", "Endings purged from the feed.", sweep.purged_endings),
            ("scrubbed_sessions", "Sessions whose client facts were scrubbed.", sweep.scrubbed),
            ("lookups", "Token digests looked up.", lookups.lookups),
            ("lookup_statements", "Statements that looked them up.", lookups.statements),
            (
                "measurements_lost",
                "Five-minute counts for charts that could not be written.",
                self.0.measurements().lost(),
            ),
            ("events_lost", "Security events that are in the log only.", self.0.recorder().lost()),
            ("writer_commits", "Transactions of SQLite's writer.", writer.commits),
            ("writer_jobs", "Jobs those transactions had.", writer.jobs),
            ("writer_reopened", "Times SQLite's writer had to open the file again.", writer.reopened),
        ];
        counters(&mut to, &counts)?;
        self.validation(&mut to)?;
        let help = "Times the sweep failed, by what it was doing; it tries again.";
        let mut errors = to.encode_descriptor("sweep_errors", help, None, MetricType::Counter)?;
        for (task, value) in
            [("touch", sweep.touch_errors), ("purge", sweep.purge_errors), ("scrub", sweep.scrub_errors)]
        {
            labelled(&mut errors, ("task", task), value)?;
        }
        let pending = ConstGauge::new(i64::try_from(self.0.sessions().touches_pending()).unwrap_or(i64::MAX));
        let help = "Uses of sessions that wait in memory to be written.";
        pending.encode(to.encode_descriptor("touches_pending", help, None, pending.metric_type())?)
    }
}

impl Counts {
    /// How requests were validated, and how far behind the database this instance is.
    fn validation(&self, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (validation, follow) = (self.0.sessions().validation_counts(), self.0.sessions().follow_counts());
        let counts = [
            ("validation_hits", "Requests answered from memory.", validation.hits),
            ("validation_loads", "Times the database was asked for what memory could not answer.", validation.loads),
            ("validation_joined", "Requests that waited for a load another had begun.", validation.joined),
            ("feed_polls", "Polls of the feed that were answered.", follow.polls),
            ("feed_poll_errors", "Polls of the feed that failed or took too long.", follow.errors),
            ("feed_emptied", "Times everything held in memory was dropped.", follow.emptied),
        ];
        counters(to, &counts)?;
        let help = "Requests refused, by why.";
        let mut refused = to.encode_descriptor("validation_refused", help, None, MetricType::Counter)?;
        let others = [("unknown", validation.unknown), ("unavailable", validation.unavailable)];
        for (reason, value) in validation.refused.iter().map(|(reason, value)| (reason.as_str(), *value)).chain(others)
        {
            labelled(&mut refused, ("reason", reason), value)?;
        }
        let seconds = follow.lease_age.map_or(f64::INFINITY, |age| age.as_secs_f64());
        let lease = match self.0.sessions().validation() {
            Validation::Leased(terms) => terms.lease.as_secs_f64(),
            Validation::Strict => 0.0,
        };
        for (name, help, value) in [
            (
                "lease_age_seconds",
                "How long ago the poll began that renewed the lease; infinite before the first.",
                seconds,
            ),
            ("lease_seconds", "How long a lease lasts; 0 under strict validation.", lease),
            ("held_sessions", "Sessions held in memory.", count(follow.held)),
            ("waiting_connections", "Open connections that wait for the end of their session.", count(follow.waiting)),
        ] {
            let gauge = ConstGauge::new(value);
            gauge.encode(to.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        delays(&follow, to)
    }
}

/// Of counts that are small enough.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; nobody holds 2^53 sessions")]
const fn count(number: u64) -> f64 {
    number as f64
}

fn delays(follow: &FollowCounts, to: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "From an ending to the time it was seen here, between the two clocks.";
    let mut histogram = to.encode_descriptor("revocation_delay_seconds", help, None, MetricType::Histogram)?;
    let bound = |ms: Option<u64>| ms.map_or(f64::INFINITY, |ms| count(ms) / 1_000.0);
    let buckets: Vec<_> = follow.delays.iter().map(|(ms, counted)| (bound(*ms), *counted)).collect();
    let total = buckets.iter().map(|(_, counted)| counted).sum();
    histogram.encode_histogram::<NoLabelSet>(count(follow.delays_sum_ms) / 1_000.0, total, &buckets, None)
}

/// Each with its name and what it counts.
fn counters(to: &mut DescriptorEncoder<'_>, counts: &[(&str, &str, u64)]) -> fmt::Result {
    counts.iter().try_for_each(|(name, help, value)| {
        let counter = ConstCounter::new(*value);
        counter.encode(to.encode_descriptor(name, help, None, counter.metric_type())?)
    })
}

/// One counter of a family, by its label.
fn labelled(family: &mut MetricEncoder<'_>, label: (&'static str, &'static str), value: u64) -> fmt::Result {
    ConstCounter::new(value).encode(family.encode_family(&[label])?)
}
