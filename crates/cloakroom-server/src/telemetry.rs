//! The log: one subscriber, on stderr. What is never logged is listed in `docs/logging.md`.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::config::{LogConfig, LogFormat};
use crate::exit::Failure;

/// Starts logging for the rest of the process.
///
/// # Errors
/// When it was started before, or the filter does not parse (which the configuration has made sure of).
pub(crate) fn start(config: &LogConfig) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(config.filter.as_str())
        .map_err(|error| Failure::say("log-filter-wrong", &[("cause", &error)]))?;
    // Below info, libraries write statements, headers and frames: places where a token may be.
    let ours_or_info = filter_fn(|event| may_be_logged(event.target(), *event.level()));
    let filter = filter.and(ours_or_info);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = match config.format {
        LogFormat::Text => lines.with_ansi(io::stderr().is_terminal()).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    };
    Registry::default().with(layer).try_init().map_err(|error| Failure::say("log-not-started", &[("cause", &error)]))
}

/// Our own crates may say everything they are asked for; others nothing below info.
fn may_be_logged(target: &str, level: tracing::Level) -> bool {
    let is_ours = target == "cloakroom" || target.starts_with("cloakroom::") || target.starts_with("cloakroom_");
    is_ours || level <= LevelFilter::INFO
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
