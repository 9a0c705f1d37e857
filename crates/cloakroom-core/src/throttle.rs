//! Slowing guesses down: what is counted of attempts to log in, and what becomes of the next one. Pure: the store keeps the
//! counters under a lock and asks here, so that fifty guesses at once are fifty, on every instance.
//!
//! An attempt is counted before its password is hashed, as one under way; when it is settled, it becomes a failure or takes the
//! failures away. What is refused is not counted, or anybody could lock a person out.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::account::LoginName;
use crate::client_address::Network;
use crate::session::SessionId;
use crate::time::Timestamp;

/// Failures in a row that cost nothing but themselves.
pub const FREE_FAILURES: u32 = 5;
/// What the next attempt waits after that; each failure doubles it, up to [`DELAY_MAX`].
pub const DELAY_FIRST: Duration = Duration::from_secs(30);
/// The longest wait between two attempts: who was away for an hour may try.
pub const DELAY_MAX: Duration = Duration::from_hours(1);
/// Failures in a row after which no attempt is made any more until an operator says so (NIST SP 800-63B-4 3.2.2).
pub const LOCK_AFTER: u32 = 100;
/// A network gets one failure back this often.
pub const REFILL: Duration = Duration::from_secs(10);
/// An attempt that is not settled after this long never will be: it counts as a failure.
pub const UNDER_WAY_MAX: Duration = Duration::from_mins(1);
/// Counters that nobody touched for this long are forgotten, unless they are locked.
pub const COUNTER_RETENTION: Duration = Duration::from_hours(30 * 24);
/// Most counters that are kept: of more, those with the fewest failures go, the oldest first.
pub const COUNTERS_MAX: u32 = 100_000;

/// Under which key something is counted: SHA-256, so that no table says which names were typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// That of a login name, whether or not an account has it.
    pub fn of_login_name(name: &LoginName) -> Self {
        Self::of("login name", name.as_str().as_bytes())
    }

    /// That of the network a client has at its command.
    pub fn of_network(client: IpAddr) -> Self {
        Self::of("network", Network::of_client(client).to_string().as_bytes())
    }

    /// That of what is confirmed within a session.
    pub fn of_session(id: SessionId) -> Self {
        Self::of("session", id.as_uuid().as_bytes())
    }

    /// Takes a key read from a store.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(kind: &str, what: &[u8]) -> Self {
        let mut digest = Sha256::new();
        for part in [b"cloakroom counter 1".as_slice(), kind.as_bytes()] {
            digest.update(part);
            digest.update([0]);
        }
        digest.update(what);
        Self(digest.finalize().into())
    }
}

/// What a store keeps under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Failures in a row.
    pub failures: u32,
    /// Attempts that are neither settled nor given up.
    pub under_way: u32,
    /// Of a name: before this, no attempt. Of a network: when its budget is whole again.
    pub until: Timestamp,
    /// When it was last written.
    pub changed_at: Timestamp,
}

impl Counter {
    const fn new(at: Timestamp) -> Self {
        Self { failures: 0, under_way: 0, until: at, changed_at: at }
    }

    /// Whether nothing is lost by forgetting it.
    pub(crate) fn is_blank(&self, at: Timestamp) -> bool {
        self.failures == 0 && self.under_way == 0 && self.until <= at
    }

    /// Whether no attempt is made any more.
    pub const fn is_locked(&self) -> bool {
        self.failures >= LOCK_AFTER
    }

    /// With attempts that will never be settled as failures.
    fn without_lost(self, at: Timestamp) -> Self {
        if self.under_way == 0 || at.since(self.changed_at) < UNDER_WAY_MAX {
            return self;
        }
        let failures = self.failures.saturating_add(self.under_way);
        Self { failures, under_way: 0, until: self.changed_at.plus(delay(failures)), ..self }
    }
}

/// How long the next attempt waits after so many failures in a row.
///
/// ```
/// use cloakroom_core::throttle::delay;
///
/// assert_eq!([4, 5, 6, 7, 12, 99].map(|failures| delay(failures).as_secs()), [0, 30, 60, 120, 3600, 3600]);
/// ```
pub fn delay(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(FREE_FAILURES) else { return Duration::ZERO };
    DELAY_FIRST.saturating_mul(1 << doublings.min(16)).min(DELAY_MAX)
}

/// How attempts under a key are slowed down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A delay that grows, and the lock: a login name, by whoever tries it.
    DelayAndLock,
    /// A delay that grows: a person who is signed in, and confirms. Others' failures under their name do not hold them up.
    Delay,
    /// The lock alone: the name of a person who is signed in.
    Lock,
    /// So many failures at once, and one more every [`REFILL`]: a network.
    Budget(u32),
}

/// What one attempt is counted under: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(Vec<(CounterKey, Rule)>);

impl Claims {
    /// Those of a login: its name, and the network it comes from if that is known, which may fail `budget` times.
    pub fn of_login(name: &LoginName, client: Option<IpAddr>, budget: u32) -> Self {
        let network = client.map(|client| (CounterKey::of_network(client), Rule::Budget(budget)));
        Self::sorted(std::iter::once((CounterKey::of_login_name(name), Rule::DelayAndLock)).chain(network).collect())
    }

