//! How long sessions live and how many there may be: every limit with its range and its reason.

use std::time::Duration;

use crate::client_address::AddressKept;
use crate::session::Times;
use crate::skew::SKEW_MAX;
use crate::time::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest any session may live: browsers cap a cookie's age at 400 days (RFC 6265bis section 5.5).
pub const LIFETIME_MAX: Duration = Duration::from_secs(400 * DAY);
/// The shortest timeout: below a second, network delay decides who is logged in.
pub const TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// A session's recorded use trails its real use by at most this part of its idle timeout.
pub const TOUCH_FRACTION: u32 = 20;

/// The limits of sessions (ASVS 5.0 7.1.1 and 7.1.2 ask that they are written down; this is the place).
///
/// ```
/// use cloakroom_core::policy::Policy;
/// use std::time::Duration;
///
/// let policy = Policy { idle_timeout: Duration::from_secs(15 * 60), ..Policy::default() };
/// assert!(policy.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Unused for this long, a session ends. 1 s up to `absolute_timeout`; default 2 h: a lunch break and a meeting
    /// without logging in again (NIST SP 800-63B-4 2.1.3 leaves it open at AAL1).
    pub idle_timeout: Duration,
    /// This long after the login a session ends. 1 s to 400 d; default 24 h, what NIST advises one level higher (2.2.3).
    pub absolute_timeout: Duration,
    /// The idle timeout of a session whose owner asked to be kept signed in. Default 14 d.
    pub keep_idle_timeout: Duration,
    /// The absolute timeout of a session whose owner asked to be kept signed in. Default 30 d, NIST's advice for AAL1 (2.1.3).
    pub keep_absolute_timeout: Duration,
    /// A use is recorded at most this often per session, so that validation does not write. 0 s to 1 h; default 1 min.
    /// Never more than a twentieth of the session's idle timeout.
    pub touch_every: Duration,
    /// How long after authentication a session counts as recent. 1 s to 24 h; default 10 min.
    pub recent: Duration,
    /// How many sessions a subject may have at once; at one more, the oldest ends. 1 to 10,000; default 50: more
    /// devices than a person has, few enough that a stolen password cannot fill the table.
    pub max_per_subject: u32,
    /// How long a session that expired stays in its table, so that its owner can be told why. 0 s to 400 d; default 1 d.
    pub retention: Duration,
    /// How long the feed keeps endings: the history a person sees. 1 h to 4,000 d; default 30 d.
    pub feed_retention: Duration,
    /// How long after the login a session remembers the client's address and `User-Agent`, which are personal data. 0 s to
    /// 400 d; default 30 d. The session itself lives on, as an unknown device.
    pub client_retention: Duration,
    /// How much of the client's address a session remembers at all. Default: all of it.
    pub client_address: AddressKept,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(2 * HOUR),
            absolute_timeout: Duration::from_secs(24 * HOUR),
            keep_idle_timeout: Duration::from_secs(14 * DAY),
            keep_absolute_timeout: Duration::from_secs(30 * DAY),
            touch_every: Duration::from_secs(MINUTE),
            recent: Duration::from_secs(10 * MINUTE),
            max_per_subject: 50,
            retention: Duration::from_secs(DAY),
            feed_retention: Duration::from_secs(30 * DAY),
            client_retention: Duration::from_secs(30 * DAY),
            client_address: AddressKept::default(),
        }
    }
}

/// A limit outside its range: the program's or the configuration's mistake, found before anything runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("session.{key}: found {found}, allowed {allowed}")]
pub struct PolicyError {
    /// The field's name, which is also its configuration key.
    pub key: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// Which lifetimes a login asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Until the browser closes, under the short timeouts.
    #[default]
    ThisVisit,
    /// "Keep me signed in": a persistent cookie under the long timeouts.
    SignedIn,
}

/// The timeouts a new session gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Idle timeout.
    pub idle: Duration,
    /// Absolute timeout.
    pub absolute: Duration,
}

