//! A walk over all sessions in the order of their ids, for what no index finds: a step at a time, so that a table of a million
//! rows is read once for a purge, not once for every chunk of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_core::token::TokenDigest;

/// Sessions looked at in one step.
pub(crate) const STEP: i64 = 2_000;
/// Steps in one chunk of a purge, which holds nobody up but itself.
pub(crate) const STEPS_MAX: u32 = 8;

/// Where the purge of this process is, by an id as the database has it; `None`: at the start.
#[derive(Debug)]
pub(crate) struct Walk<K>(Mutex<Option<K>>);

impl<K: Clone> Walk<K> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn place(&self) -> MutexGuard<'_, Option<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // one value, always whole
    }

    pub(crate) fn at(&self) -> Option<K> {
        self.place().clone()
    }

    /// After a chunk that was committed.
    pub(crate) fn go_on_at(&self, next: Option<K>) {
        *self.place() = next;
    }
}

/// What one chunk found, before anything is locked or deleted.
#[derive(Debug)]
pub(crate) struct Found<K> {
    pub(crate) expired: Vec<TokenDigest>,
    /// Whether more has expired than fits into the chunk.
    pub(crate) is_full: bool,
    /// Where the next chunk goes on.
    pub(crate) next: Option<K>,
    /// Whether the walk came to its end.
    pub(crate) is_over: bool,
}

impl<K> Found<K> {
    /// From what the index gave, one more than a chunk at most.
    pub(crate) fn of_index(expired: Vec<TokenDigest>, chunk: usize, from: Option<K>) -> Self {
        let is_full = expired.len() > chunk;
        Self { expired, is_full, next: from, is_over: false }
    }

    /// How many more may be found: one more than fits, which tells that there is more.
    pub(crate) fn room(&self, chunk: usize) -> usize {
        (chunk + 1).saturating_sub(self.expired.len())
    }

    /// Adds what a step gave that ended at `end`.
    pub(crate) fn step(&mut self, idle: Vec<TokenDigest>, end: Option<K>, chunk: usize) {
        self.is_full = idle.len() >= self.room(chunk);
        self.expired.extend(idle);
        if !self.is_full {
            // Otherwise the same step once more: it has something left.
            self.is_over = end.is_none();
            self.next = end;
        }
    }

    /// Whether to go on at once, when so many of them were deleted. What somebody holds locked is left for the next time.
    pub(crate) fn is_more(&self, deleted: u64) -> bool {
        if self.is_full { deleted > 0 } else { !self.is_over }
    }
}
