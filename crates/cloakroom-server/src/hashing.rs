//! Password hashing on threads of its own: so many at once, so many waiting, and all of them give way to whoever serves (G8).
//! What a password is checked for is not known here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom::Code;
use cloakroom_core::password::{HashError, Hasher, Password, PasswordHash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::Span;

use crate::failure::Failure;

/// How many logins may wait for each one being hashed: about a second and a half of work. Who finds the queue full is told so at
/// once; who is in it is served.
pub(crate) const WAITING_PER_HASH: usize = 32;

/// What is to be done, in the name of the request that wants it.
type Job = (Span, Box<dyn FnOnce() + Send>);

/// A place among those whose passwords are hashed or wait for it.
#[must_use]
pub(crate) struct Place(#[expect(dead_code, reason = "held until it is dropped")] OwnedSemaphorePermit);

/// Password hashing, so many at once and so many waiting.
pub(crate) struct Hashing {
    hasher: Arc<dyn Hasher>,
    /// Never longer than there are places.
    jobs: Sender<Job>,
    places: Arc<Semaphore>,
    places_max: usize,
    running: Arc<AtomicU64>,
    refused: AtomicU64,
}

/// What hashing is doing, for metrics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashingCounts {
    /// Passwords that are hashed now.
    pub(crate) running: u64,
    /// Those that have a place and wait.
    pub(crate) waiting: u64,
    /// Those that found no place, since the start.
    pub(crate) refused: u64,
}

impl Hashing {
    /// Starts `concurrency` threads, which end with the last handle.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(hasher: Arc<dyn Hasher>, concurrency: usize) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..concurrency {
            let waiting = Arc::clone(&waiting);
            let thread = std::thread::Builder::new().name(format!("hash-{number}"));
            drop(thread.spawn(move || work(&waiting))?);
        }
        let places_max = concurrency * (WAITING_PER_HASH + 1);
        let (places, running, refused) = (Arc::new(Semaphore::new(places_max)), Arc::default(), AtomicU64::new(0));
        Ok(Self { hasher, jobs, places, places_max, running, refused })
    }

    /// A new hash of `password`.
    ///
    /// # Errors
    /// `busy` when too many wait.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Failure> {
        self.run(self.place()?, move |hasher| hasher.hash(&password)).await
    }

    /// How many places are taken, of how many.
    pub(crate) fn taken(&self) -> (usize, usize) {
        (self.places_max.saturating_sub(self.places.available_permits()), self.places_max)
    }

    /// A place among those who wait.
    ///
    /// # Errors
    /// `busy` when too many wait.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        Arc::clone(&self.places).try_acquire_owned().map(Place).map_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Failure::of(Code::Busy)
        })
    }

    /// What it is doing.
    pub(crate) fn counts(&self) -> HashingCounts {
        let running = self.running.load(Ordering::Relaxed);
        let placed = self.places_max.saturating_sub(self.places.available_permits()) as u64;
        HashingCounts {
            running,
            waiting: placed.saturating_sub(running),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Whether `password` is the one behind `hash`; without a hash the same work is done for nothing.
    ///
    /// # Errors
    /// `internal` when the hasher fails.
    pub(crate) async fn verify(
        &self,
        place: Place,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<(Password, bool), Failure> {
        self.run(place, move |hasher| {
            let matches = match &hash {
                Some(hash) => hasher.verify(&password, hash)?,
                None => hasher.verify_nobody(&password).map(|()| false)?,
            };
            Ok((password, matches))
        })
        .await
    }

    /// Whether a stored hash is weaker than what is wanted today.
    pub(crate) fn is_outdated(&self, hash: &PasswordHash) -> bool {
        self.hasher.is_outdated(hash)
    }

    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&dyn Hasher) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, result) = oneshot::channel();
        let hasher = Arc::clone(&self.hasher);
        // The place goes with the work: a request that is dropped lets nobody else in while its hash still runs.
        let running = Arc::clone(&self.running);
        // From here to its end: how long it waited for a thread is in it.
        let span = tracing::debug_span!("hash");
        let job = move || {
            let in_it = span.entered();
            let running = Running::begin(running);
            let result = work(&*hasher);
            drop(running);
            drop(place);
            drop(in_it);
            let _gone = done.send(result); // who asked may not wait any more
        };
        self.jobs.send((Span::current(), Box::new(job))).map_err(|_| Failure::internal(&NoThread))?;
        // A hasher that panicked has dropped the other end.
        result.await.map_err(|error| Failure::internal(&error))?.map_err(|error| Failure::internal(&error))
    }
}

/// One more that is hashed, until it is dropped, by a panic too.
struct Running(Arc<AtomicU64>);

impl Running {
    fn begin(count: Arc<AtomicU64>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("no thread hashes any more")]
struct NoThread;

/// Does one job after another, until nobody is left to send one. One job's bug is not another's.
fn work(waiting: &Mutex<Receiver<Job>>) {
    give_way();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((span, job)) = next else { return };
        let _in_its_name = span.enter();
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

/// This thread yields to all others that want the same processor. A hash takes one for twenty milliseconds; without this, whoever
/// serves waits behind it for a slice of the scheduler now and then (docs/decisions/012-a-storm-of-logins.md).
#[cfg(target_os = "linux")]
fn give_way() {
    const NICE: i32 = 19;
    // On Linux a priority is a thread's. It only ever gets lower, which everybody may.
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::warn!(%error, "hashing does not give way to requests");
    }
}

/// Elsewhere the scheduler decides.
#[cfg(not(target_os = "linux"))]
fn give_way() {}
