//! Waiting until every instance refuses what a command ended, with a bar that shows how long yet.

use std::io::{self, Write as _};
use std::time::Duration;

use cloakroom::Validation;
use cloakroom::world::SystemClock;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Config;
use crate::exit::Failure;

/// How often the bar moves.
const STEP: Duration = Duration::from_millis(50);

/// Hints to the instances that something ended.
pub(super) async fn hint(database: &Database) {
    if let Err(error) = database.sessions().hint().await {
        tracing::debug!(%error, "the hint was lost");
    }
}

/// Hints to the instances that something ended, waits where they answer from memory, and says so.
///
/// # Errors
/// When standard output is closed.
pub(super) async fn wait(config: &Config, database: &Database) -> Result<(), Failure> {
    let Some(waited) = waited(config, database).await else { return Ok(()) };
    let seconds = waited.as_secs_f64();
    writeln!(io::stdout().lock(), "refused on every instance (waited {seconds:.1} s)")
        .map_err(|error| Failure::output(&error))
}

/// The same without a word; returns how long it waited, if it had to.
pub(super) async fn waited(config: &Config, database: &Database) -> Option<Duration> {
    hint(database).await;
    let Validation::Leased(terms) = config.validation else { return None };
    let (began, wait) = (SystemClock.steady(), terms.everywhere());
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let bar = ProgressBar::new(millis(wait));
    if let Ok(style) = ProgressStyle::with_template("until every instance refuses it {wide_bar} {eta}") {
        bar.set_style(style);
    }
    let mut waited = Duration::ZERO;
    while waited < wait {
        tokio::time::sleep(STEP.min(wait.saturating_sub(waited))).await;
        waited = SystemClock.steady().since(began);
        bar.set_position(millis(waited));
    }
    bar.finish_and_clear();
    Some(waited)
}
