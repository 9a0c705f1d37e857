//! What validation has done, counted for metrics. Hits are counted by the replica, where they cost nothing to others; what is counted
//! here of requests that are answered at once is counted apart by digest, so that processors do not fight for one counter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::token::TokenDigest;

use crate::latency::{Latency, LatencyCounts};
use crate::principal::Outcome;

/// Counters for one thing.
const STRIPES: usize = 16;
/// Of requests that the store answers at once, one in so many is timed.
const SAMPLE: u64 = 64;

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
    /// Every request, by how it was validated and what came of it; always the same words in the same order.
    pub requests: Vec<RequestCount>,
    /// How long the database kept requests waiting, under strict validation and where memory could not answer. Of those it answers at
    /// once every 64th is timed, and stands for all of them. What is answered from memory is not in it.
    pub latency: LatencyCounts,
}

/// How many requests were validated in one way, with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCount {
    /// `strict` or `leased`.
    pub mode: &'static str,
    /// `active`, `anonymous`, `ended` or `unavailable`.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}

const MODES: [&str; 2] = ["strict", "leased"];
const OUTCOMES: [&str; 4] = ["active", "anonymous", "ended", "unavailable"];

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(crate) struct Validations {
    loads: AtomicU64,
    joined: AtomicU64,
    unavailable: AtomicU64,
    unknown: AtomicU64,
    refused: [AtomicU64; EndReason::ALL.len()],
    /// Requests that had to wait.
    waited: [[AtomicU64; OUTCOMES.len()]; MODES.len()],
    /// Requests the store answered at once, by the digest.
    at_once: [Stripe; STRIPES],
    /// Hits of the replica that were no answer to a request by themselves.
    side_hits: AtomicU64,
    latency: Latency,
}

#[repr(align(128))]
#[derive(Debug, Default)]
struct Stripe(AtomicU64);

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

    /// A hit of the replica that does not answer a request at once.
    pub(super) fn hit_aside(&self) {
        one_more(&self.side_hits);
    }

    /// A request that had to wait, whatever for.
    pub(super) fn waited(&self, is_strict: bool, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Active(_) => 0,
            Outcome::Anonymous => 1,
            Outcome::Ended(_) => 2,
            Outcome::Unavailable => 3,
        };
        if let Some(counter) = self.waited.get(usize::from(!is_strict)).and_then(|counters| counters.get(outcome)) {
            one_more(counter);
        }
    }

    /// Whether the next request with this digest is to be timed.
    pub(super) fn is_sample(&self, digest: &TokenDigest) -> bool {
        self.stripe(digest).is_some_and(|stripe| stripe.load(Ordering::Relaxed) % SAMPLE == 0)
    }

    /// The store answered a request at once.
    pub(super) fn answered_at_once(&self, digest: &TokenDigest, took: Option<Duration>) {
        self.stripe(digest).inspect(|stripe| one_more(stripe));
        if let Some(took) = took {
            self.latency.note_many(took, SAMPLE);
        }
    }

    /// The database kept a request waiting for so long.
    pub(super) fn took(&self, time: Duration) {
        self.latency.note(time);
    }

    fn stripe(&self, digest: &TokenDigest) -> Option<&AtomicU64> {
        self.at_once.get(usize::from(digest.as_bytes()[31]) % STRIPES).map(|Stripe(counter)| counter)
    }

    pub(crate) fn read(&self, hits: u64, is_strict: bool) -> ValidationCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let at_once = if is_strict {
            self.at_once.iter().map(|Stripe(counter)| read(counter)).sum()
        } else {
            hits.saturating_sub(read(&self.side_hits)) // counted after the hit it stands for
        };
        let mut requests = Vec::with_capacity(MODES.len() * OUTCOMES.len());
        for (mode, waited) in MODES.into_iter().zip(&self.waited) {
            for (outcome, waited) in OUTCOMES.into_iter().zip(waited) {
                let is_at_once = outcome == "active" && (mode == "strict") == is_strict;
                let count = read(waited) + if is_at_once { at_once } else { 0 };
                requests.push(RequestCount { mode, outcome, count });
            }
        }
        ValidationCounts {
            hits,
            loads: read(&self.loads),
            joined: read(&self.joined),
            unavailable: read(&self.unavailable),
            unknown: read(&self.unknown),
            refused: EndReason::ALL.iter().copied().zip(self.refused.iter().map(read)).collect(),
            requests,
            latency: self.latency.read(),
        }
    }
}
