//! When a session ends unless it is used: for every page of one, in words, and for the script that warns in time.

use cloakroom::{Session, Timestamp};

use crate::view::Words;

/// Stands in a sentence where a point in time goes that has an element of its own.
const HOLE: &str = "\u{1}";

/// When the session of a page ends.
#[derive(Debug)]
pub(crate) struct Expires {
    /// Around the time in the sentence of the page, and in that of the warning.
    pub(crate) sentence: (String, String),
    pub(crate) warning: (String, String),
    pub(crate) at: String,
    pub(crate) said: String,
    /// From now.
    pub(crate) left_ms: u128,
    /// Without use; `None` where only time ends it, which no use puts off.
    pub(crate) idle_ms: Option<u128>,
}

impl Expires {
    pub(crate) fn new(words: Words<'_>, session: &Session, now: Timestamp) -> Self {
        let (here, at) = (session.principal(), session.unused_until());
        let idle = here.idle_expires_at().filter(|_| at < here.absolute_expires_at());
        let key = if idle.is_some() { "expires-unless-used" } else { "expires-in-any-case" };
        let around = |key| {
            let sentence = words.with(key, &[("when", HOLE.to_owned())]);
            let (before, after) = sentence.split_once(HOLE).unwrap_or((&sentence, ""));
            (before.to_owned(), after.to_owned())
        };
        Self {
            sentence: around(key),
            warning: around("expires-warning"),
            at: at.to_string(),
            said: words.soon(at, now),
            left_ms: at.since(now).as_millis(),
            idle_ms: idle.map(|idle| idle.since(here.last_seen_at()).as_millis()),
        }
    }
}
