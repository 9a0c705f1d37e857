//! What validation says of a request, as types: a principal, or the reason there is none.

use std::fmt;
use std::sync::Arc;

use cloakroom_core::coherence::Held;
use cloakroom_core::ending::EndReason;
use cloakroom_core::policy::Policy;
use cloakroom_core::session::{AuthMethod, SessionId, SessionRecord, Subject, Times};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::verdict::{Expiry, expiry};

/// Who makes the request, after validation: a subject and the session it comes in.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    held: Arc<Held>,
    last_seen_at: Timestamp,
    expiry: Expiry,
}

impl Principal {
    /// Of a session with these times: a use may be noted in what is held while the request runs.
    pub(crate) fn new(held: Arc<Held>, times: Times, policy: &Policy) -> Self {
        Self { held, last_seen_at: times.last_seen_at, expiry: expiry(times, policy) }
    }

    /// Of a record that was just read or written.
    pub(crate) fn of(digest: TokenDigest, record: &SessionRecord, policy: &Policy) -> Self {
        Self::new(Arc::new(Held::of(digest, record)), Times::from(record), policy)
    }

    pub(crate) const fn held(&self) -> &Arc<Held> {
        &self.held
    }

    /// Whose session it is.
    pub fn subject(&self) -> &Subject {
        self.held.subject()
    }

    /// The public name of the session: safe to show and to log.
    pub fn session_id(&self) -> SessionId {
        self.held.id()
    }

    /// When the session was issued.
    pub fn created_at(&self) -> Timestamp {
        self.held.created_at()
    }

    /// When the credential was last proven.
    pub fn authenticated_at(&self) -> Timestamp {
        self.held.times().authenticated_at
    }

    /// The last recorded use before this request.
    pub const fn last_seen_at(&self) -> Timestamp {
        self.last_seen_at
    }

    /// How the subject proved who it is.
    pub fn auth_method(&self) -> &AuthMethod {
        self.held.auth_method()
    }

    /// When the session ends for lack of use, unless it is used before; `None`: never.
    pub const fn idle_expires_at(&self) -> Option<Timestamp> {
        self.expiry.idle_expires_at
    }

    /// When the session ends, whatever happens.
    pub const fn absolute_expires_at(&self) -> Timestamp {
        self.expiry.absolute_expires_at
    }
}

impl fmt::Debug for Principal {
    /// Shows the session's public name only: a subject may be somebody's e-mail address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("session_id", &self.session_id()).finish_non_exhaustive()
    }
}

/// What validation says of a request. Every handler can ask for it; every case has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// One usable session was presented.
    Active(Principal),
    /// No session was presented, none that was ever known, or two usable ones, which is one too many.
    Anonymous,
    /// The session presented has ended, for this reason.
    Ended(EndReason),
    /// The database could not be asked. Never means "logged out" (G6).
    Unavailable,
}

impl Outcome {
    /// In a trace: which of the four, and nothing of whom.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Active(_) => "active",
            Self::Anonymous => "anonymous",
            Self::Ended(_) => "ended",
            Self::Unavailable => "unavailable",
        }
    }

    /// The principal, if there is one.
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Active(principal) => Some(principal),
            Self::Anonymous | Self::Ended(_) | Self::Unavailable => None,
        }
    }
}
