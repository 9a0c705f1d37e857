//! From the counters to the database, five minutes at a time. It survives every error of the store, and keeps so much and no more.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom::{EndReason, Timestamp};
use cloakroom_core::measurement::{Measure, Measurement, Resolution, roll_up};
use cloakroom_core::store::{MeasurementQuery, MeasurementStore, StoreError};

use super::Counts;

/// Most times five minutes that wait for a database that is away: two hours.
const PENDING_MAX: usize = 24;
/// How far back endings are counted at the start of a process: whoever ran before it may not have come to it.
const ENDED_BEFORE_START: Duration = Duration::from_hours(1);
/// How long after its time an ending may be committed and still be counted.
const LATE: Duration = Duration::from_mins(5);
/// Most rows purged in one transaction.
const PURGE_CHUNK: u32 = 1_000;

const FINE: Resolution = Resolution::FiveMinutes;

/// What is counted and not yet written.
#[derive(Debug)]
pub(super) struct Writer {
    store: Arc<dyn MeasurementStore>,
    counts: Arc<Counts>,
    /// Since when the counters count.
    since: Timestamp,
    pending: VecDeque<Vec<Measurement>>,
    /// From here on endings are counted the next time.
    endings_from: Timestamp,
}

impl Writer {
    pub(super) fn new(store: Arc<dyn MeasurementStore>, counts: Arc<Counts>, now: Timestamp) -> Self {
        let endings_from = FINE.bucket_of(now.minus(ENDED_BEFORE_START));
        Self { store, counts, since: now, pending: VecDeque::new(), endings_from }
    }

    pub(super) async fn write(&mut self, now: Timestamp) {
        let since = std::mem::replace(&mut self.since, now);
        self.take(since);
        if let Err(error) = self.try_to_write(since, now).await {
            tracing::warn!(%error, pending = self.pending.len(), "measurements are not written: will try again");
        }
    }

    /// Takes what was counted, for the bucket in which counting it began.
    fn take(&mut self, since: Timestamp) {
        // Of logins zero is a number. Where nothing was validated, there is no time it took.
        let is_told = |measure: &Measure, value| value > 0 || matches!(measure, Measure::Logins(_));
        let counted = self.counts.take().filter(|(measure, value)| is_told(measure, *value));
        self.pending.push_back(counted.map(|(measure, value)| Measurement::at(since, measure, value)).collect());
        if self.pending.len() > PENDING_MAX {
            self.pending.pop_front();
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn try_to_write(&mut self, since: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let oldest = self.pending.iter().flatten().map(|measurement| measurement.bucket).min();
        while let Some(counted) = self.pending.front().cloned() {
            // Should it be written and the answer get lost, these five minutes count twice.
            self.store.measure(counted).await?;
            self.pending.pop_front();
        }
        let endings_from = self.endings_from.max(FINE.bucket_of(now.minus(FINE.retention())));
        let mut read = self.endings(endings_from, now).await?;
        let active = self.store.sample(now).await?.living();
        read.push(Measurement::at(since, Measure::ActiveSessions, active));
        self.store.measure(read).await?;
        // One hour more: the instance that wrote its last five minutes may not have come to roll them up.
        let from = oldest.unwrap_or(since).min(endings_from).min(now.minus(Resolution::Hour.length()));
        let query = MeasurementQuery { resolution: FINE, from: Resolution::Hour.bucket_of(from), before: now };
        let hours = roll_up(&self.store.measurements(query).await?);
        self.store.measure(hours).await?;
        self.endings_from = FINE.bucket_of(now.minus(LATE));
        while self.store.purge_measurements(now, PURGE_CHUNK).await? > 0 {}
        Ok(())
    }

    /// What ended, whoever ended it; every instance reads the same. Of a bucket without an ending one reason is told to be zero:
    /// somebody looked.
    async fn endings(&self, from: Timestamp, now: Timestamp) -> Result<Vec<Measurement>, StoreError> {
        let mut counted = BTreeMap::new();
        let mut bucket = from;
        while bucket < now {
            counted.insert(Measurement::at(bucket, Measure::Ends(EndReason::Logout), 0).key(), 0);
            bucket = bucket.plus(FINE.length());
        }
        for ended in self.store.count_endings(from, now).await? {
            // Reasons of a later version come as one of this one's.
            *counted.entry(ended.key()).or_default() += ended.value;
        }
        let measured = |((resolution, bucket, measure), value)| Measurement { resolution, bucket, measure, value };
        Ok(counted.into_iter().map(measured).collect())
    }
}

#[cfg(test)]
mod tests;
