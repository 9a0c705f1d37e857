//! What a poll of the feed asks and is told: how far an instance has seen, and what it had not seen.

use std::fmt;
use std::str::FromStr;

use crate::ending::EndReason;
use crate::session::SessionId;
use crate::time::Timestamp;
use crate::token::TokenDigest;

/// How far an instance has seen the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Horizon {
    /// Everything up to this position, where one writer makes positions a total order.
    Position(i64),
    /// Everything this PostgreSQL snapshot sees, where transactions commit in any order.
    Snapshot(Snapshot),
}

impl Horizon {
    /// Whether a history that had been seen up to `earlier` can have come to this point.
    pub fn continues(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Position(now), Self::Position(then)) => now >= then,
            (Self::Snapshot(now), Self::Snapshot(then)) => now.continues(then),
            _ => false,
        }
    }
}

/// A PostgreSQL snapshot: which transactions had ended when it was taken.
///
/// ```
/// use cloakroom_core::coherence::Snapshot;
///
/// let snapshot: Snapshot = "10:14:11,13".parse()?;
/// assert!(snapshot.sees(10) && snapshot.sees(12));
/// assert!(!snapshot.sees(11) && !snapshot.sees(14));
/// # Ok::<(), cloakroom_core::coherence::NotASnapshot>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    xmax: u64,
    in_progress: Box<[u64]>,
}

impl Snapshot {
    /// The snapshot before which every transaction below `xmax` had ended but those in progress.
    pub fn new(xmax: u64, in_progress: impl Into<Box<[u64]>>) -> Self {
        Self { xmax, in_progress: in_progress.into() }
    }

    /// The first transaction that had not begun.
    pub const fn xmax(&self) -> u64 {
        self.xmax
    }

    /// The transactions below it that were in progress.
    pub const fn in_progress(&self) -> &[u64] {
        &self.in_progress
    }

    /// Whether the transaction had ended: what it wrote is seen, if it committed.
    pub fn sees(&self, transaction: u64) -> bool {
        transaction < self.xmax && !self.in_progress.contains(&transaction)
    }

    /// Whether this snapshot can have been taken after `earlier` on one server: whatever had ended then has ended now.
    fn continues(&self, earlier: &Self) -> bool {
        self.xmax >= earlier.xmax && self.in_progress.iter().all(|&xid| !earlier.sees(xid))
    }
}

impl FromStr for Snapshot {
    type Err = NotASnapshot;

    /// Reads the text of a `pg_snapshot`: `xmin:xmax:xip,xip,…`.
    fn from_str(text: &str) -> Result<Self, NotASnapshot> {
        let mut parts = text.split(':');
        let (Some(_xmin), Some(xmax), Some(in_progress), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotASnapshot);
        };
        let number = |text: &str| text.parse::<u64>().map_err(|_| NotASnapshot);
        let in_progress =
            in_progress.split(',').filter(|xid| !xid.is_empty()).map(number).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(number(xmax)?, in_progress))
    }
}

/// The text is not a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a snapshot: expected xmin:xmax:xip")]
pub struct NotASnapshot;

/// Which history a reply is of: the server, its timeline, the database and the tables, in a form that is only compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Continuity(Box<str>);

impl Continuity {
    /// Whatever names the history.
    pub fn new(name: impl Into<Box<str>>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Continuity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A session ended.
    Ended {
        /// Its token digest.
        digest: TokenDigest,
        /// Its public name.
        session: SessionId,
        /// Why.
        reason: EndReason,
        /// When, by the clock of whoever ended it.
        at: Timestamp,
    },
    /// A session was shortened or given to somebody else, or its token was replaced.
    Changed {
        /// The token digest until then.
        digest: TokenDigest,
        /// Its public name until then.
        session: SessionId,
    },
    /// Every session ended, and none is named (TRUNCATE).
    EveryoneEnded {
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
    },
}

/// What a poll is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedReply {
    /// Which history this is of.
    pub continuity: Continuity,
    /// How far the reply sees.
    pub horizon: Horizon,
    /// What it sees that the horizon of the question did not.
    pub delta: Delta,
}

/// What a reply sees that the horizon of the question did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// Exactly these changes. Empty where no horizon was given.
    Changes(Vec<Change>),
    /// More than can be named.
    Lost(Loss),
}

/// Why a delta cannot be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// The feed was purged past the horizon, or rows of it were removed by hand.
    Purged,
    /// There were more changes than one reply carries.
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        text.parse().unwrap()
    }

    #[test]
    fn texts_of_snapshots() {
        assert_eq!(snapshot("7:7:"), Snapshot::new(7, []));
        assert_eq!(snapshot("5:9:5,8"), Snapshot::new(9, [5, 8]));
        for evil in ["", "5", "5:9", "5:9:x", "5:x:", "5:9:5:6", "5:-1:"] {
            assert_eq!(evil.parse::<Snapshot>(), Err(NotASnapshot), "{evil:?}");
        }
    }

    #[test]
    fn a_snapshot_that_went_backwards_is_noticed() {
        for (then, now, does_continue) in [
            ("5:9:5,8", "5:9:5,8", true),
            ("5:9:5,8", "8:12:8,10", true),
            ("5:9:5,8", "9:9:", true),
            ("5:9:5,8", "5:8:5", false),
            ("5:9:5,8", "5:9:5,6,8", false), // 6 had ended and is in progress again
        ] {
            let (then, now) = (Horizon::Snapshot(snapshot(then)), Horizon::Snapshot(snapshot(now)));
            assert_eq!(now.continues(&then), does_continue, "{then:?} {now:?}");
        }
        assert!(Horizon::Position(3).continues(&Horizon::Position(3)));
        assert!(!Horizon::Position(2).continues(&Horizon::Position(3)));
        assert!(!Horizon::Position(4).continues(&Horizon::Snapshot(snapshot("1:1:"))));
    }
}
