//! A session: one login on one device, as a record. Whether it is usable is the verdict's to say.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use crate::client_address::AddressKept;
use crate::time::Timestamp;
use crate::world::{Random, RandomUnavailable};

/// Longest subject in bytes: fits every index of both databases.
pub const SUBJECT_BYTES_MAX: usize = 255;
/// Longest stored `User-Agent` in bytes: enough to name browser and system; longer ones are cut.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// Longest name of an authentication method in bytes.
pub const AUTH_METHOD_BYTES_MAX: usize = 32;

/// The public name of a session (UUID version 7, RFC 9562 section 5.7): safe to show, log and put in a URL, useless for logging in.
///
/// Sorts by creation time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Uuid);

impl SessionId {
    /// A new id for a session created at `now`.
    ///
    /// # Errors
    /// When no randomness is to be had.
    pub fn new(now: Timestamp, random: &dyn Random) -> Result<Self, RandomUnavailable> {
        let mut tail = [0; 10];
        random.fill(&mut tail)?;
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        Ok(Self(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()))
    }

    /// What is before every id of a session created at `at` or later.
    pub fn first_of(at: Timestamp) -> Self {
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
    }

    /// Takes an id read from a store.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The id that follows this one in their order: a list of what is before it begins with this one.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// The id as a UUID, for a store.
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = NotASessionId;

    /// Reads the hyphenated form only, in either case.
    fn from_str(text: &str) -> Result<Self, NotASessionId> {
        if text.len() != 36 {
            return Err(NotASessionId);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| NotASessionId)
    }
}

/// The text is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a session id: expected a UUID such as 0199b7c2-0000-7000-8000-000000000000")]
pub struct NotASessionId;

/// Whose session it is: opaque text of 1 to 255 bytes that the application chooses, such as a user id.
///
/// ```
/// use cloakroom_core::session::Subject;
///
/// assert!(Subject::new("42").is_ok());
/// assert!(Subject::new("").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(Box<str>);

impl Subject {
    /// Takes a subject.
    ///
    /// # Errors
    /// When it is empty, longer than 255 bytes or contains U+0000 (which PostgreSQL cannot store).
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, NotASubject> {
        let text = text.into();
        if text.is_empty() || text.len() > SUBJECT_BYTES_MAX || text.contains('\0') {
            return Err(NotASubject { bytes: text.len() });
        }
        Ok(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 1 to {SUBJECT_BYTES_MAX} bytes and no U+0000; found {bytes} bytes")]
pub struct NotASubject {
    /// Bytes found.
    pub bytes: usize,
}

/// How the subject proved who it is: 1 to 32 lower-case ASCII letters, digits, `_` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthMethod(Cow<'static, str>);

impl AuthMethod {
    /// A password, checked by whoever issued the session.
    pub const fn password() -> Self {
        Self(Cow::Borrowed("password"))
    }

    /// Takes a method's name.
    ///
    /// # Errors
    /// When it is not 1 to 32 characters of `a-z`, `0-9`, `_`, `-`.
    pub fn new(text: &str) -> Result<Self, NotAnAuthMethod> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        if text.is_empty() || text.len() > AUTH_METHOD_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(NotAnAuthMethod);
        }
        Ok(if text == Self::password().as_str() { Self::password() } else { Self(Cow::Owned(text.to_owned())) })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text cannot name an authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an authentication method has 1 to {AUTH_METHOD_BYTES_MAX} characters of a-z, 0-9, '_' and '-'")]
pub struct NotAnAuthMethod;

/// What is known of the client, for the list of devices. A hint for people, never a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientFacts {
    user_agent: Option<Box<str>>,
    ip: Option<IpAddr>,
}

impl ClientFacts {
    /// Takes what a request said. The `User-Agent` is cut to 256 bytes at a character boundary, its control
    /// characters become spaces; an IPv4-mapped IPv6 address becomes IPv4.
    pub fn new(user_agent: Option<&str>, ip: Option<IpAddr>) -> Self {
        let user_agent = user_agent.map(cleaned).filter(|text| !text.is_empty());
        Self { user_agent, ip: ip.map(|ip| ip.to_canonical()) }
    }

    /// The `User-Agent`, cleaned.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The address the login came from.
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// With no more of the address than is to be kept.
    #[must_use]
    pub fn keeping(self, kept: AddressKept) -> Self {
        Self { ip: self.ip.and_then(|ip| kept.of(ip)), ..self }
    }
}

fn cleaned(text: &str) -> Box<str> {
    let mut kept = String::with_capacity(text.len().min(USER_AGENT_BYTES_MAX));
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if kept.len() + c.len_utf8() > USER_AGENT_BYTES_MAX {
            break;
        }
        kept.push(c);
    }
    kept.trim().into()
}

/// A session as a store keeps it, without its token digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Its public name.
    pub id: SessionId,
    /// Whose it is.
    pub subject: Subject,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When the credential was last proven: at login, and again at a step-up.
    pub authenticated_at: Timestamp,
    /// The last recorded use. Trails the real one by at most the policy's touch interval.
    pub last_seen_at: Timestamp,
    /// Unused for this long, it is ended (ASVS 5.0 7.3.1). `None`: only the absolute timeout ends it.
    pub idle_timeout: Option<Duration>,
    /// From this time on it is ended, however much it is used (ASVS 5.0 7.3.2).
    pub absolute_expires_at: Timestamp,
    /// How the subject proved who it is.
    pub auth_method: AuthMethod,
    /// What was known of the client at login.
    pub client: ClientFacts,
}

