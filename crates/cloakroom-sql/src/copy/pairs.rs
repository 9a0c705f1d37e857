//! Both ends of a copy side by side: two tables read in the order of their keys, a chunk at a time, never more.

use std::collections::VecDeque;

use cloakroom_core::store::StoreError;

use super::row::{CHUNK, Kept, Rows};

/// Where a row is.
pub(crate) enum Pair<T> {
    Source(T),
    Target(T),
    Both(T, T),
}

/// At which end something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    Source,
    Target,
}

/// Walks one table at both ends. Rows behind the walk may be deleted and inserted while it goes on.
pub(crate) struct Pairs<T: Kept> {
    source: Ahead<T>,
    target: Ahead<T>,
}

/// The rows of one end that were read and not yet looked at.
struct Ahead<T: Kept> {
    rows: VecDeque<T>,
    last: Option<T::Key>,
    is_done: bool,
}

impl<T: Kept> Ahead<T> {
    const fn new() -> Self {
        Self { rows: VecDeque::new(), last: None, is_done: false }
    }

    async fn look<E: Rows<T> + ?Sized>(&mut self, end: &mut E) -> Result<(), StoreError> {
        if self.rows.is_empty() && !self.is_done {
            self.rows = end.after(self.last.clone()).await?.into();
            self.last = self.rows.back().map(Kept::key);
            self.is_done = self.rows.len() < CHUNK;
        }
        Ok(())
    }
}

impl<T: Kept> Pairs<T> {
    pub(crate) const fn new() -> Self {
        Self { source: Ahead::new(), target: Ahead::new() }
    }

    /// Whether what follows is at the source alone.
    pub(crate) fn is_target_over(&self) -> bool {
        self.target.is_done && self.target.rows.is_empty()
    }

    /// The next row in the order of keys.
    pub(crate) async fn next<S, D>(
        &mut self,
        source: &mut S,
        target: &mut D,
    ) -> Result<Option<Pair<T>>, (Where, StoreError)>
    where
        S: Rows<T> + ?Sized,
        D: Rows<T> + ?Sized,
    {
        self.source.look(source).await.map_err(|error| (Where::Source, error))?;
        self.target.look(target).await.map_err(|error| (Where::Target, error))?;
        let (here, there) = (self.source.rows.front().map(Kept::key), self.target.rows.front().map(Kept::key));
        let (takes_source, takes_target) = match (here, there) {
            (Some(here), Some(there)) => (here <= there, there <= here),
            (here, there) => (here.is_some(), there.is_some()),
        };
        let row = takes_source.then(|| self.source.rows.pop_front()).flatten();
        let other = takes_target.then(|| self.target.rows.pop_front()).flatten();
        Ok(match (row, other) {
            (Some(row), Some(other)) => Some(Pair::Both(row, other)),
            (Some(row), None) => Some(Pair::Source(row)),
            (None, Some(other)) => Some(Pair::Target(other)),
            (None, None) => None,
        })
    }
}
