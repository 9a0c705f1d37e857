//! Waiting until every instance refuses what a command ended, with a bar that shows how long yet.

use std::time::Duration;

use cloakroom::Validation;
use cloakroom::world::SystemClock;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use indicatif::{ProgressBar, ProgressStyle};

use super::voice::Voice;
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

/// As [`wait`], and says that it is done.
///
/// # Errors
/// When standard output is closed.
pub(super) async fn wait_and_say(config: &Config, database: &Database, voice: &Voice) -> Result<(), Failure> {
    match wait(config, database, voice).await {
        Some(waited) => voice.print("everywhere-done", &[("seconds", &format_args!("{:.1}", waited.as_secs_f64()))]),
        None => Ok(()),
    }
}

/// Hints to the instances that something ended, and waits where they answer from memory: returns for how long.
pub(super) async fn wait(config: &Config, database: &Database, voice: &Voice) -> Option<Duration> {
    hint(database).await;
    let Validation::Leased(terms) = config.validation else { return None };
    let (began, wait) = (SystemClock.steady(), terms.everywhere());
    let bar = ProgressBar::new(millis(wait));
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {eta}") {
        bar.set_style(style);
    }
    bar.set_message(voice.say("everywhere-waiting", &[]));
    let mut waited = Duration::ZERO;
    while waited < wait {
        tokio::time::sleep(STEP.min(wait.saturating_sub(waited))).await;
        waited = SystemClock.steady().since(began);
        bar.set_position(millis(waited));
    }
    bar.finish_and_clear();
    Some(waited)
}

/// A span as JSON has it.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
