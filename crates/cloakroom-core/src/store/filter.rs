//! Filters over sessions, and walks over what they match: newest first, a bounded number of rows at a time.
//!
//! A filter may match few of a million sessions. So a page looks at [`LOOKED_AT_MAX`] rows at most, and may be short or empty although
//! there is more: only a page without a next one is the last.

use std::fmt;
use std::str::FromStr;

use crate::client_address::Network;
use crate::session::{AuthMethod, SessionId, SessionRecord, Subject};
use crate::time::Timestamp;

use super::PAGE_MAX;

/// Most rows one page of a filtered walk looks at: a few milliseconds, and hardly more than in a table of a thousand.
pub const LOOKED_AT_MAX: u32 = 2_000;
/// Longest piece of a user agent in bytes.
pub const PIECE_BYTES_MAX: usize = 64;

/// Which sessions: those that match every field there is. The default matches all.
///
/// ```
/// use cloakroom_core::store::SessionFilter;
///
/// let filter = SessionFilter {
///     network: Some("203.0.113.0/24".parse()?),
///     browser: Some("firefox".parse()?),
///     ..SessionFilter::default()
/// };
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this subject.
    pub subject: Option<Subject>,
    /// Whose login came from an address of this network.
    pub network: Option<Network>,
    /// Created before this time. Whoever writes sessions past Cloakroom gives them ids of version 7, which say the same time: a walk
    /// begins at the ids of this time.
    pub created_before: Option<Timestamp>,
    /// That began with this method.
    pub auth_method: Option<AuthMethod>,
    /// Whose user agent has this piece.
    pub browser: Option<UserAgentPiece>,
}

impl SessionFilter {
    /// All sessions of a subject.
    pub fn of(subject: Subject) -> Self {
        Self { subject: Some(subject), ..Self::default() }
    }

    /// Whether a session is one of them, living or not.
    pub fn matches(&self, session: &SessionRecord) -> bool {
        let Self { subject, network, created_before, auth_method, browser } = self;
        let client = &session.client;
        subject.as_ref().is_none_or(|subject| session.subject == *subject)
            && network.is_none_or(|network| client.ip().is_some_and(|ip| network.contains(ip)))
            && created_before.is_none_or(|time| session.created_at < time)
            && auth_method.as_ref().is_none_or(|method| session.auth_method == *method)
            && browser.as_ref().is_none_or(|piece| client.user_agent().is_some_and(|agent| piece.is_in(agent)))
    }

    /// Whether it asks for more than whose they are: what an index does not find.
    pub const fn is_selective(&self) -> bool {
        self.network.is_some() || self.created_before.is_some() || self.auth_method.is_some() || self.browser.is_some()
    }

    /// Where a walk begins that would begin below `before`: nothing that was created too late is walked over.
    pub fn start(&self, before: Option<SessionId>) -> Option<SessionId> {
        let too_late = self.created_before.map(SessionId::first_of);
        match (before, too_late) {
            (Some(before), Some(too_late)) => Some(before.min(too_late)),
            (before, too_late) => before.or(too_late),
        }
    }
}

/// A piece of a user agent, compared without regard to the case of ASCII letters: 1 to 64 bytes without control characters.
///
/// ```
/// use cloakroom_core::store::UserAgentPiece;
///
/// let piece: UserAgentPiece = "Firefox/1".parse()?;
/// assert!(piece.is_in("Mozilla/5.0 (X11) FIREFOX/128.0"));
/// # Ok::<(), cloakroom_core::store::NotAPiece>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserAgentPiece(Box<str>);

impl UserAgentPiece {
    /// The piece, its ASCII letters in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a user agent has it.
    pub fn is_in(&self, user_agent: &str) -> bool {
        user_agent.to_ascii_lowercase().contains(&*self.0)
    }
}

impl FromStr for UserAgentPiece {
    type Err = NotAPiece;

