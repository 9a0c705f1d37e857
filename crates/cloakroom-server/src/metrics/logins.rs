//! Logins by what came of them, and how long they took.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::{Code, Latency};

use super::text::Text;

/// What comes of a login, in the order of the counters.
const OUTCOMES: [&str; 6] = ["success", "refused", "throttled", "overtaken", "busy", "unavailable"];

/// What came of logins.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    outcomes: [AtomicU64; OUTCOMES.len()],
    latency: Latency,
}

impl Logins {
    /// A login took so long, and was refused with this code, if it was.
    pub(crate) fn note(&self, refused: Option<Code>, took: Duration) {
        let outcome = match refused {
            None => "success",
            Some(Code::InvalidCredentials) => "refused",
            Some(Code::Throttled) => "throttled",
            Some(Code::SessionRevoked) => "overtaken",
            Some(Code::Busy) => "busy",
            Some(_) => "unavailable",
        };
        let mut by_outcome = OUTCOMES.iter().zip(&self.outcomes);
        if let Some((_, count)) = by_outcome.find(|(known, _)| **known == outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.latency.note(took);
    }

    pub(super) fn show(&self, to: &mut Text<'_>) -> fmt::Result {
        let by_outcome = OUTCOMES.iter().zip(&self.outcomes);
        let counts = by_outcome.map(|(outcome, count)| ([("outcome", *outcome)], count.load(Ordering::Relaxed)));
        to.counters("logins", "Attempts to log in with name and password, by what came of them.", counts)?;
        let help = "How long they took, waiting for a place among those that are hashed included.";
        to.latency("login_seconds", help, &self.latency.read())
    }
}
