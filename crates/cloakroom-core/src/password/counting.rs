//! A hasher that counts, so that a test can show that every kind of login does the same work. Not for production.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{HashError, Hasher, Password, PasswordHash};

/// Counts the calls of another hasher.
#[derive(Debug, Default)]
pub struct CountingHasher<H> {
    inner: H,
    hashed: AtomicU64,
    verified: AtomicU64,
    verified_nobody: AtomicU64,
}

/// How often each was called, whatever came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashCounts {
    /// [`Hasher::hash`].
    pub hashed: u64,
    /// [`Hasher::verify`].
    pub verified: u64,
    /// [`Hasher::verify_nobody`].
    pub verified_nobody: u64,
}

impl HashCounts {
    /// All calls that do the work of a hash.
    pub const fn total(&self) -> u64 {
        self.hashed + self.verified + self.verified_nobody
    }
}

impl<H> CountingHasher<H> {
    /// Counts the calls of `inner` from zero.
    pub const fn new(inner: H) -> Self {
        let (hashed, verified, verified_nobody) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Self { inner, hashed, verified, verified_nobody }
    }

    /// The counts so far.
    pub fn counts(&self) -> HashCounts {
        HashCounts {
            hashed: self.hashed.load(Ordering::SeqCst),
            verified: self.verified.load(Ordering::SeqCst),
            verified_nobody: self.verified_nobody.load(Ordering::SeqCst),
        }
    }
}

impl<H: Hasher> Hasher for CountingHasher<H> {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        self.hashed.fetch_add(1, Ordering::SeqCst);
        self.inner.hash(password)
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashError> {
        self.verified.fetch_add(1, Ordering::SeqCst);
        self.inner.verify(password, hash)
    }

    fn verify_nobody(&self, password: &Password) -> Result<(), HashError> {
        self.verified_nobody.fetch_add(1, Ordering::SeqCst);
        self.inner.verify_nobody(password)
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        self.inner.is_outdated(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{Argon2idHasher, HashParameters};
    use crate::world::PredictableRandom;
    use std::sync::Arc;

    #[test]
    fn calls_are_counted_by_kind() {
        let random = Arc::new(PredictableRandom::from_seed(2));
        let hasher = CountingHasher::new(Argon2idHasher::new(HashParameters::default(), random));
        assert_eq!(hasher.counts(), HashCounts::default());
        let password = Password::new("violet tractor hums at noon").unwrap();
        let hash = hasher.hash(&password).unwrap();
        assert_eq!(hasher.verify(&password, &hash), Ok(true));
        assert_eq!(hasher.verify_nobody(&password), Ok(()));
        assert!(!hasher.is_outdated(&hash));
        assert_eq!(hasher.counts(), HashCounts { hashed: 1, verified: 1, verified_nobody: 1 });
        assert_eq!(hasher.counts().total(), 3);
    }
}