    fn from_str(text: &str) -> Result<Self, NotAPiece> {
        if text.is_empty() || text.len() > PIECE_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(NotAPiece);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }
}

impl fmt::Display for UserAgentPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be looked for in user agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a piece of a user agent has 1 to {PIECE_BYTES_MAX} bytes and no control characters")]
pub struct NotAPiece;

/// Which sessions to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Those that match.
    pub filter: SessionFilter,
    /// Only sessions with an id below this one: the `next` of the page before.
    pub before: Option<SessionId>,
    /// At most this many, up to [`PAGE_MAX`].
    pub limit: u32,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionPage {
    /// The sessions, newest first. Ended ones that are not purged are among them; there may be none, and more on the next page.
    pub sessions: Vec<SessionRecord>,
    /// Before which id the next page begins; `None`: there is no more.
    pub next: Option<SessionId>,
}

impl SessionPage {
    /// A page, for a store: out of what was found, one more than `limit` where there is more, and the last id looked at if there are
    /// rows below it.
    pub fn of(mut found: Vec<SessionRecord>, limit: u32, looked_to: Option<SessionId>) -> Self {
        let limit = limit.min(PAGE_MAX) as usize;
        let is_more = found.len() > limit;
        found.truncate(limit);
        let next = if is_more { found.last().map(|session| session.id) } else { looked_to };
        Self { sessions: found, next }
    }

    /// A page, for a store that has fetched all sessions of the filter's subject below some id: `looked_at` of them, and one more where
    /// there is more.
    pub fn of_subject(mut fetched: Vec<SessionRecord>, looked_at: u32, filter: &SessionFilter, limit: u32) -> Self {
        let looked_at = looked_at as usize;
        let last = looked_at.checked_sub(1).filter(|_| fetched.len() > looked_at);
        let looked_to = last.and_then(|index| fetched.get(index)).map(|session| session.id);
        fetched.truncate(looked_at);
        fetched.retain(|session| filter.matches(session));
        Self::of(fetched, limit, looked_to)
    }
}

/// What one chunk of a filtered end did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndedPage {
    /// Sessions ended that were living, by their own two timeouts. What had expired and was not purged went with them, uncounted.
    pub ended: u64,
    /// Before which id the next chunk begins; `None`: all are ended.
    pub next: Option<SessionId>,
}

