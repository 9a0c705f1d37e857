//! Which of their own sessions somebody ends: a closed list, how it is written in a form, and doing it. Nothing here asks whether it
//! may be done.

use std::fmt;
use std::str::FromStr;

use axum::response::{IntoResponse, Redirect, Response};
use cloakroom::{Code, Principal, Session, SessionId, Sessions};
use cloakroom_core::event::EventKind;

use crate::events::Happened;
use crate::everywhere::Waited;
use crate::failure::Failure;

const ONE: &str = "end:";
const OTHERS: &str = "end-others";
const ALL: &str = "end-all";
const NOT_ME: &str = "not-me";
/// Why the sessions ended of somebody who said that something was not them.
pub(crate) const DENIED: &str = "not_me";

/// What a page can end, except for the session it is sent in alone: that is logging out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Another one of the subject's.
    One(SessionId),
    /// All but this one.
    Others,
    /// All of the subject's.
    All,
    /// All but this one, because something was somebody else; a new password is due then.
    NotMe,
}

/// The text is none of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnEnd;

impl FromStr for Ends {
    type Err = NotAnEnd;

    fn from_str(text: &str) -> Result<Self, NotAnEnd> {
        match text {
            OTHERS => Ok(Self::Others),
            ALL => Ok(Self::All),
            NOT_ME => Ok(Self::NotMe),
            _ => text.strip_prefix(ONE).and_then(|id| id.parse().ok()).map(Self::One).ok_or(NotAnEnd),
        }
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(id) => write!(f, "{ONE}{id}"),
            Self::Others => f.write_str(OTHERS),
            Self::All => f.write_str(ALL),
            Self::NotMe => f.write_str(NOT_ME),
        }
    }
}

impl Ends {
    /// Does it; the answer comes when every instance refuses what ended.
    ///
    /// # Errors
    /// `not_found` for an id that is nobody's or somebody else's; `busy` or `unavailable`.
    pub(crate) async fn carry_out(self, sessions: &Sessions, session: Session) -> Result<Response, Failure> {
        let happened = self.happened(session.principal());
        match self {
            Self::One(id) if !session.end_own(id).await? => return Err(not_theirs(session.principal(), id)),
            Self::One(_) => {}
            Self::Others | Self::NotMe => {
                session.end_others().await?;
            }
            Self::All => {
                let (_, logged_out) = session.end_all().await?;
                let waited = Waited::for_all(sessions).await;
                return Ok((happened, logged_out, waited, Redirect::to("/login")).into_response());
            }
        }
        Ok((happened, Waited::for_all(sessions).await.to_account()).into_response())
    }

    /// What has happened when it is done.
    pub(crate) fn happened(self, who: &Principal) -> Happened {
        let revoked = Happened::by(EventKind::TokenRevoked, who);
        match self {
            Self::One(id) => revoked.session(id).because("one"),
            Self::Others => revoked.because("others"),
            Self::All => revoked.because("all"),
            Self::NotMe => revoked.because(DENIED),
        }
    }
}

/// An id that is nobody's, or somebody else's: somebody may be trying ids.
pub(crate) fn not_theirs(who: &Principal, id: SessionId) -> Failure {
    let failed = Happened::by(EventKind::AuthzFail, who).session(id).because("not_theirs");
    Failure::of(Code::NotFound).with([failed])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0199b7c2-0000-7000-8000-000000000000";

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for ends in [Ends::One(ID.parse().unwrap()), Ends::Others, Ends::All, Ends::NotMe] {
            assert_eq!(ends.to_string().parse(), Ok(ends));
        }
        for text in [
            "",
            "end",
            "end:",
            "end:1",
            "End-all",
            "end-all ",
            "end-all,end-others",
            "/account/sessions/end-all",
            "https://evil.example/",
            ID,
            &format!("end:{ID}/../end-all"),
            &format!("end: {ID}"),
        ] {
            assert_eq!(text.parse::<Ends>(), Err(NotAnEnd), "{text}");
        }
    }
}
