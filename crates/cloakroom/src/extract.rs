//! The extractors: what a handler needs of a session, said by its arguments.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use cloakroom_core::problem::Code;
use http::request::Parts;

use crate::principal::{Outcome, Principal};
use crate::rejection::Rejection;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::validate::strict::Validated;

/// What the layer leaves for the extractors, among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    sessions: Sessions,
    outcome: Outcome,
    session: Option<Session>,
    is_busy: bool,
}

impl Facts {
    pub(crate) fn new(sessions: Sessions, validated: Validated) -> Self {
        let session = match (&validated.outcome, validated.digest) {
            (Outcome::Active(principal), Some(digest)) => {
                Some(Session::new(sessions.clone(), principal.clone(), digest))
            }
            _ => None,
        };
        Self { sessions, outcome: validated.outcome, session, is_busy: validated.is_busy }
    }

    /// The refusal of a handler that needs a principal, where validation found none.
    fn refusal(&self) -> Rejection {
        match &self.outcome {
            Outcome::Ended(reason) => Rejection::from(*reason),
            Outcome::Unavailable if self.is_busy => Rejection::new(Code::Busy),
            Outcome::Unavailable => Rejection::new(Code::Unavailable),
            Outcome::Anonymous | Outcome::Active(_) => Rejection::new(Code::LoginRequired),
        }
    }

    fn of(parts: &Parts) -> Result<&Self, Rejection> {
        parts.extensions.get::<Self>().ok_or_else(|| {
            tracing::error!("this route has no sessions layer: add `.layer(sessions.layer())` around it");
            Rejection::new(Code::Internal)
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let facts = Facts::of(parts)?;
        facts.outcome.principal().cloned().ok_or_else(|| facts.refusal())
    }
}

/// `None` where nobody is logged in; a database that cannot be asked is refused all the same (G6).
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Rejection> {
        let facts = Facts::of(parts)?;
        match &facts.outcome {
            Outcome::Active(principal) => Ok(Some(principal.clone())),
            Outcome::Anonymous | Outcome::Ended(_) => Ok(None),
            Outcome::Unavailable => Err(facts.refusal()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let facts = Facts::of(parts)?;
        facts.session.clone().ok_or_else(|| facts.refusal())
    }
}

impl<S: Sync> FromRequestParts<S> for Sessions {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Facts::of(parts)?.sessions.clone())
    }
}

impl<S: Sync> FromRequestParts<S> for Outcome {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Facts::of(parts)?.outcome.clone())
    }
}
