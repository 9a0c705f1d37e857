//! What happened that security is about: a closed list of kinds, by the names of OWASP's logging vocabulary, and the record that is
//! kept of each. Nothing typed is in it: an account is named by its subject.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::session::{ClientFacts, SessionId, Subject};
use crate::time::Timestamp;
use crate::world::{Random, RandomUnavailable};

/// Longest reason in bytes.
pub const REASON_BYTES_MAX: usize = 32;
/// Most events that are kept: of more, the oldest go.
pub const EVENTS_MAX: u32 = 1_000_000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $is_success:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $variant,)* }

        impl EventKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in OWASP's logging vocabulary, which is the word a store keeps.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Whether what was asked for was done.
            pub const fn is_success(self) -> bool {
                match self { $(Self::$variant => $is_success,)* }
            }
        }

        impl FromStr for EventKind {
            type Err = NotAKind;

            fn from_str(text: &str) -> Result<Self, NotAKind> {
                match text { $($text => Ok(Self::$variant),)* _ => Err(NotAKind) }
            }
        }
    };
}

kinds! {
    /// Somebody logged in.
    LoginSuccess = "authn_login_success", true;
    /// A credential was refused: of an account where one was meant, of nobody's otherwise.
    LoginFail = "authn_login_fail", false;
    /// A login name was locked after too many failures.
    LoginLock = "authn_login_lock", false;
    /// A password was changed.
    PasswordChange = "authn_password_change", true;
    /// A password was not changed: the current one was wrong.
    PasswordChangeFail = "authn_password_change_fail", false;
    /// Sessions were ended by their owner or by an operator.
    TokenRevoked = "authn_token_revoked", true;
    /// A service token was made.
    ServiceTokenCreated = "authn_token_created", true;
    /// A service token was removed.
    ServiceTokenRemoved = "authn_token_delete", true;
    /// Somebody asked for what they may not do.
    AuthzFail = "authz_fail", false;
    /// An administrator did something to others' sessions.
    AuthzAdmin = "authz_admin", true;
    /// An attempt was refused because there were too many.
    RateLimit = "excess_rate_limit_exceeded", false;
    /// A login made more sessions than a subject may have; the oldest ended.
    SessionsExceeded = "excess_sessions_exceeded", true;
    /// Another site made a browser send something.
    CrossSite = "malicious_csrf", false;
    /// The credential was proven again (step-up): the session has a new token.
    SessionRenewed = "session_renewed", true;
    /// Somebody logged out.
    SessionLogout = "session_logout", true;
    /// A token was presented whose session has ended.
    UseAfterEnd = "session_use_after_expire", false;
    /// An account was made.
    UserCreated = "user_created", true;
    /// An account was disabled, enabled or unlocked.
    UserUpdated = "user_updated", true;
    /// An account was removed.
    UserDeleted = "user_deleted", true;
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no kind of event that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of event that this version knows")]
pub struct NotAKind;

/// The name of an event (UUID version 7, RFC 9562 section 5.7): sorts by when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id for an event that happened at `at`.
    ///
    /// # Errors
    /// When no randomness is to be had.
    pub fn new(at: Timestamp, random: &dyn Random) -> Result<Self, RandomUnavailable> {
        SessionId::new(at, random).map(|id| Self(*id.as_uuid()))
    }

    /// The same, or the first one after `last` where that happened in the same millisecond: what one process records stays in its
    /// order (RFC 9562 section 6.2).
    #[must_use]
    pub fn after(self, last: Self) -> Self {
        self.max(Self(Uuid::from_u128(last.0.as_u128().saturating_add(1))))
    }

    /// Takes an id read from a store.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The id as a UUID, for a store.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }

    /// What is before every id of `at` and later.
    pub fn first_of(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Why: 1 to 32 lower-case ASCII letters, digits or `_`, from a closed list of whoever records it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EventReason(Box<str>);

impl EventReason {
    /// Takes a word.
    ///
    /// # Errors
    /// When it is no word of 1 to 32 characters of `a-z`, `0-9` and `_`: nothing that somebody typed gets in.
    pub fn new(word: &str) -> Result<Self, NotAReason> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if word.is_empty() || word.len() > REASON_BYTES_MAX || !word.bytes().all(allowed) {
            return Err(NotAReason);
        }
        Ok(Self(word.into()))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is no reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reason has 1 to {REASON_BYTES_MAX} characters of a-z, 0-9 and '_'")]
pub struct NotAReason;

/// One event: when, who, where from, what, why, in which request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityEvent {
    /// Its name.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// Whose account or sessions it is about; `None` where that is nobody's or not known.
    pub subject: Option<Subject>,
    /// In or about which session.
    pub session: Option<SessionId>,
    /// Why.
    pub reason: Option<EventReason>,
    /// Where from; nothing for what an operator did.
    pub client: ClientFacts,
    /// The request it happened in, as its answer and the log name it.
    pub request: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::PredictableRandom;

    #[test]
    fn every_kind_reads_back_and_is_named_after_the_vocabulary() {
        for kind in EventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
            let family = kind.as_str().split('_').next().unwrap();
            assert!(["authn", "authz", "excess", "malicious", "session", "user"].contains(&family), "{kind}");
        }
        assert_eq!("authn_login".parse::<EventKind>(), Err(NotAKind));
    }

    #[test]
    fn ids_sort_by_time_and_have_a_first() {
        let random = PredictableRandom::from_seed(1);
        let at = |ms: i64| Timestamp::from_millis(1_790_000_000_000 + ms);
        let [early, late] = [0, 1].map(|ms| EventId::new(at(ms), &random).unwrap());
        let next = EventId::new(at(0), &random).unwrap().after(early);
        assert!(early < next && next < EventId::first_of(at(1)) && late.after(early) == late);
        assert!(
            EventId::first_of(at(0)) < early && early < EventId::first_of(at(1)) && EventId::first_of(at(1)) < late
        );
    }

    #[test]
    fn nothing_typed_is_a_reason() {
        assert!(EventReason::new("wrong_password").is_ok());
        for text in ["", "Wrong", "wrong password", "a\nb", "ada@example.org", &"x".repeat(33)] {
            assert_eq!(EventReason::new(text), Err(NotAReason), "{text:?}");
        }
    }
}
