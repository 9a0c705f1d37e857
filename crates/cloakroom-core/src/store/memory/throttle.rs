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
        let is_old = |counter: &Counter| counter.changed_at < at.minus(COUNTER_RETENTION);
        let unlocked = || self.counters.iter().filter(|(_, counter)| !counter.is_locked());
        let past = unlocked().filter(|(_, counter)| counter.is_blank(at) || is_old(counter));
        let mut gone: Vec<_> = past.map(|(key, _)| *key).take(chunk as usize).collect();
        if gone.is_empty() {
            let mut kept: Vec<_> = unlocked().collect();
            kept.sort_unstable_by_key(|(_, one)| (one.failures, one.changed_at));
            let over = self.counters.len().saturating_sub(max as usize).min(chunk as usize);
            gone = kept.into_iter().take(over).map(|(key, _)| *key).collect();
        }
        for key in &gone {
            self.counters.remove(key);
        }
        gone.len() as u64
    }
}
