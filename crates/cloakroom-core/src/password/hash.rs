//! The hash of a password as a PHC string, and the cost of making one. How hashing is done is the hasher's.

use std::fmt;

use argon2::password_hash::phc;

/// Longest PHC string that is looked at, in bytes; ours have about 100.
const HASH_BYTES_MAX: usize = 256;
/// Argon2 version 1.3 (RFC 9106).
const ARGON2_VERSION: u32 = 19;
/// Shortest salt accepted, in bytes; ours have 16.
const SALT_BYTES_MIN: usize = 8;
/// Shortest output accepted, in bytes; ours have 32.
const OUTPUT_BYTES_MIN: usize = 16;

/// Most memory one hash may take: 1 GiB. Also bounds what a corrupt row can demand.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
/// Most passes over that memory.
const ITERATIONS_MAX: u32 = 10;
/// Most lanes.
const LANES_MAX: u32 = 16;

/// The hash of a password: an Argon2id PHC string with its salt and parameters in it.
///
/// `Debug` is redacted, and there is no `Display`. Comparing two says whether the text is the same, which a conditional
/// update needs; whether a *password* fits is for [`Hasher::verify`](super::Hasher::verify).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// Reads a hash from a store.
    ///
    /// Accepts Argon2id version 1.3 only, in its one spelling, with at most 1 GiB, 10 iterations and 16 lanes.
    /// Hashes weaker than [`HashParameters`] allows are accepted, so that accounts can be brought along: they are outdated, and
    /// made anew at the next login.
    ///
    /// # Errors
    /// When it is anything else. Nothing of it is repeated in the error.
    pub fn parse(text: &str) -> Result<Self, NotAPasswordHash> {
        if text.len() > HASH_BYTES_MAX {
            return Err(NotAPasswordHash);
        }
        let hash = Self(text.into());
        hash.facts()?;
        Ok(hash)
    }

    /// The PHC string, for a store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash in its parts.
    pub(super) fn phc(&self) -> Result<phc::PasswordHash, NotAPasswordHash> {
        phc::PasswordHash::new(&self.0).map_err(|_| NotAPasswordHash)
    }

    /// What the hash says of its making, if that is within bounds.
    pub(super) fn facts(&self) -> Result<HashFacts, NotAPasswordHash> {
        let parsed = self.phc()?;
        let params = argon2::Params::try_from(&parsed).map_err(|_| NotAPasswordHash)?;
        let (Some(salt), Some(output)) = (&parsed.salt, &parsed.hash) else { return Err(NotAPasswordHash) };
        let (memory_kib, iterations, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
        let facts = HashFacts {
            cost: HashParameters { memory_kib, iterations, lanes },
            salt_bytes: salt.len(),
            output_bytes: output.len(),
        };
        let is_bounded = facts.cost.is_within_upper_bounds()
            && facts.salt_bytes >= SALT_BYTES_MIN
            && facts.output_bytes >= OUTPUT_BYTES_MIN;
        // Written again from what was read: other algorithms, versions, parameters and spellings come out different.
        let is_ours = phc_text(facts.cost, salt, output) == *self.0;
        if is_bounded && is_ours { Ok(facts) } else { Err(NotAPasswordHash) }
    }

    /// Takes a hash that was just made.
    pub(super) fn from_phc(hash: &phc::PasswordHash) -> Self {
        Self(hash.to_string().into())
    }

    /// A hash that no password is known for, at a cost.
    pub(super) fn of_nobody(cost: HashParameters) -> Self {
        Self(phc_text(cost, "A".repeat(22), "A".repeat(43)).into()) // a salt of 16 and an output of 32 bytes
    }
}

