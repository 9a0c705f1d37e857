//! ASVS 5.0 6.3.8: two hundred attempts of each kind that is refused do the same work, counted by the hash.

use super::*;

const ATTEMPTS: u64 = 200;
/// So few of them for each name that none is throttled.
const OF_A_NAME: u64 = 5;

/// Knows the one password, at once: what it costs is not counted here, but how often it is asked.
#[derive(Debug)]
struct Instant;

impl Hasher for Instant {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        Ok(cheap_hash(password.reveal()))
    }
    fn verify(&self, password: &Password, _: &PasswordHash) -> Result<bool, HashError> {
        Ok(password.reveal() == PASSWORD)
    }
    fn verify_nobody(&self, _: &Password) -> Result<(), HashError> {
        Ok(())
    }
    fn is_outdated(&self, _: &PasswordHash) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_attempts_of_each_kind_cost_two_hundred_hashes() {
    let hasher = Arc::new(CountingHasher::new(Instant));
    let world = World::with(Arc::clone(&hasher) as _).await;
    let hash = cheap_hash(PASSWORD);
    for (kind, password) in
        [("unknown", PASSWORD), ("wrong", "seven quiet lanterns drift east"), ("disabled", PASSWORD)]
    {
        let before = hasher.counts();
        for attempt in 0..ATTEMPTS {
            let name = format!("{kind}{}", attempt / OF_A_NAME);
            if kind != "unknown" && attempt % OF_A_NAME == 0 {
                world.add(&name, &hash, kind == "disabled").await;
            }
            assert_eq!(world.log_in(&name, password).await, 401, "{name}");
        }
        let after = hasher.counts();
        let nobody = if kind == "unknown" { ATTEMPTS } else { 0 };
        assert_eq!(after.total() - before.total(), ATTEMPTS, "{kind}");
        assert_eq!(after.verified_nobody - before.verified_nobody, nobody, "{kind}");
        assert_eq!(after.hashed, before.hashed, "{kind}");
    }
    assert_eq!(world.rows().await, 0);
}
