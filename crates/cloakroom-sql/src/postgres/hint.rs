//! Hinting to other instances that there is something to poll: by itself, after the commit, and never more than one at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use cloakroom_core::store::StoreError;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::database::PostgresDatabase;
use super::statements::HINT;
use crate::error::unavailable;

const IDLE: u8 = 0;
const UNDER_WAY: u8 = 1;
/// One is under way, and was perhaps sent too early for who asked since.
const ONE_MORE: u8 = 2;

/// What this process is hinting.
#[derive(Debug, Default)]
pub(crate) struct Hints {
    state: AtomicU8,
    settled: Notify,
}

/// How long whoever closes the database waits for the last hint.
const SETTLE_MAX: Duration = Duration::from_secs(1);

impl Hints {
    /// Whether whoever asks has to send one.
    fn ask(&self) -> bool {
        let next = |state| Some(if state == IDLE { UNDER_WAY } else { ONE_MORE });
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) == Ok(IDLE)
    }

    /// One is sent: whether one more has to be.
    fn is_asked_again(&self) -> bool {
        let next = |state| Some(if state == ONE_MORE { UNDER_WAY } else { IDLE });
        let is_asked = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, next) == Ok(ONE_MORE);
        if !is_asked {
            self.settled.notify_waiters();
        }
        is_asked
    }

    /// Returns when none is under way: before the database is closed under it.
    pub(crate) async fn settle(&self) {
        let settling = async {
            loop {
                let settled = self.settled.notified(); // before the state is read, or it could be missed
                if self.state.load(Ordering::Acquire) == IDLE {
                    return;
                }
                settled.await;
            }
        };
        // A hint is only a hint.
        let _ = timeout(SETTLE_MAX, settling).await;
    }
}

/// Whose turn it is to hint. Given back where the runtime ends in the middle of it, or nobody would hint any more.
struct Turn {
    hints: Arc<Hints>,
    is_over: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.hints.state.store(IDLE, Ordering::Release);
            self.hints.settled.notify_waiters();
        }
    }
}

impl PostgresDatabase {
    /// Hands a hint over; one that cannot be sent is lost, and says so in the log.
    pub(crate) fn hand_over_hint(&self) -> Result<(), StoreError> {
        let runtime = Handle::try_current().map_err(|_| unavailable("there is no runtime to hint in"))?;
        if self.hints().ask() {
            runtime.spawn(hint(self.clone()));
        }
        Ok(())
    }
}

async fn hint(database: PostgresDatabase) {
    let mut turn = Turn { hints: Arc::clone(database.hints()), is_over: false };
    while !turn.is_over {
        if let Err(error) = database.execute(sqlx::query(HINT)).await {
            tracing::debug!(%error, "other instances get no hint and find out at their next poll");
        }
        turn.is_over = !turn.hints.is_asked_again();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_one_more_after_it() {
        let hints = Hints::default();
        assert!(hints.ask());
        assert!(!hints.is_asked_again(), "nobody asked since");
        assert!(hints.ask());
        assert!(!hints.ask() && !hints.ask(), "one is under way");
        assert!(hints.is_asked_again(), "which may have been too early for those");
        assert!(!hints.is_asked_again(), "one for both of them");
        assert!(hints.ask());
    }

    #[test]
    fn a_turn_that_is_cut_short_is_given_back() {
        let hints = Arc::new(Hints::default());
        assert!(hints.ask() && !hints.ask());
        drop(Turn { hints: Arc::clone(&hints), is_over: false });
        assert!(hints.ask());
        drop(Turn { hints: Arc::clone(&hints), is_over: true });
        assert!(!hints.ask(), "whoever has the turn by now keeps it");
    }
}
