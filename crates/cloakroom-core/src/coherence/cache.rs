//! Held sessions by token digest: bounded, read without a lock, a wait or an allocation.
//!
//! Digests are random, so their bits are the hash: they name a set of eight places. A reader compares eight tags, which lie
//! side by side, and takes the one that fits. Writers are kept apart by whoever owns the cache.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

use super::held::Held;
use crate::token::TokenDigest;

/// Places in a set: their tags fill one line of a processor's cache.
const PLACES: usize = 8;

/// A bounded table of held sessions.
pub(super) struct Cache {
    sets: Box<[Set]>,
    len: AtomicUsize,
}

#[repr(align(64))]
#[derive(Default)]
struct Set {
    /// Eight bytes of each place's digest; zero where the place is empty.
    tags: [AtomicU64; PLACES],
    places: [ArcSwapOption<Held>; PLACES],
}

impl Cache {
    /// Room for `capacity` sessions at most.
    pub(super) fn new(capacity: u32) -> Self {
        let sets = (capacity as usize / PLACES).max(1);
        Self { sets: (0..sets).map(|_| Set::default()).collect(), len: AtomicUsize::new(0) }
    }

    /// The session of this digest, if it is held.
    pub(super) fn get(&self, digest: &TokenDigest) -> Option<Arc<Held>> {
        let (set, tag) = self.place(digest)?;
        let mut places = set.tags.iter().zip(&set.places).filter(|(there, _)| there.load(Ordering::Acquire) == tag);
        let held = places.find_map(|(_, place)| place.load_full().filter(|held| held.digest() == digest))?;
        held.mark();
        Some(held)
    }

    /// Holds a session, in the place of one of the same digest, or an empty one, or one that was not asked for lately.
    ///
    /// One writer at a time.
    pub(super) fn put(&self, held: Arc<Held>) {
        let Some((set, tag)) = self.place(held.digest()) else { return };
        let of_digest = |at: &usize| is(set, *at, tag, held.digest());
        let empty = |at: &usize| set.tag(*at) == 0;
        let found = (0..PLACES).find(of_digest).or_else(|| (0..PLACES).find(empty));
        let at = found.unwrap_or_else(|| set.least_wanted(tag));
        let was_empty = set.tag(at) == 0;
        if let (Some(there), Some(place)) = (set.tags.get(at), set.places.get(at)) {
            place.store(Some(held));
            there.store(tag, Ordering::Release);
        }
        self.len.fetch_add(usize::from(was_empty), Ordering::Relaxed);
    }

    /// Drops the session of this digest. One writer at a time.
    pub(super) fn drop_one(&self, digest: &TokenDigest) {
        let Some((set, tag)) = self.place(digest) else { return };
        for at in (0..PLACES).filter(|at| is(set, *at, tag, digest)) {
            set.empty(at);
            self.len.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Drops the sessions that are meant. One writer at a time.
    pub(super) fn drop_where(&self, is_meant: impl Fn(&Held) -> bool) {
        for set in &self.sets {
            let meant = |at: &usize| set.tag(*at) != 0 && set.held(*at).is_some_and(|held| is_meant(&held));
            for at in (0..PLACES).filter(meant) {
                set.empty(at);
                self.len.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Drops everything. One writer at a time.
    pub(super) fn drop_all(&self) {
        for set in &self.sets {
            for at in (0..PLACES).filter(|at| set.tag(*at) != 0) {
                set.empty(at);
            }
        }
        self.len.store(0, Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// The set of a digest, and its tag there.
    fn place(&self, digest: &TokenDigest) -> Option<(&Set, u64)> {
        let ([high, low, ..], []) = digest.as_bytes().as_chunks::<8>() else { return None };
        let (high, low) = (u64::from_le_bytes(*high), u64::from_le_bytes(*low));
        // The high part spread over the sets, however many there are.
        let at = usize::try_from((u128::from(high) * self.sets.len() as u128) >> 64).ok()?;
        Some((self.sets.get(at)?, low.max(1)))
    }
}

fn is(set: &Set, at: usize, tag: u64, digest: &TokenDigest) -> bool {
    set.tag(at) == tag && set.held(at).is_some_and(|held| held.digest() == digest)
}

impl Set {
    fn tag(&self, at: usize) -> u64 {
        self.tags.get(at).map_or(0, |tag| tag.load(Ordering::Relaxed))
    }

    fn held(&self, at: usize) -> Option<Arc<Held>> {
        self.places.get(at).and_then(ArcSwapOption::load_full)
    }

    fn empty(&self, at: usize) {
        if let (Some(tag), Some(place)) = (self.tags.get(at), self.places.get(at)) {
            tag.store(0, Ordering::Release);
            place.store(None);
        }
    }

    /// Of a full set, the place of the first that was not asked for since the last search; every one passed has to be asked
    /// for again to stay. Where the search begins, the newcomer's tag says.
    fn least_wanted(&self, tag: u64) -> usize {
        let start = usize::try_from(tag >> 61).unwrap_or(0);
        let is_wanted = |at: usize| self.held(at).is_some_and(|held| held.unmark());
        (start..start + PLACES).map(|at| at % PLACES).find(|at| !is_wanted(*at)).unwrap_or(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionRecord;
    use crate::world::{PredictableRandom, Random as _};

    fn held(digest: [u8; 32]) -> Arc<Held> {
        Arc::new(Held::of(TokenDigest::from_bytes(digest), &SessionRecord::example()))
    }

    fn random(seed: &PredictableRandom) -> [u8; 32] {
        let mut bytes = [0; 32];
        seed.fill(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_put_is_there_until_it_is_dropped() {
        let (cache, seed) = (Cache::new(10_000), PredictableRandom::from_seed(5));
        let all: Vec<_> = (0..500).map(|_| held(random(&seed))).collect();
        for one in &all {
            cache.put(Arc::clone(one));
            cache.put(Arc::clone(one)); // twice is once
        }
        assert_eq!(cache.len(), 500);
        assert!(all.iter().all(|one| cache.get(one.digest()).is_some()));
        cache.drop_one(all[0].digest());
        cache.drop_one(all[0].digest());
        assert_eq!((cache.len(), cache.get(all[0].digest())), (499, None));
        cache.drop_all();
        assert_eq!((cache.len(), cache.get(all[1].digest())), (0, None));
    }

    #[test]
    fn digests_that_share_set_and_tag_are_told_apart() {
        let cache = Cache::new(8);
        let twins = [0_u8, 1, 2].map(|last| {
            let mut digest = [9; 32];
            digest[31] = last;
            held(digest)
        });
        cache.put(Arc::clone(&twins[0]));
        cache.put(Arc::clone(&twins[1]));
        assert_eq!(cache.get(twins[0].digest()).unwrap(), twins[0]);
        assert_eq!(cache.get(twins[1].digest()).unwrap(), twins[1]);
        assert_eq!(cache.get(twins[2].digest()), None);
        cache.drop_one(twins[0].digest());
        assert!(cache.get(twins[0].digest()).is_none() && cache.get(twins[1].digest()).is_some());
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let (cache, seed) = (Cache::new(64), PredictableRandom::from_seed(6));
        let wanted = held(random(&seed));
        cache.put(Arc::clone(&wanted));
        for _ in 0..1_000 {
            assert!(cache.get(wanted.digest()).is_some(), "asked for all the time");
            cache.put(held(random(&seed)));
            assert!(cache.len() <= 64);
        }
        assert_eq!(cache.len(), 64, "and it is used to the full");
    }
}
