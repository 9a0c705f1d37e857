//! Which events are logged.

use tracing_subscriber::EnvFilter;

use super::super::show::quoted;
use super::{Raw, Setting};

/// Which events are logged, in the syntax of tracing-subscriber's `EnvFilter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// The default.
    pub(in crate::config) fn info() -> Self {
        Self("info".to_owned())
    }

    /// The directives; known to parse.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    const TYPE: &'static str = "filter";
    fn read(raw: &Raw) -> Option<Self> {
        let text = raw.text().filter(|text| !text.trim().is_empty())?;
        EnvFilter::try_new(text).ok().map(|_| Self(text.to_owned()))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}