/// The one spelling of a hash.
fn phc_text(cost: HashParameters, salt: impl fmt::Display, output: impl fmt::Display) -> String {
    let HashParameters { memory_kib, iterations, lanes } = cost;
    format!("$argon2id$v={ARGON2_VERSION}$m={memory_kib},t={iterations},p={lanes}${salt}${output}")
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// The text is no password hash that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a usable password hash: expected $argon2id$v=19$m=…,t=…,p=…$salt$hash with at most \
     {MEMORY_KIB_MAX} KiB, {ITERATIONS_MAX} iterations and {LANES_MAX} lanes"
)]
pub struct NotAPasswordHash;

/// What a hash says of its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HashFacts {
    pub(super) cost: HashParameters,
    pub(super) salt_bytes: usize,
    pub(super) output_bytes: usize,
}

/// What making one hash costs. Never less than OWASP's minimum (ASVS 5.0 11.4.2 and appendix C).
///
/// ```
/// use cloakroom_core::password::HashParameters;
///
/// assert_eq!(HashParameters::default().memory_kib(), 19_456);
/// assert!(HashParameters::new(64 * 1024, 3, 4).is_ok()); // RFC 9106 section 4, second choice
/// assert!(HashParameters::new(4_096, 3, 1).is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParameters {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl HashParameters {
    /// Takes memory in KiB (to 1,048,576), passes over it (1 to 10) and lanes (1 to 16).
    ///
    /// The least memory depends on the passes: 1: 47,104 · 2: 19,456 · 3: 12,288 · 4: 9,216 · from 5: 7,168 KiB
    /// (OWASP Password Storage Cheat Sheet).
    ///
    /// # Errors
    /// When one of them is out of range, with what was found and what is allowed.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, HashParametersError> {
        let within = |key, found, min, max| {
            if found < min || found > max { Err(HashParametersError { key, found, min, max }) } else { Ok(()) }
        };
        within("iterations", iterations, 1, ITERATIONS_MAX)?;
        within("lanes", lanes, 1, LANES_MAX)?;
        within("memory_kib", memory_kib, memory_kib_min(iterations), MEMORY_KIB_MAX)?;
        Ok(Self { memory_kib, iterations, lanes })
    }

    /// Memory of one hash in KiB.
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Lanes. Their work is done one after the other here, on the calling thread.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Whether making a hash of this cost takes less than `wanted` in memory or in passes.
    pub(super) const fn is_below(&self, wanted: &Self) -> bool {
        self.memory_kib < wanted.memory_kib || self.iterations < wanted.iterations
    }

    const fn is_within_upper_bounds(&self) -> bool {
        self.memory_kib <= MEMORY_KIB_MAX && self.iterations <= ITERATIONS_MAX && self.lanes <= LANES_MAX
    }
}

impl Default for HashParameters {
    /// OWASP's minimum: 19 MiB, 2 passes, 1 lane.
    fn default() -> Self {
        Self { memory_kib: memory_kib_min(2), iterations: 2, lanes: 1 }
    }
}

const fn memory_kib_min(iterations: u32) -> u32 {
    match iterations {
        0 | 1 => 47_104,
        2 => 19_456,
        3 => 12_288,
        4 => 9_216,
        _ => 7_168,
    }
}

/// A cost out of its range: the program's or the configuration's mistake, found before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("password hashing, {key}: found {found}, allowed {min} to {max}")]
pub struct HashParametersError {
    /// The parameter's name.
    pub key: &'static str,
    /// What was found.
    pub found: u32,
    /// The least allowed, with the other parameters as they are.
    pub min: u32,
    /// The most allowed.
    pub max: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(head: &str, params: &str, salt_chars: usize, output_chars: usize) -> String {
        format!("{head}${params}${}${}", "A".repeat(salt_chars), "A".repeat(output_chars))
    }

