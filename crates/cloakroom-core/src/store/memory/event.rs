//! What happened, in memory.

use super::State;
use crate::event::{EventId, SecurityEvent};
use crate::store::EventQuery;

impl State {
    pub(super) fn record(&mut self, events: Vec<SecurityEvent>) {
        for event in events {
            self.events.entry(event.id).or_insert(event);
        }
    }

    pub(super) fn events(&self, query: &EventQuery) -> Vec<SecurityEvent> {
        let is_asked_for = |event: &&SecurityEvent| {
            query.before.is_none_or(|before| event.id < before)
                && query.subject.as_ref().is_none_or(|subject| event.subject.as_ref() == Some(subject))
        };
        self.events.values().rev().filter(is_asked_for).take(query.limit as usize).cloned().collect()
    }

    pub(super) fn purge_events(&mut self, before: EventId, max: u32, chunk: u32) -> u64 {
        let over = self.events.len().saturating_sub(max as usize);
        let old = self.events.range(..before).count();
        let gone: Vec<_> = self.events.keys().take(over.max(old).min(chunk as usize)).copied().collect();
        for id in &gone {
            self.events.remove(id);
        }
        gone.len() as u64
    }
}
