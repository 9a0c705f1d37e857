//! Lookups by token digest: one at a time while there are few, many in one statement once there are more.
//!
//! A few lanes, each a task with a connection of its own, take what waits and send it as one statement. A request joins
//! only what has not been sent, so the answer is never older than the request (G5), and nothing waits on purpose: a lane lets
//! the tasks that can run go first, which takes no time where there are none. Here is what waits and who may send it;
//! [`lane`] has the sending.

mod lane;

use std::collections::{HashMap, VecDeque};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::token::TokenDigest;
use sqlx::postgres::{PgConnectOptions, PgRow};
use tokio::sync::{Notify, oneshot};

use crate::counts::{LookupCounts, PoolCounts};
use crate::error::{SharedCause, unavailable};
use lane::Lane;

/// Most lookups in one statement: bounds how long the first waits for the last.
const BATCH_MAX: usize = 128;
/// With fewer lookups than this on their way, each goes out at once.
const FEW: usize = 4;
/// With more, so many statements at once, and what comes meanwhile shares the next one: one for each processor here, within
/// these bounds. Two were best on two processors, four on four.
const STATEMENTS: (usize, usize) = (2, 4);

/// What is looked up, and how a row of the answer is read.
pub(crate) struct Question<V> {
    /// Takes the digests as `$1` and gives rows with a `token_digest` each, at most one per digest.
    pub(crate) statement: &'static str,
    pub(crate) read: fn(&PgRow) -> Result<V, StoreError>,
}

/// What waiting is bounded by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many lookups may wait to be sent.
    pub(crate) waiting: usize,
    /// How long the server may take to answer.
    pub(crate) answer: Duration,
}

/// The way in. Clones share it; the lanes end with the last one.
pub(crate) struct Lookups<V: Send + 'static> {
    open: Arc<Open<V>>,
}

type Answer<V> = Result<Option<V>, StoreError>;
type Asker<V> = oneshot::Sender<Answer<V>>;

struct Queue<V> {
    state: Mutex<State<V>>,
    wake: Notify,
    limits: Limits,
    statements_under_load: usize,
}

struct State<V> {
    waiting: VecDeque<(TokenDigest, Asker<V>)>,
    load: Load,
    reach: Reach,
    counts: LookupCounts,
    is_closed: bool,
}

/// How much is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Load {
    statements: usize,
    lookups: usize,
}

impl Load {
    /// Whether one more statement helps: always while there is little, and up to a few under load, when sharing the next
    /// statement is cheaper for everybody.
    const fn has_room(self, statements_under_load: usize) -> bool {
        self.statements < statements_under_load || self.lookups < FEW
    }
}

/// How the server can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reach {
    /// Lanes with a connection.
    connected: usize,
    /// While no lane has one, a single lane tries: a server that is down is not stormed.
    is_tried: bool,
}

impl Reach {
    const fn may_connect(self) -> bool {
        self.connected > 0 || !self.is_tried
    }
}

/// Who asked for which digest, in one statement.
struct Batch<V> {
    askers: HashMap<TokenDigest, Vec<Asker<V>>>,
}

/// What there is for a lane to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Connect,
    Send,
    Rest,
    End,
}

/// Dropped with the last handle, which ends the lanes.
struct Open<V>(Arc<Queue<V>>);

impl<V> Drop for Open<V> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<V: Clone + Send + 'static> Lookups<V> {
    /// Starts `lanes` tasks, which connect when they are first needed.
    pub(crate) fn start(
        question: &'static Question<V>,
        options: &PgConnectOptions,
        lanes: u32,
        limits: Limits,
    ) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            load: Load::default(),
            reach: Reach::default(),
            counts: LookupCounts::default(),
            is_closed: false,
        };
        let processors = available_parallelism().map_or(1, NonZero::get);
        let statements_under_load = processors.clamp(STATEMENTS.0, STATEMENTS.1);
        let queue = Arc::new(Queue { state: Mutex::new(state), wake: Notify::new(), limits, statements_under_load });
        for _ in 0..lanes {
            let lane = Lane::new(question, options.clone(), Arc::clone(&queue));
            drop(tokio::spawn(lane.serve())); // it ends when the queue is closed
        }
        Self { open: Arc::new(Open(queue)) }
    }

    /// Looks up one digest. Dropping the future costs its batch nothing.
    pub(crate) async fn find(&self, digest: TokenDigest) -> Answer<V> {
        let (queue, (asker, answer)) = (&self.open.0, oneshot::channel());
        {
            let mut state = queue.state();
            if state.is_closed {
                return Err(unavailable("the database is closed"));
            }
            if state.waiting.len() >= queue.limits.waiting {
                return Err(StoreError::caused(StoreErrorKind::Busy, "too many lookups wait"));
            }
            state.waiting.push_back((digest, asker));
        }
        // The lane that rested last: at low load one connection does all of it, and is warm.
        queue.wake.notify_last();
        answer.await.unwrap_or_else(|_| Err(unavailable("the lookup was given up")))
    }

    /// How many statements were sent, and for how many lookups.
    pub(crate) fn counts(&self) -> LookupCounts {
        self.open.0.state().counts
    }

    /// What the lanes and who waits for them are doing.
    pub(crate) fn pool_counts(&self) -> PoolCounts {
        let state = self.open.0.state();
        let (connected, in_use) = (state.reach.connected as u64, state.load.statements as u64);
        PoolCounts {
            name: "lookups",
            in_use,
            idle: connected.saturating_sub(in_use),
            waiting: Some(state.waiting.len() as u64),
            taken: state.counts.statements,
        }
    }

    /// Refuses what comes, and lets what is on its way finish.
    pub(crate) fn close(&self) {
        self.open.0.close();
    }
}

