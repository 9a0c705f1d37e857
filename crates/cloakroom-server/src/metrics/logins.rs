//! Logins by what came of them, and how long they took. Here alone is decided which code of a refusal is which outcome.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom::{Code, Latency};
use cloakroom_core::measurement::LoginOutcome;

use super::text::Text;

/// What comes of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Refused,
    Throttled,
    Overtaken,
    Busy,
    Unavailable,
}

impl Outcome {
    /// In the order of the counters.
    const ALL: [Self; 6] =
        [Self::Success, Self::Refused, Self::Throttled, Self::Overtaken, Self::Busy, Self::Unavailable];

    /// Of a login that was refused with this code, if it was.
    pub(crate) const fn of(refused: Option<Code>) -> Self {
        match refused {
            None => Self::Success,
            Some(Code::InvalidCredentials) => Self::Refused,
            Some(Code::Throttled) => Self::Throttled,
            Some(Code::SessionRevoked) => Self::Overtaken,
            Some(Code::Busy) => Self::Busy,
            Some(_) => Self::Unavailable,
        }
    }

    /// Which of the fewer that the charts show.
    pub(crate) const fn measured(self) -> LoginOutcome {
        match self {
            Self::Success => LoginOutcome::Succeeded,
            Self::Refused | Self::Overtaken => LoginOutcome::Refused,
            Self::Throttled => LoginOutcome::Throttled,
            Self::Busy | Self::Unavailable => LoginOutcome::Busy,
        }
    }

    /// Its label.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Throttled => "throttled",
            Self::Overtaken => "overtaken",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What came of logins.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    outcomes: [AtomicU64; Outcome::ALL.len()],
    latency: Latency,
}

impl Logins {
    /// A login ended so, and took so long.
    pub(crate) fn note(&self, outcome: Outcome, took: Duration) {
        let mut by_outcome = Outcome::ALL.into_iter().zip(&self.outcomes);
        if let Some((_, count)) = by_outcome.find(|(known, _)| *known == outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.latency.note(took);
    }

    pub(super) fn show(&self, to: &mut Text<'_>) -> fmt::Result {
        let by_outcome = Outcome::ALL.into_iter().zip(&self.outcomes);
        let counts =
            by_outcome.map(|(outcome, count)| ([("outcome", outcome.as_str())], count.load(Ordering::Relaxed)));
        to.counters("logins", "Attempts to log in with name and password, by what came of them.", counts)?;
        let help = "How long they took, waiting for a place among those that are hashed included.";
        to.latency("login_seconds", help, &self.latency.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_the_same_in_metrics_and_charts() {
        for (code, label, measured) in [
            (None, "success", LoginOutcome::Succeeded),
            (Some(Code::InvalidCredentials), "refused", LoginOutcome::Refused),
            (Some(Code::SessionRevoked), "overtaken", LoginOutcome::Refused),
            (Some(Code::Throttled), "throttled", LoginOutcome::Throttled),
            (Some(Code::Busy), "busy", LoginOutcome::Busy),
            (Some(Code::Unavailable), "unavailable", LoginOutcome::Busy),
            (Some(Code::Internal), "unavailable", LoginOutcome::Busy),
        ] {
            let outcome = Outcome::of(code);
            assert_eq!((outcome.as_str(), outcome.measured()), (label, measured), "{code:?}");
        }
    }
}
