//! The words the tables keep, the same in both databases.

use cloakroom_core::account::Role;
use cloakroom_core::coherence::Change;
use cloakroom_core::ending::EndReason;
use cloakroom_core::session::SessionId;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;

/// The word a role is stored as.
pub(crate) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Person => "person",
        Role::Administrator => "administrator",
    }
}

/// The role a word stands for.
pub(crate) fn role_from(word: &str) -> Result<Role, ()> {
    match word {
        "person" => Ok(Role::Person),
        "administrator" => Ok(Role::Administrator),
        _ => Err(()),
    }
}

/// Why an entry of the feed was written. A word of a later version, or none, is somebody else's: by hand.
pub(crate) fn reason_from(word: Option<&str>) -> EndReason {
    word.and_then(|word| word.parse().ok()).unwrap_or(EndReason::ByHand)
}

/// The first eight bytes as a number, the most significant first.
#[cfg(feature = "sqlite")]
pub(crate) fn leading(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What an entry of the feed that names a session says of it.
pub(crate) fn change_from(
    kind: &str,
    digest: TokenDigest,
    session: SessionId,
    reason: EndReason,
    at: Timestamp,
) -> Change {
    match kind {
        "ended" => Change::Ended { digest, session, reason, at },
        _ => Change::Changed { digest, session },
    }
}