impl Policy {
    /// Checks every limit against its range and against the others.
    ///
    /// # Errors
    /// The first limit that is out of range, with what was found and what is allowed.
    pub fn check(&self) -> Result<(), PolicyError> {
        let hour = Duration::from_secs(HOUR);
        let day = Duration::from_secs(DAY);
        within("absolute_timeout", self.absolute_timeout, TIMEOUT_MIN, LIFETIME_MAX)?;
        within("idle_timeout", self.idle_timeout, TIMEOUT_MIN, self.absolute_timeout)?;
        within("keep_absolute_timeout", self.keep_absolute_timeout, self.absolute_timeout, LIFETIME_MAX)?;
        within("keep_idle_timeout", self.keep_idle_timeout, TIMEOUT_MIN, self.keep_absolute_timeout)?;
        within("touch_every", self.touch_every, Duration::ZERO, hour)?;
        within("recent", self.recent, TIMEOUT_MIN, day)?;
        within("retention", self.retention, Duration::ZERO, LIFETIME_MAX)?;
        within("feed_retention", self.feed_retention, hour, 10 * LIFETIME_MAX)?;
        within("client_retention", self.client_retention, Duration::ZERO, LIFETIME_MAX)?;
        if !(1..=10_000).contains(&self.max_per_subject) {
            let found = self.max_per_subject.to_string();
            return Err(PolicyError { key: "max_per_subject", found, allowed: "1 to 10000".to_owned() });
        }
        Ok(())
    }

    /// The timeouts of a new session.
    pub const fn lifetime(&self, keep: Keep) -> Lifetime {
        match keep {
            Keep::ThisVisit => Lifetime { idle: self.idle_timeout, absolute: self.absolute_timeout },
            Keep::SignedIn => Lifetime { idle: self.keep_idle_timeout, absolute: self.keep_absolute_timeout },
        }
    }

    /// Whether a session was authenticated within [`recent`](Self::recent) before `now`; at exactly that age it is no more (ASVS 5.0 7.5.3).
    ///
    /// A time in the future is another machine's clock: up to the bearable skew it counts, beyond it nothing is believed.
    ///
    /// ```
    /// use cloakroom_core::policy::Policy;
    /// use cloakroom_core::time::Timestamp;
    ///
    /// let (policy, login) = (Policy::default(), Timestamp::from_millis(0));
    /// assert!(policy.is_recent(login, login.plus(policy.recent / 2)));
    /// assert!(!policy.is_recent(login, login.plus(policy.recent)));
    /// ```
    pub fn is_recent(&self, authenticated_at: Timestamp, now: Timestamp) -> bool {
        now.since(authenticated_at) < self.recent && authenticated_at <= now.plus(SKEW_MAX)
    }

    /// Whether a session was issued as "keep me signed in": it lives under longer timeouts than a visit has.
    pub fn is_kept(&self, of: impl Into<Times>) -> bool {
        let times = of.into();
        times.absolute_expires_at > times.authenticated_at.plus(self.absolute_timeout)
    }

    /// How old the recorded use of a session may be before a use is recorded again.
    pub fn touch_interval(&self, of: impl Into<Times>) -> Duration {
        of.into().idle_timeout.map_or(self.touch_every, |idle| self.touch_every.min(idle / TOUCH_FRACTION))
    }
}

/// Whether a limit is within its range.
pub(crate) fn within(key: &'static str, found: Duration, min: Duration, max: Duration) -> Result<(), PolicyError> {
    if found < min || found > max {
        let allowed = format!("{min:?} to {max:?}");
        return Err(PolicyError { key, found: format!("{found:?}"), allowed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_allowed_and_within_nist() {
        let policy = Policy::default();
        assert_eq!(policy.check(), Ok(()));
        assert!(policy.keep_absolute_timeout <= Duration::from_secs(30 * DAY)); // NIST SP 800-63B-4 2.1.3
    }

    #[test]
    fn each_limit_is_checked() {
        let ok = Policy::default();
        let zero = Duration::ZERO;
        for (bad, key) in [
            (Policy { idle_timeout: zero, ..ok.clone() }, "idle_timeout"),
            (Policy { idle_timeout: Duration::from_secs(25 * HOUR), ..ok.clone() }, "idle_timeout"),
            (Policy { absolute_timeout: Duration::from_secs(401 * DAY), ..ok.clone() }, "absolute_timeout"),
            (Policy { keep_absolute_timeout: Duration::from_secs(HOUR), ..ok.clone() }, "keep_absolute_timeout"),
            (Policy { keep_idle_timeout: Duration::from_secs(31 * DAY), ..ok.clone() }, "keep_idle_timeout"),
            (Policy { touch_every: Duration::from_secs(2 * HOUR), ..ok.clone() }, "touch_every"),
            (Policy { recent: zero, ..ok.clone() }, "recent"),
            (Policy { retention: Duration::MAX, ..ok.clone() }, "retention"),
            (Policy { feed_retention: zero, ..ok.clone() }, "feed_retention"),
            (Policy { client_retention: Duration::MAX, ..ok.clone() }, "client_retention"),
            (Policy { max_per_subject: 0, ..ok.clone() }, "max_per_subject"),
        ] {
            assert_eq!(bad.check().map_err(|e| e.key), Err(key));
        }
    }
}
