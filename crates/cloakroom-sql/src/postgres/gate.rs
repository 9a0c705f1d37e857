//! No storm of connections on a server that is gone: after one could not be made, one request at a time tries again, after a
//! pause, and the others are refused at once.

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

    /// The server could not be reached: nobody tries for a while.
    pub(crate) fn shut(&self, leave: Leave) {
        self.is_shut.store(true, Ordering::Relaxed);
        if let Some(trial) = leave.0.or_else(|| Arc::clone(&self.trial).try_acquire_owned().ok()) {
            drop(tokio::spawn(async move {
                tokio::time::sleep(PAUSE).await;
                drop(trial);
            }));
        }
    }
}
