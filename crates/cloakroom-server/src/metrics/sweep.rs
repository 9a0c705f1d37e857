//! What the sweep has done: rows, errors, and its last runs.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom::SweepRun;

use super::text::{Text, number};
use crate::app::App;

/// What only the server sweeps.
#[derive(Debug, Default)]
pub(crate) struct OwnSweep(Mutex<[(SweepRun, u64); 2]>);

/// One of them.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum OwnTask {
    Counters,
    Events,
}

impl OwnTask {
    /// The word for it, in metrics and traces.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Counters => "counters",
            Self::Events => "events",
        }
    }
}

impl OwnSweep {
    fn runs(&self) -> MutexGuard<'_, [(SweepRun, u64); 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // whole values
    }

    /// A run is over.
    pub(crate) fn note(&self, task: OwnTask, run: SweepRun, failed: bool) {
        if let Some((last, errors)) = self.runs().get_mut(task as usize) {
            *last = run;
            *errors += u64::from(failed);
        }
    }
}

pub(super) fn show(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let counts = app.sessions().sweep_counts();
    for (name, help, value) in [
        ("touches", "Uses of sessions written.", counts.touches),
        ("touches_refused", "Uses whose session was gone when they were to be written.", counts.touches_refused),
        ("purged_sessions", "Expired sessions purged.", counts.purged_sessions),
        ("purged_endings", "Endings purged from the feed.", counts.purged_endings),
        ("scrubbed_sessions", "Sessions whose client facts were scrubbed.", counts.scrubbed),
    ] {
        to.counter(name, help, value)?;
    }
    let pending = u64::try_from(app.sessions().touches_pending()).unwrap_or(u64::MAX);
    to.gauge("touches_pending", "Uses of sessions that wait in memory to be written.", number(pending))?;
    let own = *app.metrics().sweep.runs();
    let [(counters, counter_errors), (events, event_errors)] = own;
    let tasks = [
        ("touch", counts.touch_run, counts.touch_errors),
        ("purge", counts.purge_run, counts.purge_errors),
        ("scrub", counts.scrub_run, counts.scrub_errors),
        (OwnTask::Counters.word(), counters, counter_errors),
        (OwnTask::Events.word(), events, event_errors),
    ];
    let help = "Times the sweep failed, by what it was doing; it tries again.";
    to.counters("sweep_errors", help, tasks.map(|(task, _, errors)| ([("task", task)], errors)))?;
    let at = |run: SweepRun| run.at.map_or(0.0, |at| number(u64::try_from(at.as_millis()).unwrap_or(0)) / 1_000.0);
    let help = "When the sweep last did this, in seconds since 1970; 0 before the first time.";
    to.gauges("sweep_last_seconds", help, tasks.map(|(task, run, _)| ([("task", task)], at(run))))?;
    let took = |run: SweepRun| run.took.as_secs_f64();
    let help = "How long that took.";
    to.gauges("sweep_last_duration_seconds", help, tasks.map(|(task, run, _)| ([("task", task)], took(run))))?;
    let help = "How many rows that changed.";
    to.gauges("sweep_last_rows", help, tasks.map(|(task, run, _)| ([("task", task)], number(run.rows))))
}
