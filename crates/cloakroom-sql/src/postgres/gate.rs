//! No storm of connections on a server that is gone: after one could not be made, one request at a time tries again, with a
//! pause after each that fails, and the others are refused at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cloakroom_core::store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::unavailable;

/// How long a server is left alone that could not be reached.
const PAUSE: Duration = Duration::from_millis(250);

/// Open as long as the server can be reached.
#[derive(Debug)]
pub(crate) struct Gate {
    is_shut: AtomicBool,
    /// Of those that come to a shut gate, one may try.
    trial: Arc<Semaphore>,
}

/// The leave to try. Dropped, somebody else has it.
pub(crate) struct Leave(Option<OwnedSemaphorePermit>);

impl Leave {
    /// Whether the server could not be reached a moment ago.
    pub(crate) const fn is_trial(&self) -> bool {
        self.0.is_some()
    }
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { is_shut: AtomicBool::new(false), trial: Arc::new(Semaphore::new(1)) }
    }

    /// Lets in whoever may try.
    pub(crate) fn enter(&self) -> Result<Leave, StoreError> {
        if !self.is_shut.load(Ordering::Relaxed) {
            return Ok(Leave(None));
        }
        let trial = Arc::clone(&self.trial).try_acquire_owned();
        trial.map(|trial| Leave(Some(trial))).map_err(|_| unavailable("the database could not be reached a moment ago"))
    }

    /// The server was reached.
    pub(crate) fn open(&self) {
        self.is_shut.store(false, Ordering::Relaxed);
    }

    /// The server could not be reached. The next request tries at once, because it may have been this one connection; where
    /// that fails as well, nobody tries for a while.
    pub(crate) fn shut(&self, leave: Leave) {
        self.is_shut.store(true, Ordering::Relaxed);
        if let Some(trial) = leave.0 {
            drop(tokio::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                drop(trial);
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_failure_lets_one_at_a_time_try_and_two_in_a_row_nobody_for_a_while() {
        let gate = Gate::new();
        let leaves = [gate.enter().unwrap(), gate.enter().unwrap()];
        assert!(leaves.iter().all(|leave| !leave.is_trial()), "open, it counts nobody");
        for leave in leaves {
            gate.shut(leave);
        }
        let trial = gate.enter().unwrap();
        assert!(trial.is_trial());
        assert!(gate.enter().is_err(), "one at a time");
        gate.shut(trial);
        assert!(gate.enter().is_err(), "and then nobody for a while");
        let mut again = gate.enter();
        while again.is_err() {
            tokio::task::yield_now().await;
            again = gate.enter();
        }
        gate.open();
        assert!(!gate.enter().unwrap().is_trial());
    }
}
