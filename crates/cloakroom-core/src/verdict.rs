//! The one pure function that says whether a session is usable now, and if not, why.

use crate::ending::EndReason;
use crate::policy::Policy;
use crate::session::Times;
use crate::time::Timestamp;

/// Whether a record may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Usable,
    /// It ended, for this reason.
    Ended(EndReason),
}

/// When a session ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// From this time on it is ended for lack of use, unless it is used before. `None`: never.
    pub idle_expires_at: Option<Timestamp>,
    /// From this time on it is ended, whatever happens.
    pub absolute_expires_at: Timestamp,
}

/// When a session ends by itself under `policy`: of a [record](crate::session::SessionRecord), or of its times alone.
///
/// What it was promised at login counts, cut by the longest lifetimes of the policy: lowering a limit
/// binds living sessions too, raising it does not prolong them.
pub fn expiry(of: impl Into<Times>, policy: &Policy) -> Expiry {
    let times = of.into();
    let idle_max = policy.keep_idle_timeout.max(policy.idle_timeout);
    let absolute_max = policy.keep_absolute_timeout.max(policy.absolute_timeout);
    Expiry {
        idle_expires_at: times.idle_timeout.map(|idle| times.last_seen_at.plus(idle.min(idle_max))),
        absolute_expires_at: times.absolute_expires_at.min(times.authenticated_at.plus(absolute_max)),
    }
}

/// Whether a session is usable at `now` (ASVS 5.0 7.3.1 and 7.3.2, NIST SP 800-63B-4 5.2).
///
/// A session is usable strictly before its expiry: in the very millisecond of the expiry it is ended.
///
/// ```
/// use cloakroom_core::{policy::Policy, session::*, time::Timestamp, verdict::{Verdict, verdict}};
/// use std::time::Duration;
/// # use cloakroom_core::world::PredictableRandom;
/// let login = Timestamp::from_millis(0);
/// let record = SessionRecord {
///     # id: SessionId::new(login, &PredictableRandom::from_seed(1)).unwrap(),
///     # subject: Subject::new("ada").unwrap(),
///     # created_at: login, authenticated_at: login,
///     # auth_method: AuthMethod::password(), client: ClientFacts::default(),
///     last_seen_at: login,
///     idle_timeout: Some(Duration::from_secs(60)),
///     absolute_expires_at: login.plus(Duration::from_secs(3600)),
///     // …
/// };
/// assert_eq!(verdict(&record, login.plus(Duration::from_millis(59_999)), &Policy::default()), Verdict::Usable);
/// assert_ne!(verdict(&record, login.plus(Duration::from_millis(60_000)), &Policy::default()), Verdict::Usable);
/// ```
pub fn verdict(of: impl Into<Times>, now: Timestamp, policy: &Policy) -> Verdict {
    let expiry = expiry(of, policy);
    if now >= expiry.absolute_expires_at {
        return Verdict::Ended(EndReason::Absolute);
    }
    match expiry.idle_expires_at {
        Some(idle) if now >= idle => Verdict::Ended(EndReason::Idle),
        _ => Verdict::Usable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionRecord;
    use proptest::prelude::*;
    use std::time::Duration;

    fn record(last_seen: i64, idle: Option<u64>, absolute: i64) -> SessionRecord {
        SessionRecord {
            last_seen_at: Timestamp::from_millis(last_seen),
            idle_timeout: idle.map(Duration::from_millis),
            absolute_expires_at: Timestamp::from_millis(absolute),
            ..SessionRecord::example()
        }
    }

    fn at(record: &SessionRecord, now: i64) -> Verdict {
        verdict(record, Timestamp::from_millis(now), &Policy::default())
    }

    #[test]
    fn timeouts_hold_to_the_millisecond() {
        let r = record(5_000, Some(3_000), 100_000);
        assert_eq!(at(&r, 7_999), Verdict::Usable);
        assert_eq!(at(&r, 8_000), Verdict::Ended(EndReason::Idle));
        let r = record(99_000, Some(3_000), 100_000);
        assert_eq!(at(&r, 99_999), Verdict::Usable);
        assert_eq!(at(&r, 100_000), Verdict::Ended(EndReason::Absolute));
        let r = record(0, None, 100_000);
        assert_eq!(at(&r, 99_999), Verdict::Usable);
    }

    #[test]
    fn a_lowered_policy_binds_living_sessions() {
        let r = record(0, Some(10_000_000), 50_000_000);
        let policy = Policy {
            keep_idle_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(1),
            ..Policy::default()
        };
        assert_eq!(verdict(&r, Timestamp::from_millis(2_000), &policy), Verdict::Ended(EndReason::Idle));
    }

    proptest! {
        #[test]
        fn once_ended_always_ended(last_seen: i64, idle: Option<u64>, absolute: i64, now: i64, later: u32) {
            let r = record(last_seen, idle, absolute);
            if at(&r, now) != Verdict::Usable {
                prop_assert_ne!(at(&r, now.saturating_add(i64::from(later))), Verdict::Usable);
            }
        }

        #[test]
        fn nothing_is_usable_past_its_absolute_expiry(last_seen: i64, idle: Option<u64>, absolute: i64, now: i64) {
            if now >= absolute {
                prop_assert_eq!(at(&record(last_seen, idle, absolute), now), Verdict::Ended(EndReason::Absolute));
            }
        }
    }
}
