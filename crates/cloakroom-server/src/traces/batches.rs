//! The task that sends spans, in batches, and pauses where nobody takes them: what then does not fit into the queue is lost, and counted.

use std::sync::Arc;
use std::time::Duration;

use cloakroom::world::SystemClock;
use cloakroom_core::time::Steady;
use cloakroom_core::world::Clock as _;
use opentelemetry_sdk::trace::SpanData;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::collector::Collector;
use super::export::Counts;

/// Most spans that wait: about 4 MB.
pub(super) const WAITING_MAX: usize = 4096;
/// Most spans in one request to the collector.
const BATCH_MAX: usize = 512;
/// How long a batch waits for more.
const GATHER: Duration = Duration::from_millis(500);
/// How long nothing is tried after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the log is told of failures.
const SAID_EVERY: Duration = Duration::from_mins(5);

/// Spans on their way to the collector.
pub(super) struct Batches {
    waiting: mpsc::Receiver<SpanData>,
    flushes: mpsc::Receiver<oneshot::Sender<()>>,
    collector: Collector,
    counts: Arc<Counts>,
    said: Option<Steady>,
}

/// Why a batch is complete.
enum Complete {
    /// It is large or old enough.
    Batch,
    /// Everything that waits is to be sent now.
    Flush(oneshot::Sender<()>),
    /// Nobody makes spans any more.
    End,
}

impl Batches {
    pub(super) fn new(
        waiting: mpsc::Receiver<SpanData>,
        flushes: mpsc::Receiver<oneshot::Sender<()>>,
        collector: Collector,
        counts: Arc<Counts>,
    ) -> Self {
        Self { waiting, flushes, collector, counts, said: None }
    }

    /// Sends spans for as long as there is somebody who makes them.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        loop {
            match self.gather(&mut batch).await {
                Complete::Batch => {
                    if !self.send(std::mem::take(&mut batch)).await {
                        self.pause().await;
                    }
                }
                Complete::Flush(done) => {
                    self.send_all(batch).await;
                    batch = Vec::new();
                    let _gone = done.send(()); // who asked may not wait any more
                }
                Complete::End => return self.send_all(batch).await,
            }
        }
    }

    async fn gather(&mut self, batch: &mut Vec<SpanData>) -> Complete {
        tokio::select! {
            biased;
            Some(done) = self.flushes.recv() => return Complete::Flush(done),
            received = self.waiting.recv_many(batch, BATCH_MAX) => if received == 0 {
                return Complete::End;
            },
        }
        let enough = sleep(GATHER);
        tokio::pin!(enough);
        while batch.len() < BATCH_MAX {
            let room = BATCH_MAX - batch.len();
            tokio::select! {
                biased;
                Some(done) = self.flushes.recv() => return Complete::Flush(done),
                () = &mut enough => break,
                received = self.waiting.recv_many(batch, room) => if received == 0 {
                    break;
                },
            }
        }
        Complete::Batch
    }

    /// Sends what is in hand and what waits, until one is not taken: then the rest is lost too.
    async fn send_all(&mut self, mut batch: Vec<SpanData>) {
        let mut is_taken = true;
        loop {
            while batch.len() < BATCH_MAX {
                let Ok(span) = self.waiting.try_recv() else { break };
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            if is_taken {
                is_taken = self.send(std::mem::take(&mut batch)).await;
            } else {
                self.counts.lost(batch.len() as u64);
                batch.clear();
            }
        }
    }

    /// Waits until it is worth trying again, or somebody wants it tried.
    async fn pause(&mut self) {
        tokio::select! {
            () = sleep(PAUSE) => {}
            Some(done) = self.flushes.recv() => {
                self.send_all(Vec::new()).await;
                let _gone = done.send(());
            }
        }
    }

    /// Returns whether the batch was taken.
    async fn send(&mut self, batch: Vec<SpanData>) -> bool {
        let spans = batch.len() as u64;
        // Lost until it is taken: who stops in between has lost it.
        match self.collector.take(batch).await {
            Ok(refused) => {
                let refused = refused.min(spans);
                self.counts.exported(spans - refused);
                self.counts.lost(refused);
                if refused > 0 {
                    self.complain(&format_args!("the collector refused {refused} of them"));
                }
                true
            }
            Err(error) => {
                self.counts.lost(spans);
                self.complain(&error);
                false
            }
        }
    }

    fn complain(&mut self, error: &dyn std::fmt::Display) {
        let now = SystemClock.steady();
        if self.said.is_none_or(|said| now.since(said) >= SAID_EVERY) {
            self.said = Some(now);
            let lost = self.counts.read().lost;
            tracing::warn!(%error, lost, "traces are lost; requests are not");
        }
    }
}