impl<V: Send + 'static> Clone for Lookups<V> {
    fn clone(&self) -> Self {
        Self { open: Arc::clone(&self.open) }
    }
}

impl<V: Send + 'static> std::fmt::Debug for Lookups<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.open.0.state();
        f.debug_struct("Lookups")
            .field("waiting", &state.waiting.len())
            .field("load", &state.load)
            .finish_non_exhaustive()
    }
}

impl<V> Queue<V> {
    fn state(&self) -> MutexGuard<'_, State<V>> {
        // Nothing in between can panic and leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_waiters();
        self.wake.notify_one(); // for a lane that is about to wait
    }

    /// What a lane is to do next.
    fn task(&self, is_connected: bool) -> Task {
        let mut state = self.state();
        let task = state.task(is_connected, self.statements_under_load);
        if task == Task::Connect {
            state.reach.is_tried = state.reach.connected == 0;
            if state.reach.connected > 0 {
                self.wake.notify_last(); // who is connected already may be quicker
            }
        }
        drop(state);
        if task == Task::End {
            self.wake.notify_one(); // the next lane ends as well
        }
        task
    }

    /// Takes what waits now. Nobody joins it afterwards.
    fn take(&self) -> Option<Batch<V>> {
        let mut state = self.state();
        let batch = state.take(self.statements_under_load)?;
        if !state.waiting.is_empty() {
            self.wake.notify_last();
        }
        Some(batch)
    }

    fn is_done(&self, lookups: usize) {
        let mut state = self.state();
        state.load.statements -= 1;
        state.load.lookups -= lookups;
    }

    /// A lane has connected: the others may, where there is more to do.
    fn is_connected(&self) {
        let mut state = self.state();
        state.reach = Reach { connected: state.reach.connected + 1, is_tried: false };
        if !state.waiting.is_empty() {
            self.wake.notify_waiters();
        }
    }

    fn is_cut(&self) {
        self.state().reach.connected -= 1;
    }

    /// A lane could not connect. Where no other is connected, whoever waits has waited long enough.
    fn is_unreachable(&self, cause: &SharedCause) {
        let refused = {
            let mut state = self.state();
            if state.reach.connected > 0 { VecDeque::new() } else { std::mem::take(&mut state.waiting) }
        };
        tracing::warn!(%cause, refused = refused.len(), "no connection for lookups");
        for (_, asker) in refused {
            asker.send(Err(cause.error())).ok(); // who asked may have gone away
        }
    }

    /// The lane that tried has paused, and lets the next one try.
    fn may_be_tried(&self) {
        let mut state = self.state();
        state.reach.is_tried = false;
        if !state.waiting.is_empty() {
            self.wake.notify_last();
        }
    }
}

impl<V> State<V> {
    fn task(&self, is_connected: bool, statements_under_load: usize) -> Task {
        if self.waiting.is_empty() {
            return if self.is_closed { Task::End } else { Task::Rest };
        }
        match () {
            () if !self.load.has_room(statements_under_load) => Task::Rest,
            () if is_connected => Task::Send,
            () if self.reach.may_connect() => Task::Connect,
            () => Task::Rest,
        }
    }

    fn take(&mut self, statements_under_load: usize) -> Option<Batch<V>> {
        let mut askers: HashMap<_, Vec<_>> = HashMap::new();
        while self.load.has_room(statements_under_load) && askers.len() < BATCH_MAX {
            let Some((digest, asker)) = self.waiting.pop_front() else { break };
            // Who went away is not asked for.
            if !asker.is_closed() {
                askers.entry(digest).or_default().push(asker);
            }
        }
        if askers.is_empty() {
            return None;
        }
        self.load.statements += 1;
        self.load.lookups += askers.len();
        self.counts.statements += 1;
        self.counts.lookups += askers.len() as u64;
        self.counts.batches.note(askers.len());
        Some(Batch { askers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lookups_use_every_lane_and_many_share_a_few() {
        let load = |statements, lookups| Load { statements, lookups };
        assert!(load(0, 0).has_room(2));
        assert!(load(3, 3).has_room(2), "four at once go out at once");
        assert!(load(1, 384).has_room(2), "under load a few statements are on their way");
        assert!(!load(2, 4).has_room(2), "and no more than that");
        assert!(load(3, 384).has_room(4), "with more processors a few more");
        assert!(!load(16, 16).has_room(4));
    }

    #[test]
    fn a_server_that_is_down_is_tried_by_one_lane() {
        let reach = |connected, is_tried| Reach { connected, is_tried };
        assert!(reach(0, false).may_connect());
        assert!(!reach(0, true).may_connect());
        assert!(reach(1, true).may_connect(), "once one is connected, others may be as well");
    }
}
