//! What an administrator does to somebody else's account. Whether it may be done is decided where it is done.

use crate::session::Subject;
use crate::time::Timestamp;

/// A change of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountAct {
    /// As [`AccountStore::disable`](super::AccountStore::disable).
    Disable,
    /// As [`AccountStore::enable`](super::AccountStore::enable).
    Enable,
    /// As [`AccountStore::remove`](super::AccountStore::remove).
    Remove,
}

/// Who changes whose account, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administration {
    /// Whose account it is.
    pub subject: Subject,
    /// Who changes it.
    pub by: Subject,
    /// What is done to it.
    pub act: AccountAct,
    /// Now.
    pub at: Timestamp,
}
