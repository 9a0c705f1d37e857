//! A usable session as an instance holds it in memory: what a request needs of its record, packed.
//!
//! Without the client facts, which no request needs and which are the largest part.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crate::session::{AuthMethod, SessionId, SessionRecord, Subject, Times};
use crate::time::{Timestamp, millis};
use crate::token::TokenDigest;

static PASSWORD: AuthMethod = AuthMethod::password();

/// A session held in memory: its record without the client facts.
pub struct Held {
    last_seen_at: AtomicI64,
    subject: Subject,
    /// `None` is a password, which nearly all are.
    auth_method: Option<Box<AuthMethod>>,
    digest: TokenDigest,
    id: SessionId,
    created_at: Packed,
    authenticated_at: Packed,
    absolute_expires_at: Packed,
    idle_timeout: PackedSpan,
    was_used: AtomicBool,
}

impl Held {
    /// What is held of `record`. Times some 4,400 years away are moved to where the range ends.
    pub fn of(digest: TokenDigest, record: &SessionRecord) -> Self {
        let auth_method = &record.auth_method;
        Self {
            last_seen_at: AtomicI64::new(record.last_seen_at.as_millis()),
            subject: record.subject.clone(),
            auth_method: (*auth_method != PASSWORD).then(|| Box::new(auth_method.clone())),
            digest,
            id: record.id,
            created_at: Packed::of(record.created_at),
            authenticated_at: Packed::of(record.authenticated_at),
            absolute_expires_at: Packed::of(record.absolute_expires_at),
            idle_timeout: PackedSpan::of(record.idle_timeout),
            was_used: AtomicBool::new(false),
        }
    }

    /// Its token digest.
    pub const fn digest(&self) -> &TokenDigest {
        &self.digest
    }

    /// Its public name.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whose it is.
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// How the subject proved who it is.
    pub fn auth_method(&self) -> &AuthMethod {
        self.auth_method.as_deref().unwrap_or(&PASSWORD)
    }

    /// When it was issued.
    pub fn created_at(&self) -> Timestamp {
        self.created_at.timestamp()
    }

    /// The times that decide whether it is usable, the last use this instance knows of among them.
    pub fn times(&self) -> Times {
        Times {
            authenticated_at: self.authenticated_at.timestamp(),
            last_seen_at: Timestamp::from_millis(self.last_seen_at.load(Ordering::Relaxed)),
            idle_timeout: self.idle_timeout.span(),
            absolute_expires_at: self.absolute_expires_at.timestamp(),
        }
    }

    /// Notes a use that is going to be recorded; `false` if somebody noted one as late already.
    pub fn note_use(&self, used_at: Timestamp) -> bool {
        self.last_seen_at.fetch_max(used_at.as_millis(), Ordering::Relaxed) < used_at.as_millis()
    }

    /// Remembers that it was asked for, so that others make room first.
    pub(super) fn mark(&self) {
        if !self.was_used.load(Ordering::Relaxed) {
            self.was_used.store(true, Ordering::Relaxed); // only then: a write takes the line from every other processor
        }
    }

    /// Whether it was asked for since it was last asked this.
    pub(super) fn unmark(&self) -> bool {
        self.was_used.swap(false, Ordering::Relaxed)
    }
}

impl fmt::Debug for Held {
    /// Shows the session's public name only: a subject may be somebody's e-mail address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Two are the same if they say the same of the same session.
impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        let facts = |held: &Self| (held.digest, held.id, held.created_at(), held.times());
        facts(self) == facts(other) && self.subject == other.subject && self.auth_method() == other.auth_method()
    }
}

impl Eq for Held {}

/// A time in 48 bits.
#[derive(Clone, Copy)]
struct Packed([u8; 6]);

impl Packed {
    const MAX: i64 = (1 << 47) - 1;

    fn of(time: Timestamp) -> Self {
        let [bytes @ .., _, _] = time.as_millis().clamp(-Self::MAX, Self::MAX).to_le_bytes();
        Self(bytes)
    }

    fn timestamp(self) -> Timestamp {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.0);
        // Up and down again, so that the sign comes along.
        Timestamp::from_millis(i64::from_le_bytes(bytes) >> 16)
    }
}

/// A duration in 40 bits, the largest standing for none.
#[derive(Clone, Copy)]
struct PackedSpan([u8; 5]);

impl PackedSpan {
    const NONE: u64 = (1 << 40) - 1;

    fn of(span: Option<Duration>) -> Self {
        let ms = span.map_or(Self::NONE, |span| millis(span).unsigned_abs().min(Self::NONE - 1));
        let [bytes @ .., _, _, _] = ms.to_le_bytes();
        Self(bytes)
    }

    fn span(self) -> Option<Duration> {
        let mut bytes = [0; 8];
        bytes[..5].copy_from_slice(&self.0);
        let ms = u64::from_le_bytes(bytes);
        (ms != Self::NONE).then(|| Duration::from_millis(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(ms: [i64; 4], idle: Option<u64>, method: &str) -> SessionRecord {
        let [created, authenticated, seen, absolute] = ms.map(Timestamp::from_millis);
        SessionRecord {
            created_at: created,
            authenticated_at: authenticated,
            last_seen_at: seen,
            idle_timeout: idle.map(Duration::from_millis),
            absolute_expires_at: absolute,
            auth_method: AuthMethod::new(method).unwrap(),
            ..SessionRecord::example()
        }
    }

    #[test]
    fn a_held_session_is_small() {
        assert!(size_of::<Held>() <= 104, "{}", size_of::<Held>());
    }

    #[test]
    fn a_use_is_noted_once_and_never_backwards() {
        let held = Held::of(TokenDigest::from_bytes([1; 32]), &record([0, 0, 10, 100], Some(50), "password"));
        assert!(held.note_use(Timestamp::from_millis(20)));
        assert!(!held.note_use(Timestamp::from_millis(20)));
        assert!(!held.note_use(Timestamp::from_millis(15)));
        assert_eq!(held.times().last_seen_at, Timestamp::from_millis(20));
    }

    proptest! {
        #[test]
        fn nothing_of_a_record_is_lost(
            ms: [i64; 4], idle in prop::option::of(0..(1_u64 << 40) - 1), method in "password|passkey",
        ) {
            let ms = ms.map(|ms| ms >> 17); // within the range
            let record = record(ms, idle, &method);
            let held = Held::of(TokenDigest::from_bytes([7; 32]), &record);
            prop_assert_eq!(held.times(), Times::from(&record));
            prop_assert_eq!((held.created_at(), held.id()), (record.created_at, record.id));
            prop_assert_eq!((held.subject(), held.auth_method()), (&record.subject, &record.auth_method));
        }

        #[test]
        fn no_time_moves_to_the_other_side(ms: i64) {
            let packed = Packed::of(Timestamp::from_millis(ms)).timestamp().as_millis();
            prop_assert!(packed.unsigned_abs() <= ms.unsigned_abs() && packed.signum() == ms.signum());
        }
    }
}
