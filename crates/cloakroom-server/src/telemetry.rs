//! The log: one subscriber, on stderr. What is never logged is listed in `docs/logging.md`. A log that cannot be written stops nobody: what
//! is lost of it is counted.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::config::{LogConfig, LogFormat};
use crate::exit::Failure;
use crate::traces::SpanLayer;

/// Starts logging for the rest of the process, beside what takes spans for traces.
///
/// # Errors
/// When it was started before, or the filter does not parse (which the configuration has made sure of).
pub(crate) fn start(config: &LogConfig, spans: Option<SpanLayer>) -> Result<LogLines, Failure> {
    let filter = EnvFilter::try_new(config.filter.as_str())
        .map_err(|error| Failure::say("log-filter-wrong", &[("cause", &error)]))?;
    // Below info, libraries write statements, headers and frames: places where a token may be.
    let ours_or_info = filter_fn(|metadata| {
        may_be_logged(metadata.target(), *metadata.level()) && (metadata.is_event() || !is_step(metadata))
    });
    let filter = filter.and(ours_or_info);
    let (log, is_terminal) = (LogLines::default(), io::stderr().is_terminal());
    // What cannot be written there cannot be complained about there either.
    let lines = tracing_subscriber::fmt::layer().with_writer(log.clone()).log_internal_errors(false);
    let layer = match config.format {
        LogFormat::Auto if !is_terminal => lines.json().flatten_event(true).with_filter(filter).boxed(),
        LogFormat::Auto | LogFormat::Text => lines.with_ansi(is_terminal).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    Registry::default()
        .with(spans.into_iter().chain([layer]).collect::<Vec<_>>())
        .try_init()
        .map_err(|error| Failure::say("log-not-started", &[("cause", &error)]))?;
    Ok(log)
}

/// The lines of the log, on their way to stderr. Clones count together.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogLines {
    lost: Arc<AtomicU64>,
}

impl LogLines {
    /// How many could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl MakeWriter<'_> for LogLines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // One line, one call. Part of a line would be counted as lost and stay.
        io::stderr().lock().write_all(line).inspect_err(|_| {
            self.lost.fetch_add(1, Ordering::Relaxed);
        })?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Our own crates may say everything they are asked for; others nothing below info.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    is_ours(target) || level <= LevelFilter::INFO
}

/// Whether it is said by one of our own crates.
pub(crate) fn is_ours(target: &str) -> bool {
    target == "cloakroom" || target.starts_with("cloakroom::") || target.starts_with("cloakroom_")
}

/// Whether a span is a step of something, which is for traces alone: a line of the log is within its request, and nothing else.
fn is_step(span: &Metadata<'_>) -> bool {
    *span.level() > LevelFilter::INFO
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn libraries_are_held_at_info() {
        for (target, level, logged) in [
            ("cloakroom", Level::TRACE, true),
            ("cloakroom::app", Level::TRACE, true),
            ("cloakroom_sql::open", Level::DEBUG, true),
            ("cloakroomish", Level::DEBUG, false),
            ("sqlx::query", Level::DEBUG, false),
            ("hyper::proto", Level::TRACE, false),
            ("sqlx::query", Level::WARN, true),
            ("h2", Level::INFO, true),
        ] {
            assert_eq!(may_be_logged(target, level), logged, "{target} {level}");
        }
    }
}
