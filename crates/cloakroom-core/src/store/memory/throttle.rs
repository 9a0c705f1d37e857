//! Counters of attempts in memory.

use super::State;
use crate::throttle::{Admission, COUNTER_RETENTION, Claims, Counter, CounterKey, Step};
use crate::time::Timestamp;

impl State {
    pub(super) fn count(&mut self, claims: &Claims, step: Step, at: Timestamp) -> Admission {
        let found: Vec<_> = claims.keys().map(|key| self.counters.get(&key).copied()).collect();
        let (admission, taken) = claims.take(step, &found, at);
        for (key, counter) in claims.keys().zip(taken) {
            let _former = match counter {
                Some(counter) => self.counters.insert(key, counter),
                None => self.counters.remove(&key),
            };
        }
        admission
    }

    pub(super) fn locked(&self, limit: u32) -> Vec<CounterKey> {
        let locked = self.counters.iter().filter(|(_, counter)| counter.is_locked());
        locked.map(|(key, _)| *key).take(limit as usize).collect()
    }

    pub(super) fn purge_counters(&mut self, at: Timestamp, max: u32, chunk: u32) -> u64 {
        let says_nothing = |counter: &Counter| counter.failures == 0 && counter.under_way == 0 && counter.until <= at;
        let is_old = |counter: &Counter| counter.changed_at < at.minus(COUNTER_RETENTION);
        let mut gone: Vec<_> = self
            .counters
            .iter()
            .filter(|(_, one)| !one.is_locked() && (says_nothing(one) || is_old(one)))
            .map(|(key, _)| *key)
            .collect();
        gone.truncate(chunk as usize);
        if gone.is_empty() {
            let mut kept: Vec<_> = self.counters.iter().filter(|(_, one)| !one.is_locked()).collect();
            kept.sort_unstable_by_key(|(_, one)| (one.failures, one.changed_at));
            let over = self.counters.len().saturating_sub(max as usize).min(chunk as usize);
            gone = kept.into_iter().take(over).map(|(key, _)| *key).collect();
        }
        self.counters.retain(|key, _| !gone.contains(key));
        gone.len() as u64
    }
}
