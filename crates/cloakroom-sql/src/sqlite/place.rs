//! Which file is at a path, for who asks at every request: the path is looked up again only where something may have moved.
//!
//! What may be told by a watch instead, and what not, is in `place/watch`; nothing here knows what the file is.

#[cfg_attr(not(target_os = "linux"), path = "place/no_watch.rs")]
mod watch;

use std::path::PathBuf;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
    asked: AtomicU64,
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
        Self { path, seen: RwLock::new(None), asked: AtomicU64::new(0), looked: AtomicU64::new(0) }
    }

    /// The file that is there now; `None` if there is none or it cannot be seen.
    pub(crate) fn file(&self) -> Option<FileIdentity> {
        let is_told = !self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(PATIENCE);
        if is_told
            && let Ok(seen) = self.seen.try_read()
            && let Some(Seen { watch, identity }) = &*seen
            && watch.is_silent()
        {
            return Some(*identity);
        }
        self.look()
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
