//! Where spans leave the program: what of them is wanted, whose trace they belong to, and the queue in which they wait for
//! [`batches`](super::batches). Nothing here waits for anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use cloakroom::TrustedProxies;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanLimits, SpanProcessor};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Span};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;

use super::batches::{Batches, WAITING_MAX};
use super::collector::Collector;
use super::{SpanLayer, TraceCounts};
use crate::config::TracesConfig;
use crate::telemetry::is_ours;

/// Most fields a span of ours has; links and events it has none.
const LIMITS: SpanLimits = SpanLimits {
    max_attributes_per_span: 16,
    max_events_per_span: 0,
    max_links_per_span: 0,
    max_attributes_per_event: 0,
    max_attributes_per_link: 0,
};

/// Traces on their way out, if anybody wants them. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traces(Option<Arc<Exported>>);

#[derive(Debug)]
struct Exported {
    counts: Arc<Counts>,
    /// Whose word counts on which trace a request belongs to.
    proxies: TrustedProxies,
    /// Wakes who sends, and is told when nothing waits any more.
    flush: mpsc::Sender<oneshot::Sender<()>>,
    /// Ends the export when it is dropped.
    _provider: SdkTracerProvider,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct Counts {
    exported: AtomicU64,
    lost: AtomicU64,
}

impl Counts {
    pub(super) fn exported(&self, spans: u64) {
        self.exported.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, spans: u64) {
        self.lost.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> TraceCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TraceCounts { exported: read(&self.exported), lost: read(&self.lost) }
    }
}

impl Traces {
    /// Begins to export, where that is configured, by a task of this runtime; with what has to be told of every span.
    pub(crate) fn start(config: &TracesConfig, proxies: Option<&TrustedProxies>) -> (Self, Option<SpanLayer>) {
        let Some(endpoint) = &config.endpoint else { return (Self(None), None) };
        let ((queue, waiting), (flush, flushes)) = (mpsc::channel(WAITING_MAX), mpsc::channel(1));
        let counts = Arc::<Counts>::default();
        let batches = Batches::new(waiting, flushes, Collector::new(endpoint), Arc::clone(&counts));
        drop(tokio::spawn(batches.run())); // it ends with the process
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample.get()))))
            .with_span_limits(LIMITS)
            .with_span_processor(Queue { queue, counts: Arc::clone(&counts) })
            .build();
        let layer = OpenTelemetryLayer::new(provider.tracer("cloakroom"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_context_activation(false)
            .with_filter(filter_fn(is_of_traces).with_max_level_hint(LevelFilter::DEBUG));
        let proxies = proxies.cloned().unwrap_or_default();
        let exported = Exported { counts, proxies, flush, _provider: provider };
        (Self(Some(Arc::new(exported))), Some(layer.boxed()))
    }

    /// What became of spans.
    pub(crate) fn counts(&self) -> TraceCounts {
        self.0.as_ref().map(|exported| exported.counts.read()).unwrap_or_default()
    }

    /// A request begins, in the trace that a trusted proxy names, else in one of its own; its log lines say which.
    pub(crate) fn begin(&self, span: &Span, request: &Request, route: &str) {
        let Some(exported) = &self.0 else { return };
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        if peer.is_some_and(|ConnectInfo(peer)| exported.proxies.is_trusted(peer.ip())) {
            let only = OnlyTraceparent(request.headers());
            let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &only);
            if parent.span().span_context().is_valid() {
                // A span that nobody wants has no parent either.
                let _unwanted = span.set_parent(parent);
            }
        }
        let context = span.context();
        span.record("trace_id", tracing::field::display(context.span().span_context().trace_id()));
        span.record("route", route);
    }

    /// A request was answered.
    pub(crate) fn end(&self, span: &Span, status: u16) {
        if self.0.is_some() {
            span.record("status", i64::from(status)); // a number outside only where it is signed
        }
    }

    /// Waits until everything that has ended was sent, but no longer than this.
    pub(crate) async fn settle(&self, within: Duration) {
        let Some(exported) = &self.0 else { return };
        let flushed = async {
            let (done, settled) = oneshot::channel();
            if exported.flush.send(done).await.is_ok() {
                let _ended = settled.await;
            }
        };
        if timeout(within, flushed).await.is_err() {
            tracing::warn!("the last traces were not taken in time");
        }
    }
}

/// Spans of our own crates, never their events: those may say whom they are about.
fn is_of_traces(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && is_ours(metadata.target()) && *metadata.level() <= LevelFilter::DEBUG
}

/// `traceparent`, where there is one, and nothing else: `tracestate` is anybody's text, and `baggage` is too.
struct OnlyTraceparent<'a>(&'a HeaderMap);

impl Extractor for OnlyTraceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key).iter();
        let (value, more) = (values.next()?, values.next());
        (key == "traceparent" && more.is_none()).then(|| value.to_str().ok()).flatten()
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// Takes spans that have ended, or counts them as lost: whoever ends one waits for nobody.
#[derive(Debug)]
struct Queue {
    queue: mpsc::Sender<SpanData>,
    counts: Arc<Counts>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.queue.try_send(span).is_err() {
            self.counts.lost(1);
        }
    }

    /// Asked by nobody: see [`Traces::settle`].
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_nobody_waits() {
        use opentelemetry::trace::Tracer as _;
        let (queue, mut waiting) = mpsc::channel(2);
        let counts = Arc::<Counts>::default();
        let processor = Queue { queue, counts: Arc::clone(&counts) };
        let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
        for _ in 0..5 {
            drop(provider.tracer("cloakroom").start("request")); // a span ends where it is dropped
        }
        assert_eq!(counts.read().lost, 3);
        assert!(waiting.try_recv().is_ok() && waiting.try_recv().is_ok() && waiting.try_recv().is_err());
    }

    #[test]
    fn of_what_a_proxy_sends_only_a_whole_traceparent_counts() {
        const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let of = |lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            let context =
                TraceContextPropagator::new().extract_with_context(&Context::new(), &OnlyTraceparent(&headers));
            let span = context.span().span_context().clone();
            (span.trace_id().to_string(), span.trace_state().header())
        };
        let none = ("0".repeat(32), String::new());
        let parent = ("4bf92f3577b34da6a3ce929d0e0e4736".to_owned(), String::new());
        assert_eq!(of(&[("traceparent", PARENT)]), parent);
        assert_eq!(of(&[("traceparent", PARENT), ("tracestate", "a=somebody's")]), parent);
        assert_eq!(of(&[("traceparent", PARENT), ("traceparent", PARENT)]), none);
        assert_eq!(of(&[("traceparent", &PARENT.replace("4bf9", "4BF9"))]), none);
        assert_eq!(of(&[("traceparent", "nonsense")]), none);
        assert_eq!(of(&[]), none);
    }
}
