//! Making and checking password hashes with Argon2id. Slow on purpose: call it where blocking is allowed, and bound how
//! many run at once (each takes its parameters' memory).

use std::fmt::Debug;
use std::sync::Arc;

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use super::Password;
use super::hash::{HashParameters, PasswordHash};
use crate::world::{Random, RandomUnavailable};

/// Bytes of a salt (RFC 9106 section 3.1).
const SALT_BYTES: usize = 16;
/// Bytes of a hash's output.
const OUTPUT_BYTES: usize = 32;

/// Makes and checks password hashes.
pub trait Hasher: Send + Sync + Debug {
    /// Hashes a password that is being set, with a new salt.
    ///
    /// # Errors
    /// When randomness or memory is not to be had.
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError>;

    /// Whether `hash` was made from `password`, compared in constant time.
    ///
    /// # Errors
    /// When memory is not to be had. It is no answer then: nobody may be let in, nor be told the password was wrong.
    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashError>;

    /// Does the work of [`verify`](Self::verify) where there is no account, so that the time says nothing (ASVS 5.0 6.3.8).
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and to be answered the same way.
    fn verify_nobody(&self, password: &Password) -> Result<(), HashError>;

    /// Whether a hash is weaker than what is wanted today and should be made anew at the next login.
    fn is_outdated(&self, hash: &PasswordHash) -> bool;
}

/// A hash could not be made or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// There is no randomness for a salt.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
    /// There is no memory for it: fewer at once, or smaller parameters.
    #[error("not enough memory to hash a password")]
    OutOfMemory,
    /// The stored hash cannot be used.
    #[error("the stored password hash cannot be used")]
    Unusable,
}

impl From<password_hash::Error> for HashError {
    fn from(error: password_hash::Error) -> Self {
        match error {
            password_hash::Error::OutOfMemory => Self::OutOfMemory,
            _ => Self::Unusable,
        }
    }
}

/// Argon2id, version 1.3 (RFC 9106), with a salt of 16 bytes and an output of 32.
///
/// ```
/// use std::sync::Arc;
/// use cloakroom_core::password::{Argon2idHasher, HashParameters, Hasher, Password};
/// use cloakroom_core::world::PredictableRandom;
///
/// let random = Arc::new(PredictableRandom::from_seed(1)); // a real one, outside tests
/// let hasher = Argon2idHasher::new(HashParameters::default(), random);
/// let hash = hasher.hash(&Password::new("violet tractor hums at noon")?)?;
/// assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// assert!(hasher.verify(&Password::new("violet tractor hums at noon")?, &hash)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Argon2idHasher {
    wanted: HashParameters,
    random: Arc<dyn Random>,
    nobody: PasswordHash,
}

impl Argon2idHasher {
    /// A hasher that makes hashes of this cost, with salts from `random`.
    pub fn new(parameters: HashParameters, random: Arc<dyn Random>) -> Self {
        Self { wanted: parameters, random, nobody: PasswordHash::of_nobody(parameters) }
    }

    /// What a new hash costs.
    pub const fn parameters(&self) -> HashParameters {
        self.wanted
    }
}

