//! What validation has done, counted for metrics. Hits are counted by the replica, where they cost nothing to others.

use std::sync::atomic::{AtomicU64, Ordering};

use cloakroom_core::ending::EndReason;

/// What validation of this process has done, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationCounts {
    /// Requests answered from memory.
    pub hits: u64,
    /// Times the database was asked for a session that could not be answered from memory.
    pub loads: u64,
    /// Requests that waited for a load somebody else had begun.
    pub joined: u64,
    /// Requests refused because the database could not be asked.
    pub unavailable: u64,
    /// Requests with a token of no session that is known.
    pub unknown: u64,
    /// Requests refused because their session had ended, by reason, in the order of [`EndReason::ALL`].
    pub refused: Vec<(EndReason, u64)>,
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Validations {
    loads: AtomicU64,
    joined: AtomicU64,
    unavailable: AtomicU64,
    unknown: AtomicU64,
    refused: [AtomicU64; EndReason::ALL.len()],
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Validations {
    pub(super) fn loaded(&self) {
        one_more(&self.loads);
    }

    pub(super) fn joined(&self) {
        one_more(&self.joined);
    }

    pub(super) fn unavailable(&self) {
        one_more(&self.unavailable);
    }

    pub(super) fn unknown(&self) {
        one_more(&self.unknown);
    }

    pub(super) fn refused(&self, reason: EndReason) {
        let mut with_reason = EndReason::ALL.iter().zip(&self.refused);
        if let Some((_, counter)) = with_reason.find(|(known, _)| **known == reason) {
            one_more(counter);
        }
    }

    pub(crate) fn read(&self, hits: u64) -> ValidationCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ValidationCounts {
            hits,
            loads: read(&self.loads),
            joined: read(&self.joined),
            unavailable: read(&self.unavailable),
            unknown: read(&self.unknown),
            refused: EndReason::ALL.iter().copied().zip(self.refused.iter().map(read)).collect(),
        }
    }
}
