//! Sessions that ended, as the account page shows them.

use cloakroom::{EndReason, Timestamp};

use crate::view::Words;

/// A session that ended, on the account page.
#[derive(Debug)]
pub(crate) struct ShownEnding {
    pub(crate) why: String,
    pub(crate) at: String,
    pub(crate) when: String,
    pub(crate) date: String,
    /// Whether somebody who signed in as this person may have done it.
    pub(crate) is_deniable: bool,
}

impl ShownEnding {
    pub(crate) fn new(words: Words<'_>, ending: &cloakroom::Ending, now: Timestamp) -> Self {
        Self {
            why: words.why(ending.reason),
            at: ending.at.to_string(),
            when: words.ago(ending.at, now),
            date: words.date(ending.at),
            is_deniable: matches!(
                ending.reason,
                EndReason::OtherDevice | EndReason::PasswordChanged | EndReason::SubjectWide
            ),
        }
    }
}
