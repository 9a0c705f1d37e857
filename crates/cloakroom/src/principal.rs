//! What validation says of a request, as types: a principal, or the reason there is none.

use std::fmt;
use std::sync::Arc;

use cloakroom_core::ending::EndReason;
use cloakroom_core::policy::Policy;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::time::Timestamp;
use cloakroom_core::verdict::expiry;

/// Who makes the request, after validation: a subject and the session it comes in.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal(Arc<Facts>);

#[derive(PartialEq, Eq)]
struct Facts {
    record: SessionRecord,
    idle_expires_at: Option<Timestamp>,
    absolute_expires_at: Timestamp,
}

impl Principal {
    pub(crate) fn new(record: SessionRecord, policy: &Policy) -> Self {
        let expiry = expiry(&record, policy);
        Self(Arc::new(Facts {
            record,
            idle_expires_at: expiry.idle_expires_at,
            absolute_expires_at: expiry.absolute_expires_at,
        }))
    }

    /// Whose session it is.
    pub fn subject(&self) -> &Subject {
        &self.0.record.subject
    }

    /// The public name of the session: safe to show and to log.
    pub fn session_id(&self) -> SessionId {
        self.0.record.id
    }

    /// When the session was issued.
    pub fn created_at(&self) -> Timestamp {
        self.0.record.created_at
    }

    /// When the credential was last proven.
    pub fn authenticated_at(&self) -> Timestamp {
        self.0.record.authenticated_at
    }

    /// The last recorded use before this request.
    pub fn last_seen_at(&self) -> Timestamp {
        self.0.record.last_seen_at
    }

    /// How the subject proved who it is.
    pub fn auth_method(&self) -> &AuthMethod {
        &self.0.record.auth_method
    }

    /// What was known of the client at login. A hint for people, never a proof.
    pub fn client(&self) -> &ClientFacts {
        &self.0.record.client
    }

    /// When the session ends for lack of use, unless it is used before; `None`: never.
    pub fn idle_expires_at(&self) -> Option<Timestamp> {
        self.0.idle_expires_at
    }

    /// When the session ends, whatever happens.
    pub fn absolute_expires_at(&self) -> Timestamp {
        self.0.absolute_expires_at
    }

    /// The whole record.
    pub fn record(&self) -> &SessionRecord {
        &self.0.record
    }
}

impl fmt::Debug for Principal {
    /// Shows the session's public name only: a subject may be somebody's e-mail address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("session_id", &self.0.record.id).finish_non_exhaustive()
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
    /// The principal, if there is one.
    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Active(principal) => Some(principal),
            Self::Anonymous | Self::Ended(_) | Self::Unavailable => None,
        }
    }
}
