//! Why a session ended: a closed list, the same words in the feed, the answers and the pages.

use std::fmt;
use std::str::FromStr;

use crate::session::{SessionId, Subject};
use crate::time::Timestamp;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Why a session ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EndReason { $($(#[$doc])* $variant,)* }

        impl EndReason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word the feed keeps.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl FromStr for EndReason {
            type Err = NotAReason;

            fn from_str(text: &str) -> Result<Self, NotAReason> {
                match text { $($text => Ok(Self::$variant),)* _ => Err(NotAReason) }
            }
        }
    };
}

reasons! {
    /// Its owner logged out.
    Logout = "logout",
    /// A new login in the same browser took its place.
    NewLogin = "new_login",
    /// Its owner ended it from another session.
    OtherDevice = "other_device",
    /// An administrator or operator ended it.
    Administrator = "administrator",
    /// The account's password was changed.
    PasswordChanged = "password_changed",
    /// The account was disabled.
    AccountDisabled = "account_disabled",
    /// The account was removed.
    AccountRemoved = "account_removed",
    /// Everything of its subject was ended.
    SubjectWide = "subject_wide",
    /// Everybody's sessions were ended.
    Everyone = "everyone",
    /// Its subject had more sessions than the policy allows; the oldest went.
    OverCap = "over_cap",
    /// It was not used for the idle timeout.
    Idle = "idle",
    /// Its absolute timeout was reached.
    Absolute = "absolute",
    /// Its row was removed by hand or by another program.
    ByHand = "by_hand",
}

impl EndReason {
    /// Whether time ended it, rather than somebody.
    pub const fn is_expiry(self) -> bool {
        matches!(self, Self::Idle | Self::Absolute)
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no reason we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason for the end of a session")]
pub struct NotAReason;

/// One entry of the history: a session and why it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The session.
    pub session: SessionId,
    /// Whose it was.
    pub subject: Subject,
    /// Why it ended.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in EndReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(*reason));
        }
        assert_eq!("".parse::<EndReason>(), Err(NotAReason));
    }
}