/// What one page of a count found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountedPage {
    /// Living sessions that match, by their own two timeouts.
    pub living: u64,
    /// Before which id the next page begins; `None`: all are counted.
    pub next: Option<SessionId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::ClientFacts;
    use crate::world::PredictableRandom;

    fn session(user_agent: Option<&str>, ip: Option<&str>) -> SessionRecord {
        let client = ClientFacts::new(user_agent, ip.map(|ip| ip.parse().unwrap()));
        SessionRecord { client, created_at: Timestamp::from_millis(1_000), ..SessionRecord::example() }
    }

    #[test]
    fn each_field_matches_by_itself_and_all_together() {
        let of = |change: &dyn Fn(&mut SessionFilter)| {
            let mut filter = SessionFilter::default();
            change(&mut filter);
            filter
        };
        let it = session(Some("Mozilla/5.0 Firefox/128.0 Überbrowser"), Some("203.0.113.7"));
        let network = |text: &str| of(&|filter| filter.network = Some(text.parse().unwrap()));
        let browser = |text: &str| of(&|filter| filter.browser = Some(text.parse().unwrap()));
        let before = |ms| of(&|filter| filter.created_before = Some(Timestamp::from_millis(ms)));
        let method = |text: &str| of(&|filter| filter.auth_method = Some(AuthMethod::new(text).unwrap()));
        let subject = |text: &str| SessionFilter::of(Subject::new(text).unwrap());
        for (filter, wanted) in [
            (SessionFilter::default(), true),
            (subject("ada"), true),
            (subject("Ada"), false),
            (network("203.0.113.0/24"), true),
            (network("203.0.113.7"), true),
            (network("203.0.113.8"), false),
            (network("0.0.0.0/0"), true),
            (network("::/0"), false),
            (before(1_001), true),
            (before(1_000), false),
            (method("password"), true),
            (method("passkey"), false),
            (browser("FIREFOX/1"), true),
            (browser("firefox 1"), false),
            (browser("Über"), true),
            (browser("über"), false), // the databases fold ASCII alone, whatever their locale is
            (SessionFilter { network: Some("203.0.113.0/24".parse().unwrap()), ..browser("Firefox") }, true),
            (SessionFilter { network: Some("10.0.0.0/8".parse().unwrap()), ..browser("Firefox") }, false),
        ] {
            assert_eq!(filter.matches(&it), wanted, "{filter:?}");
            assert_eq!(filter.is_selective(), filter != SessionFilter::default() && filter.subject.is_none());
        }
        let unknown = session(None, None);
        assert!(!network("0.0.0.0/0").matches(&unknown) && !browser("a").matches(&unknown));
        assert!(network("203.0.113.7").matches(&session(None, Some("::ffff:203.0.113.7"))));
    }

    #[test]
    fn texts_that_are_no_pieces() {
        for text in ["", "a\nb", "\u{7f}", "\u{9b}", &"x".repeat(65)] {
            assert_eq!(text.parse::<UserAgentPiece>(), Err(NotAPiece), "{text:?}");
        }
        assert_eq!("X".repeat(64).parse::<UserAgentPiece>().unwrap().as_str(), "x".repeat(64));
    }

    #[test]
    fn a_walk_begins_where_the_first_can_be() {
        let random = PredictableRandom::from_seed(1);
        let [early, late] = [1_000, 1_001].map(|ms| SessionId::new(Timestamp::from_millis(ms), &random).unwrap());
        let before =
            |ms| SessionFilter { created_before: Some(Timestamp::from_millis(ms)), ..SessionFilter::default() };
        assert_eq!(SessionFilter::default().start(None), None);
        assert_eq!(SessionFilter::default().start(Some(late)), Some(late));
        let start = before(1_001).start(None).unwrap();
        assert!(early < start && start < late);
        assert_eq!(before(1_001).start(Some(late)), Some(start));
        assert_eq!(before(1_001).start(Some(early)), Some(early));
        assert!(before(-5).start(None).unwrap() < early);
    }

    #[test]
    fn a_page_goes_on_at_its_last_session_or_where_it_looked_to() {
        let ids = [3_u128, 2, 1].map(|n| SessionId::from_uuid(uuid::Uuid::from_u128(n)));
        let rows = |n: usize| ids[..n].iter().map(|id| SessionRecord { id: *id, ..session(None, None) }).collect();
        assert_eq!(SessionPage::of(rows(3), 2, None).next, Some(ids[1]));
        assert_eq!(SessionPage::of(rows(2), 2, None).next, None);
        assert_eq!(SessionPage::of(rows(1), 2, Some(ids[2])).next, Some(ids[2]));
        assert_eq!(SessionPage::of(rows(3), 2, Some(ids[2])).next, Some(ids[1]));
        assert_eq!(SessionPage::of(rows(3), 0, None), SessionPage::default());
        let all = SessionFilter::default();
        assert_eq!(SessionPage::of_subject(rows(3), 2, &all, 2).next, Some(ids[1]));
        assert_eq!(SessionPage::of_subject(rows(2), 2, &all, 2).next, None);
        assert_eq!(SessionPage::of_subject(rows(3), 2, &all, 1).next, Some(ids[0]));
        let none = SessionFilter::of(Subject::new("nobody").unwrap());
        let page = SessionPage { sessions: Vec::new(), next: Some(ids[1]) };
        assert_eq!(SessionPage::of_subject(rows(3), 2, &none, 2), page);
        assert_eq!(SessionPage::of_subject(rows(1), 0, &all, 0), SessionPage::default());
    }
}
