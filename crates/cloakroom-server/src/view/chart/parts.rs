//! What adds up to something: numbers by time and part, and which reasons for an end are drawn as one part.

use cloakroom::{EndReason, Timestamp};

use crate::chart::SERIES_MAX;

/// What adds up to something, by time; `None` where nobody measured.
pub(super) struct Parts {
    pub(super) names: Vec<String>,
    pub(super) counted: Vec<(Timestamp, Option<Vec<u64>>)>,
}

impl Parts {
    /// Each part over all the time.
    pub(super) fn totals(&self) -> Vec<u64> {
        let mut totals = vec![0_u64; self.names.len()];
        for parts in self.counted.iter().filter_map(|(_, parts)| parts.as_ref()) {
            for (total, part) in totals.iter_mut().zip(parts) {
                *total = total.saturating_add(*part);
            }
        }
        totals
    }
}

/// The parts of what was counted in each bucket.
pub(super) fn map<T: Copy>(
    values: &[(Timestamp, Option<T>)],
    parts: impl Fn(T) -> Vec<u64>,
) -> Vec<(Timestamp, Option<Vec<u64>>)> {
    values.iter().map(|(at, value)| (*at, value.map(&parts))).collect()
}

/// Reasons that are drawn as one: more than a handful cannot be told from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndGroup {
    SignedOut,
    Expired,
    ByOwner,
    ByAdministrator,
    ByHand,
}

impl EndGroup {
    pub(super) const ALL: [Self; SERIES_MAX] =
        [Self::SignedOut, Self::Expired, Self::ByOwner, Self::ByAdministrator, Self::ByHand];

    pub(super) const fn of(reason: EndReason) -> Self {
        match reason {
            EndReason::Logout | EndReason::NewLogin => Self::SignedOut,
            EndReason::Idle | EndReason::Absolute => Self::Expired,
            EndReason::OtherDevice | EndReason::PasswordChanged | EndReason::OverCap => Self::ByOwner,
            EndReason::Administrator
            | EndReason::AccountDisabled
            | EndReason::AccountRemoved
            | EndReason::SubjectWide
            | EndReason::Everyone => Self::ByAdministrator,
            EndReason::ByHand => Self::ByHand,
        }
    }

    /// The key of its name.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::SignedOut => "chart-end-signed-out",
            Self::Expired => "chart-end-expired",
            Self::ByOwner => "chart-end-by-owner",
            Self::ByAdministrator => "chart-end-by-administrator",
            Self::ByHand => "chart-end-by-hand",
        }
    }
}
