//! tokio-postgres, `= ANY($1)`: what waits goes out as one statement as soon as there is room for one more.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::{StoreError, StoreErrorKind, StoreFuture};
use cloakroom_core::token::TokenDigest;
use cloakroom_sql::LookupCounts;
use tokio::sync::{Notify, oneshot};

use crate::Failed;
use crate::beside::{Lookup, failed};
use crate::record::{COLUMNS, read};
use crate::singles::Asked;

/// Most lookups in one statement.
const BATCH_MAX: usize = 128;

type Answer = Result<Option<SessionRecord>, StoreError>;

/// How many statements may be on their way, and over how many connections.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    connections: usize,
    /// Statements at once while there are `few` lookups or fewer.
    lanes: usize,
    /// Statements at once beyond that.
    under_load: usize,
    few: usize,
}

impl Shape {
    /// Reads `CONNECTIONS,LANES,UNDER_LOAD,FEW`.
    pub fn read(text: &str) -> Result<Self, Failed> {
        let numbers: Vec<usize> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
        let [connections, lanes, under_load, few] = numbers[..] else {
            return Err(format!("`{text}` is not CONNECTIONS,LANES,UNDER_LOAD,FEW").into());
        };
        Ok(Self { connections: connections.max(1), lanes, under_load, few })
    }
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<(TokenDigest, oneshot::Sender<Answer>)>,
    statements: usize,
    lookups: usize,
    counts: LookupCounts,
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    wake: Notify,
    shape: Shape,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Vec<(TokenDigest, oneshot::Sender<Answer>)> {
        let mut state = self.state();
        if state.statements >= self.shape.under_load && state.lookups >= self.shape.few {
            return Vec::new();
        }
        let taken = state.waiting.len().min(BATCH_MAX);
        let batch: Vec<_> = state.waiting.drain(..taken).collect();
        if !batch.is_empty() {
            state.statements += 1;
            state.lookups += batch.len();
            state.counts.statements += 1;
            state.counts.lookups += batch.len() as u64;
            if !state.waiting.is_empty() {
                self.wake.notify_last();
            }
        }
        batch
    }

    fn is_done(&self, lookups: usize) {
        let mut state = self.state();
        state.statements -= 1;
        state.lookups -= lookups;
    }
}

/// The way in.
#[derive(Debug)]
pub struct Batches(Arc<Queue>);

impl Batches {
    /// Opens the connections and starts the lanes on them.
    pub async fn connect(url: &str, shape: Shape) -> Result<Self, Failed> {
        let state = State { waiting: VecDeque::new(), statements: 0, lookups: 0, counts: LookupCounts::default() };
        let queue = Arc::new(Queue { state: Mutex::new(state), wake: Notify::new(), shape });
        let statement = format!("SELECT token_digest, {COLUMNS} FROM sessions WHERE token_digest = ANY($1)");
        let mut connections = Vec::new();
        for _ in 0..shape.connections {
            connections.push(Arc::new(Asked::connect(url, &statement).await?));
        }
        for lane in 0..shape.lanes {
            drop(tokio::spawn(serve(Arc::clone(&connections[lane % shape.connections]), Arc::clone(&queue))));
        }
        Ok(Self(queue))
    }
}

impl Lookup for Batches {
    fn find(&self, digest: TokenDigest) -> StoreFuture<'_, Option<SessionRecord>> {
        let (asker, answer) = oneshot::channel();
        self.0.state().waiting.push_back((digest, asker));
        self.0.wake.notify_last();
        Box::pin(async { answer.await.unwrap_or(Err(StoreError::new(StoreErrorKind::Unavailable))) })
    }

    fn counts(&self) -> LookupCounts {
        self.0.state().counts
    }
}

/// A lane, for as long as the process lives.
async fn serve(asked: Arc<Asked>, queue: Arc<Queue>) {
    loop {
        let batch = queue.next();
        if batch.is_empty() {
            queue.wake.notified().await;
            continue;
        }
        let lookups = batch.len();
        answer(&asked, batch).await;
        queue.is_done(lookups);
    }
}

async fn answer(asked: &Asked, batch: Vec<(TokenDigest, oneshot::Sender<Answer>)>) {
    let mut askers: HashMap<TokenDigest, Vec<oneshot::Sender<Answer>>> = HashMap::with_capacity(batch.len());
    for (digest, asker) in batch {
        askers.entry(digest).or_default().push(asker);
    }
    let digests: Vec<&[u8]> = askers.keys().map(|digest| &digest.as_bytes()[..]).collect();
    let rows = match asked.client.query(&asked.statement, &[&digests]).await {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("a batch failed: {}", failed(error));
            return; // everybody's answer is dropped, which fails them
        }
    };
    for row in rows {
        let Ok(digest) = row.try_get::<_, &[u8]>(0).map(<[u8; 32]>::try_from) else { continue };
        let Some(askers) = digest.ok().and_then(|digest| askers.remove(&TokenDigest::from_bytes(digest))) else {
            continue;
        };
        for asker in askers {
            drop(asker.send(read(&row, 1).map(Some)));
        }
    }
    for asker in askers.into_values().flatten() {
        drop(asker.send(Ok(None)));
    }
}