    /// Those of a person who is signed in and proves the password again.
    pub fn of_confirmation(name: &LoginName, session: SessionId) -> Self {
        let (name, session) = (CounterKey::of_login_name(name), CounterKey::of_session(session));
        Self::sorted(vec![(name, Rule::Lock), (session, Rule::Delay)])
    }

    /// In the order in which every store locks them.
    fn sorted(mut claims: Vec<(CounterKey, Rule)>) -> Self {
        claims.sort_unstable_by_key(|(key, _)| *key);
        Self(claims)
    }

    /// The keys, in the order they are to be locked in.
    pub fn keys(&self) -> impl Iterator<Item = CounterKey> + '_ {
        self.0.iter().map(|(key, _)| *key)
    }

    /// Takes a step: `counters` are those of [`keys`](Self::keys), in their order, read under a lock. What is returned replaces
    /// them; `None` is no row.
    pub fn take(&self, step: Step, counters: &[Option<Counter>], at: Timestamp) -> (Admission, Vec<Option<Counter>>) {
        let found = |index: usize| counters.get(index).copied().flatten().unwrap_or(Counter::new(at)).without_lost(at);
        let (mut admission, mut taken) = (Admission::Admitted, Vec::with_capacity(self.0.len()));
        for (index, (_, rule)) in self.0.iter().enumerate() {
            let found = found(index);
            let (said, next) = match step {
                Step::Admit => rule.admit(found, at),
                Step::Settle(settlement) => {
                    let next = rule.settle(found, settlement, at);
                    let locks = rule.locks() && next.is_locked() && !found.is_locked();
                    (if locks { Admission::Locked } else { Admission::Admitted }, next)
                }
            };
            admission = admission.max(said);
            taken.push(Some(Counter { changed_at: at, ..next }).filter(|counter| !counter.is_blank(at)));
        }
        match admission {
            Admission::Admitted | Admission::Locked => (admission, taken),
            // Nothing is counted of what is refused.
            _ => (admission, counters.iter().map(|found| found.filter(|counter| !counter.is_blank(at))).collect()),
        }
    }
}

impl Rule {
    const fn locks(self) -> bool {
        matches!(self, Self::Lock | Self::DelayAndLock)
    }

    /// What one rule says of an attempt, and the counter if all say the same.
    fn admit(self, found: Counter, at: Timestamp) -> (Admission, Counter) {
        let all = found.failures.saturating_add(found.under_way);
        let next = Counter { under_way: found.under_way.saturating_add(1), ..found };
        let waits = if found.under_way > 0 { Admission::Waits } else { Admission::Refused(found.until.since(at)) };
        let said = match self {
            Self::Budget(budget) => {
                let until = found.until.max(at).plus(REFILL);
                let over = until.minus(REFILL.saturating_mul(budget)).since(at);
                let said = if over.is_zero() { Admission::Admitted } else { Admission::Refused(over) };
                return (said, Counter { until, ..found });
            }
            Self::Lock | Self::DelayAndLock if found.is_locked() => Admission::Refused(DELAY_MAX),
            Self::Lock if all >= LOCK_AFTER => waits,
            Self::Lock => Admission::Admitted,
            // One at a time from here on, each after its delay.
            _ if all >= FREE_FAILURES && (found.under_way > 0 || at < found.until) => waits,
            _ => Admission::Admitted,
        };
        (said, next)
    }

    /// The counter after an attempt came to its end.
    fn settle(self, found: Counter, settlement: Settlement, at: Timestamp) -> Counter {
        let under_way = found.under_way.saturating_sub(1);
        match (self, settlement) {
            (Self::Budget(_), Settlement::Failed) => found,
            (Self::Budget(_), _) => Counter { until: found.until.minus(REFILL), ..found },
            (_, Settlement::Succeeded) => Counter { failures: 0, under_way, until: at, ..found },
            (_, Settlement::Unchecked) => Counter { under_way, ..found },
            (rule, Settlement::Failed) => {
                let failures = found.failures.saturating_add(1);
                let until = if rule == Self::Lock { found.until } else { at.plus(delay(failures)) };
                Counter { failures, under_way, until, ..found }
            }
        }
    }
}

/// What is to be done to counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An attempt asks to be made.
    Admit,
    /// An attempt that was admitted has come to its end: nothing of it is refused, but it may have locked the name.
    Settle(Settlement),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The credential was right: the failures of its name are forgotten, and the network gets one back.
    Succeeded,
    /// The credential was wrong.
    Failed,
    /// It was never looked at: as if it had not been.
    Unchecked,
}

/// What becomes of an attempt. Of several that a rule each says, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Admission {
    /// It is counted and may be made.
    Admitted,
    /// Others under way decide whether it may be made: ask again in a moment.
    Waits,
    /// Not before so much time has passed. Nothing was counted.
    Refused(Duration),
    /// Of a settlement: this failure was the last one, the name is locked.
    Locked,
}

#[cfg(test)]
mod tests;
