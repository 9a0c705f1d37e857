//! What has to be asked of the database to be known: asked now and then in the background, so that looking at metrics costs it nothing.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloakroom_core::skew::Skew;

use super::text::{Text, number};
use crate::app::App;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(30);

/// What was measured last.
#[derive(Debug, Default)]
pub(crate) struct Measured(Mutex<Last>);

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    sessions: Option<u64>,
    skew: Option<Skew>,
}

impl Measured {
    /// The clocks were compared.
    pub(crate) fn note_skew(&self, skew: Skew) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).skew = Some(skew); // whole values
    }

    fn note_sessions(&self, sessions: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).sessions = Some(sessions);
    }

    pub(super) fn show(&self, to: &mut Text<'_>) -> fmt::Result {
        let Last { sessions, skew } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let help = "Sessions in the table, about, expired ones that are not purged included; NaN while unknown.";
        to.gauge("active_sessions", help, sessions.map_or(f64::NAN, number))?;
        let seconds = skew.map_or(f64::NAN, |skew| match skew {
            Skew::NoneProven => 0.0,
            Skew::Ahead(by) => by.as_secs_f64(),
            Skew::Behind(by) => -by.as_secs_f64(),
        });
        let help = "How far this clock is ahead of the database's at least, negative where it is behind; NaN where both are one.";
        to.gauge("clock_skew_seconds", help, seconds)
    }
}

/// Measures for as long as the process lives. A database that is away is asked again the next time.
pub(crate) async fn run(app: App) {
    let mut interval = tokio::time::interval(EVERY);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        if let Ok(sessions) = app.database().estimate_sessions().await {
            app.metrics().measured.note_sessions(sessions);
        }
        let asked = app.now();
        if let Ok(Some(time)) = app.database().ping().await {
            app.metrics().measured.note_skew(Skew::proven(asked, time, app.now()));
        }
    }
}
