//! Which file is at a path, for who asks at every request: the path is looked up again only where something may have moved.
//!
//! What may be told by a watch instead, and what not, is in `place/watch`; nothing here knows what the file is.

#[cfg_attr(not(target_os = "linux"), path = "place/no_watch.rs")]
mod watch;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::location::FileIdentity;
use watch::Watch;

/// So many answers a watch gives before the path is looked up all the same, and so many times it is looked up before a watch is tried
/// again: what a watch cannot see (something mounted over the path) is seen then, and a busy directory costs little.
const PATIENCE: u64 = 1_024;

/// A path, and what was seen there last.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    seen: RwLock<Option<Seen>>,
    looked: AtomicU64,
}

/// The file that is there for as long as the watch is silent.
#[derive(Debug)]
struct Seen {
    watch: Watch,
    identity: FileIdentity,
}

impl Place {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, seen: RwLock::new(None), looked: AtomicU64::new(0) }
    }

    /// The file that is there now; `None` if there is none or it cannot be seen. `number` counts who asks.
    pub(crate) fn file(&self, number: u64) -> Option<FileIdentity> {
        let told = self.told();
        if told.is_some() && !number.is_multiple_of(PATIENCE) {
            return told;
        }
        let found = self.look();
        if told.is_some() && told != found {
            // The watch did not see it happen, and would not tell anybody else either.
            *self.seen.write().unwrap_or_else(PoisonError::into_inner) = None;
        }
        found
    }

    /// What was seen there, if nothing has moved since.
    fn told(&self) -> Option<FileIdentity> {
        let seen = self.seen.try_read().ok()?;
        seen.as_ref().filter(|seen| seen.watch.is_silent()).map(|seen| seen.identity)
    }

    #[cold]
    fn look(&self) -> Option<FileIdentity> {
        if self.looked.fetch_add(1, Ordering::Relaxed).is_multiple_of(PATIENCE)
            && let Ok(mut seen) = self.seen.try_write()
        {
            // The watch first: what moves after it is told by it, what moved before it is in what is seen.
            let watch = Watch::over(&self.path);
            *seen = watch.and_then(|watch| Some(Seen { watch, identity: FileIdentity::of(&self.path)? }));
        }
        FileIdentity::of(&self.path)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "place/tests.rs"]
mod tests;