impl Hasher for Argon2idHasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashError> {
        let cost = self.wanted;
        let params = Params::new(cost.memory_kib(), cost.iterations(), cost.lanes(), Some(OUTPUT_BYTES))
            .map_err(password_hash::Error::from)?;
        let mut salt = [0; SALT_BYTES];
        self.random.fill(&mut salt)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password_with_salt(password.reveal().as_bytes(), &salt)?;
        Ok(PasswordHash::from_phc(&hash))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashError> {
        let parsed = hash.phc().map_err(|_| HashError::Unusable)?;
        // Parameters, algorithm and version are those in the hash, which were bounded when it was read.
        match Argon2::default().verify_password(password.reveal().as_bytes(), &parsed) {
            Ok(()) => Ok(true),
            Err(password_hash::Error::PasswordInvalid) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn verify_nobody(&self, password: &Password) -> Result<(), HashError> {
        self.verify(password, &self.nobody).map(drop)
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        hash.facts().map_or(true, |facts| {
            facts.cost.is_below(&self.wanted) || facts.salt_bytes < SALT_BYTES || facts.output_bytes < OUTPUT_BYTES
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::PredictableRandom;

    fn hasher(memory_kib: u32, iterations: u32) -> Argon2idHasher {
        let parameters = HashParameters::new(memory_kib, iterations, 1).unwrap();
        Argon2idHasher::new(parameters, Arc::new(PredictableRandom::from_seed(5)))
    }

    fn password(text: &str) -> Password {
        Password::new(text).unwrap()
    }

    #[test]
    fn a_password_fits_its_hash_and_no_other() {
        let hasher = hasher(19_456, 2);
        let hash = hasher.hash(&password("caf\u{e9} au lait, sans sucre")).unwrap();
        assert_eq!(PasswordHash::parse(hash.as_str()), Ok(hash.clone()));
        assert_eq!(hasher.verify(&password("cafe\u{301} au lait, sans sucre"), &hash), Ok(true)); // NFD, another keyboard
        for other in ["café au lait, sans sucre ", "Café au lait, sans sucre", "cafe au lait, sans sucre", ""] {
            assert_eq!(hasher.verify(&password(other), &hash), Ok(false), "{other:?}");
        }
        let again = hasher.hash(&password("caf\u{e9} au lait, sans sucre")).unwrap();
        assert_ne!(again, hash, "the salt is new each time");
    }

    #[test]
    fn all_of_a_long_password_counts() {
        let hasher = hasher(19_456, 2);
        let long = "🦀".repeat(255);
        let hash = hasher.hash(&password(&format!("{long}a"))).unwrap();
        assert_eq!(hasher.verify(&password(&format!("{long}a")), &hash), Ok(true));
        assert_eq!(hasher.verify(&password(&format!("{long}b")), &hash), Ok(false));
    }

    #[test]
    fn a_tampered_hash_lets_nobody_in() {
        let hasher = hasher(19_456, 2);
        let right = password("violet tractor hums at noon");
        let hash = hasher.hash(&right).unwrap();
        let text = hash.as_str();
        let swapped = |at: usize| {
            let other = if &text[at..=at] == "B" { "C" } else { "B" };
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        };
        let output_starts = text.rfind('$').unwrap() + 1;
        for evil in [swapped(output_starts), swapped(output_starts - 10), text.replace("t=2", "t=3")] {
            let evil = PasswordHash::parse(&evil).unwrap();
            assert_eq!(hasher.verify(&right, &evil), Ok(false));
        }
        for evil in [text.replace("m=19456", "m=104857600"), text.replace("argon2id", "argon2i"), text[..60].to_owned()]
        {
            assert!(PasswordHash::parse(&evil).is_err());
        }
    }

    #[test]
    fn a_known_answer() {
        // From the reference implementation (phc-winner-argon2, src/test.c): password "password", salt "somesalt".
        let text = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = PasswordHash::parse(text).unwrap();
        assert_eq!(hasher(19_456, 2).verify(&password("password"), &hash), Ok(true));
    }

    #[test]
    fn raised_parameters_make_a_hash_outdated_and_lowered_ones_do_not() {
        let of =
            |memory_kib, iterations| PasswordHash::of_nobody(HashParameters::new(memory_kib, iterations, 1).unwrap());
        let wanted = hasher(32_768, 3);
        for (hash, outdated) in [
            (of(32_768, 3), false),
            (of(65_536, 4), false),
            (of(32_767, 3), true),
            (of(32_768, 2), true),
            (of(65_536, 2), true),
        ] {
            assert_eq!(wanted.is_outdated(&hash), outdated, "{}", hash.as_str());
        }
        let weak = |salt: usize, output: usize| {
            let text = format!("$argon2id$v=19$m=32768,t=3,p=1${}${}", "A".repeat(salt), "A".repeat(output));
            PasswordHash::parse(&text).unwrap()
        };
        assert!(!wanted.is_outdated(&weak(22, 43)));
        assert!(wanted.is_outdated(&weak(11, 43)));
        assert!(wanted.is_outdated(&weak(22, 22)));
    }

    #[test]
    fn nobody_costs_what_an_account_costs_today() {
        let hasher = hasher(12_288, 3);
        let facts = hasher.nobody.facts().unwrap();
        let made = hasher.hash(&password("violet tractor hums at noon")).unwrap().facts().unwrap();
        assert_eq!(facts, made);
        assert!(!hasher.is_outdated(&hasher.nobody));
        assert_eq!(hasher.verify_nobody(&password("whatever it was")), Ok(()));
    }

    #[test]
    fn without_randomness_there_is_no_hash() {
        #[derive(Debug)]
        struct Broken;
        impl Random for Broken {
            fn fill(&self, _: &mut [u8]) -> Result<(), RandomUnavailable> {
                Err(RandomUnavailable)
            }
        }
        let hasher = Argon2idHasher::new(HashParameters::default(), Arc::new(Broken));
        assert_eq!(hasher.hash(&password("violet tractor")), Err(HashError::Random(RandomUnavailable)));
        assert!(!format!("{hasher:?}").contains('$'));
    }
}
