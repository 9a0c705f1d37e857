//! How much a sweep would purge now: counted, for whoever wants to know before.

use cloakroom_core::event::EventId;
use cloakroom_core::time::Timestamp;

/// What is due, and from when on.
#[derive(Clone, Copy, Debug)]
pub struct Cutoffs {
    /// Sessions that ended by themselves before this time.
    pub ended_before: Timestamp,
    /// Endings from before this time.
    pub feed_before: Timestamp,
    /// Client facts of sessions created before this time.
    pub facts_before: Timestamp,
    /// Now: what counters of attempts are judged at.
    pub at: Timestamp,
    /// Most counters that stay.
    pub counters_max: u32,
    /// Events before this one.
    pub events_before: EventId,
    /// Most events that stay.
    pub events_max: u32,
}

/// How many rows of each are due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Expired sessions.
    pub sessions: u64,
    /// Endings of the feed.
    pub endings: u64,
    /// Sessions whose client facts are to be forgotten.
    pub facts: u64,
    /// Counters of attempts.
    pub counters: u64,
    /// Security events.
    pub events: u64,
}

/// Those that are old, and those that are more than a most without them.
pub(crate) fn with_those_over((all, old): (i64, i64), max: u32) -> u64 {
    let (all, old) = (all.unsigned_abs(), old.unsigned_abs());
    old + all.saturating_sub(old).saturating_sub(u64::from(max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_go_and_then_those_over_the_most() {
        for (rows, max, due) in [((0, 0), 5, 0), ((5, 0), 5, 0), ((7, 0), 5, 2), ((7, 4), 5, 4), ((7, 1), 5, 2)] {
            assert_eq!(with_those_over(rows, max), due, "{rows:?}");
        }
    }
}
