//! What schedules came past: so that nobody takes silence for safety.

use std::fmt;

/// Declares the counters.
macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What happened in schedules.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Coverage { $($(#[$doc])* pub $name: u64,)* }

        impl Coverage {
            /// Adds what happened in others.
            pub fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)*
            }

            /// Each counter with its name.
            pub fn counters(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

counters! {
    /// Schedules that ran to their end.
    schedules,
    /// Requests.
    requests,
    /// Served from memory.
    hits,
    /// Loads begun.
    loads,
    /// Requests that waited for a load under way.
    joined,
    /// Loads that found a usable record and raced with an ending.
    races,
    /// Requests whose load came too late to be served.
    late_loads,
    /// Requests refused.
    refusals,
    /// Requests without an answer.
    unavailable,
    /// Replies applied.
    polls,
    /// Replies that came too late or twice.
    late_polls,
    /// Times everything was dropped.
    emptied,
    /// Replies that could not name what they saw.
    lost_deltas,
    /// Hints.
    hints,
    /// Transactions that ended or changed sessions.
    endings,
    /// Times everywhere returned.
    everywhere,
    /// Batches of uses written.
    touches,
    /// Stops of one thread in the middle of a request.
    stalls,
    /// Stops of a process.
    pauses,
    /// Of these, with its whole machine.
    suspensions,
    /// Clocks set.
    clocks_set,
    /// Instances cut off from the database.
    cuts,
    /// Instances restarted.
    restarts,
    /// Databases restarted.
    database_restarts,
    /// Failovers to an older state, in a new history.
    failovers,
    /// Returns to an older state without saying so.
    rewinds,
    /// Purges of the feed.
    purges,
    /// Sessions that had to be served from memory in the end.
    checks,
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counters = self.counters();
        let shown = counters.iter().map(|(name, count)| format!("{} {count}", name.replace('_', " ")));
        f.write_str(&shown.collect::<Vec<_>>().join(", "))
    }
}
