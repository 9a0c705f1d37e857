//! What was done, as numbers: for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the sizes of batches that are counted apart.
const BATCH_BOUNDS: [u64; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// How many batches there were of which size: what shared a statement, or a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    counts: [u64; BATCH_BOUNDS.len()],
    sum: u64,
}

impl BatchCounts {
    /// How many had up to so many parts, and more than the bound before. None has more than the last.
    pub fn by_size(&self) -> impl Iterator<Item = (u64, u64)> {
        BATCH_BOUNDS.into_iter().zip(self.counts)
    }

    /// All their parts.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    #[cfg(feature = "postgres")]
    pub(crate) fn note(&mut self, size: usize) {
        if let Some(count) = self.counts.get_mut(place(size as u64)) {
            *count += 1;
        }
        self.sum += size as u64;
    }
}

fn place(size: u64) -> usize {
    BATCH_BOUNDS.partition_point(|bound| *bound < size).min(BATCH_BOUNDS.len() - 1)
}

/// The same, counted by a task of its own.
#[cfg(feature = "sqlite")]
#[derive(Debug, Default)]
pub(crate) struct Batches {
    counts: [AtomicU64; BATCH_BOUNDS.len()],
    sum: AtomicU64,
}

#[cfg(feature = "sqlite")]
impl Batches {
    pub(crate) fn note(&self, size: u64) {
        if let Some(count) = self.counts.get(place(size)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(size, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> BatchCounts {
        let mut read = BatchCounts { sum: self.sum.load(Ordering::Relaxed), ..BatchCounts::default() };
        for (read, count) in read.counts.iter_mut().zip(&self.counts) {
            *read = count.load(Ordering::Relaxed);
        }
        read
    }
}

/// What one set of connections is doing now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// What they are for: a word of a closed list.
    pub name: &'static str,
    /// Connections that are at work.
    pub in_use: u64,
    /// Connections that are open, and are not.
    pub idle: u64,
    /// Who waits for one, where that is known.
    pub waiting: Option<u64>,
    /// How often one was taken, since the database was opened.
    pub taken: u64,
}

/// Who waits for a connection, and how often one was taken.
#[cfg(feature = "postgres")]
#[derive(Debug, Default)]
pub(crate) struct Takers {
    waiting: AtomicU64,
    taken: AtomicU64,
}

#[cfg(feature = "postgres")]
impl Takers {
    /// Somebody waits, until what this returns is dropped.
    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.taken.fetch_add(1, Ordering::Relaxed);
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// As a pool of these connections, of which so many are idle.
    pub(crate) fn of_pool(&self, name: &'static str, open: u32, idle: usize) -> PoolCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (open, idle) = (u64::from(open), idle as u64);
        let (waiting, taken) = (Some(read(&self.waiting)), read(&self.taken));
        PoolCounts { name, in_use: open.saturating_sub(idle), idle, waiting, taken }
    }
}

#[cfg(feature = "postgres")]
pub(crate) struct Waiting<'a>(&'a Takers);

#[cfg(feature = "postgres")]
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the single writer has done since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterCounts {
    /// Transactions committed.
    pub commits: u64,
    /// Jobs answered after a commit.
    pub jobs: u64,
    /// Times the connection was opened again after a failure.
    pub reopened: u64,
    /// How many jobs shared a commit.
    pub batches: BatchCounts,
}

/// What lookups were answered with since the database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupCounts {
    /// Statements sent.
    pub statements: u64,
    /// Token digests looked up: on PostgreSQL different ones of a statement, on SQLite each time one is asked for.
    pub lookups: u64,
    /// On PostgreSQL, how many lookups shared a statement.
    pub batches: BatchCounts,
}