    #[test]
    fn only_argon2id_of_version_19_within_bounds() {
        let id = "$argon2id$v=19";
        let ok = "m=19456,t=2,p=1";
        for (candidate, is_hash) in [
            (text(id, ok, 22, 43), true),
            (text(id, "m=4096,t=3,p=1", 11, 22), true), // weak, and to be made anew
            (text(id, "m=1048576,t=10,p=16", 22, 43), true),
            (text(id, "m=1048577,t=2,p=1", 22, 43), false),
            (text(id, "m=104857600,t=2,p=1", 22, 43), false), // 100 GiB
            (text(id, "m=4294967295,t=2,p=1", 22, 43), false),
            (text(id, "m=4294967296,t=2,p=1", 22, 43), false),
            (text(id, "m=19456,t=11,p=1", 22, 43), false),
            (text(id, "m=19456,t=0,p=1", 22, 43), false),
            (text(id, "m=19456,t=2,p=17", 22, 43), false),
            (text(id, "m=7,t=2,p=1", 22, 43), false),
            (text(id, "m=019456,t=2,p=1", 22, 43), false),
            (text(id, "m=19456,t=2,p=1,data=AAAA", 22, 43), false),
            (text(id, "t=2,m=19456,p=1", 22, 43), false), // another spelling
            (text(id, ok, 10, 43), false),
            (text(id, ok, 22, 19), false),
            (text("$argon2i$v=19", ok, 22, 43), false),
            (text("$argon2d$v=19", ok, 22, 43), false),
            (text("$argon2id$v=16", ok, 22, 43), false),
            (text("$argon2id", ok, 22, 43), false),
            (text("$scrypt", "ln=17,r=8,p=1", 22, 43), false),
            (format!(" {}", text(id, ok, 22, 43)), false),
            (format!("{}$", text(id, ok, 22, 43)), false),
            (format!("{id}${ok}${}", "A".repeat(22)), false),
            ("$2b$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned(), false),
            ("A".repeat(10_000_000), false),
            (String::new(), false),
        ] {
            let parsed = PasswordHash::parse(&candidate);
            assert_eq!(parsed.is_ok(), is_hash, "{}", candidate.chars().take(90).collect::<String>());
            assert!(parsed.is_err() || parsed.is_ok_and(|hash| hash.as_str() == candidate));
        }
    }

    #[test]
    fn costs_have_bounds() {
        for (memory_kib, iterations, lanes, refused) in [
            (19_456, 2, 1, None),
            (47_104, 1, 1, None),
            (7_168, 5, 1, None),
            (7_168, 10, 16, None),
            (1_048_576, 10, 16, None),
            (19_455, 2, 1, Some("memory_kib")),
            (47_103, 1, 1, Some("memory_kib")),
            (1_048_577, 2, 1, Some("memory_kib")),
            (u32::MAX, 2, 1, Some("memory_kib")),
            (19_456, 0, 1, Some("iterations")),
            (19_456, 11, 1, Some("iterations")),
            (19_456, 2, 0, Some("lanes")),
            (19_456, 2, 17, Some("lanes")),
        ] {
            let made = HashParameters::new(memory_kib, iterations, lanes);
            assert_eq!(made.err().map(|e| e.key), refused, "{memory_kib} {iterations} {lanes}");
            if let Ok(cost) = made {
                let nobody = PasswordHash::of_nobody(cost);
                assert_eq!(PasswordHash::parse(nobody.as_str()), Ok(nobody), "what we make we read");
            }
        }
        let default = HashParameters::default();
        assert_eq!(HashParameters::new(default.memory_kib, default.iterations, default.lanes), Ok(default));
    }

    #[test]
    fn debug_shows_nothing() {
        let hash = PasswordHash::of_nobody(HashParameters::default());
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
        assert!(!NotAPasswordHash.to_string().contains("AAAA"));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_as_it_is(
            text in "\\PC{0,60}|\\$argon2(id|i|d)?\\$v=[0-9]{1,3}\\$m=[0-9]{1,11},t=[0-9]{1,3},p=[0-9]{1,3}\\$[A-Za-z0-9+/=]{0,70}\\$[A-Za-z0-9+/]{0,90}"
        ) {
            if let Ok(hash) = PasswordHash::parse(&text) {
                prop_assert_eq!(hash.as_str(), text.as_str());
                prop_assert!(hash.facts().is_ok());
            }
        }
    }
}