/// The times of a session that decide whether it is usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// As [`SessionRecord::authenticated_at`].
    pub authenticated_at: Timestamp,
    /// As [`SessionRecord::last_seen_at`].
    pub last_seen_at: Timestamp,
    /// As [`SessionRecord::idle_timeout`].
    pub idle_timeout: Option<Duration>,
    /// As [`SessionRecord::absolute_expires_at`].
    pub absolute_expires_at: Timestamp,
}

impl From<&SessionRecord> for Times {
    fn from(record: &SessionRecord) -> Self {
        Self {
            authenticated_at: record.authenticated_at,
            last_seen_at: record.last_seen_at,
            idle_timeout: record.idle_timeout,
            absolute_expires_at: record.absolute_expires_at,
        }
    }
}

impl SessionRecord {
    /// Whether neither of its own timeouts has passed at `now`.
    ///
    /// What a statement in a store can decide without a policy. Whether it is *usable* is the
    /// [verdict](crate::verdict::verdict)'s to say, which can only be stricter.
    pub fn is_living(&self, now: Timestamp) -> bool {
        now < self.absolute_expires_at && self.idle_timeout.is_none_or(|idle| now < self.last_seen_at.plus(idle))
    }
}

#[cfg(test)]
impl SessionRecord {
    /// Some session, of which a test says what matters to it: issued at 0, and ended absolutely then.
    pub(crate) fn example() -> Self {
        let login = Timestamp::from_millis(0);
        Self {
            id: SessionId::new(login, &crate::world::PredictableRandom::from_seed(1)).unwrap(),
            subject: Subject::new("ada").unwrap(),
            created_at: login,
            authenticated_at: login,
            last_seen_at: login,
            idle_timeout: None,
            absolute_expires_at: login,
            auth_method: AuthMethod::password(),
            client: ClientFacts::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::PredictableRandom;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let random = PredictableRandom::from_seed(3);
        let early = SessionId::new(Timestamp::from_millis(1_000), &random).unwrap();
        let late = SessionId::new(Timestamp::from_millis(1_001), &random).unwrap();
        assert!(early < late);
        assert_eq!(early.as_uuid().get_version_num(), 7);
        assert_eq!(early.to_string().parse(), Ok(early));
    }

    #[test]
    fn texts_that_are_not_ids() {
        for evil in ["", "1", "0199b7c200007000800000000000000", "{0199b7c2-0000-7000-8000-00000000000}", "' OR 1=1--"]
        {
            assert_eq!(evil.parse::<SessionId>(), Err(NotASessionId), "{evil:?}");
        }
    }

    #[test]
    fn subjects_are_bounded() {
        assert!(Subject::new("x".repeat(255)).is_ok());
        assert_eq!(Subject::new("x".repeat(256)), Err(NotASubject { bytes: 256 }));
        assert!(Subject::new("a\0b").is_err());
    }

    #[test]
    fn client_facts_are_cut_and_cleaned() {
        let facts = ClientFacts::new(Some(&"é\n".repeat(400)), "::ffff:10.0.0.1".parse().ok());
        assert!(facts.user_agent().is_some_and(|ua| ua.len() <= 256 && !ua.contains('\n')));
        assert_eq!(facts.ip(), "10.0.0.1".parse().ok());
        assert_eq!(ClientFacts::new(Some(" \t "), None), ClientFacts::default());
    }
}
