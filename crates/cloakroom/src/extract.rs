//! The extractors: what a handler needs of a session, said by its arguments.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, OptionalFromRequestParts};
use cloakroom_core::client_address::TrustedProxies;
use cloakroom_core::problem::Code;
use cloakroom_core::session::ClientFacts;
use cloakroom_core::token::Token;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;

use crate::cookie::{Presented, presented_token};
use crate::future::Use;
use crate::principal::{Outcome, Principal};
use crate::rejection::Rejection;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::shared::RequestFacts;
use crate::validate::{Validated, validate};

/// What the layer leaves for the extractors, among the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    sessions: Sessions,
    presented: Presented,
    validated: Validated,
}

impl Facts {
    pub(crate) const fn new(sessions: Sessions, presented: Presented, validated: Validated) -> Self {
        Self { sessions, presented, validated }
    }

    /// That the session was used, if there is one.
    pub(crate) fn a_use(&self) -> Option<Use> {
        Use::of(&self.sessions, &self.validated)
    }

    /// The refusal of a handler that needs a principal, where validation found none.
    fn refusal(&self) -> Rejection {
        match &self.validated.outcome {
            Outcome::Ended(reason) => Rejection::from(*reason),
            Outcome::Unavailable if self.validated.is_busy => Rejection::new(Code::Busy),
            Outcome::Unavailable => Rejection::new(Code::Unavailable),
            Outcome::Anonymous | Outcome::Active(_) => Rejection::new(Code::LoginRequired),
        }
    }

    pub(crate) fn of(parts: &Parts) -> Result<&Self, Rejection> {
        parts.extensions.get::<Self>().ok_or_else(no_layer)
    }

    /// The token that was validated, read from the request once more.
    pub(crate) fn token(&self, parts: &Parts) -> Result<Token, Rejection> {
        let principal = self.validated.outcome.principal().ok_or_else(|| self.refusal())?;
        let token = presented_token(&parts.headers, self.sessions.cookie_name(), principal.held().digest());
        token.ok_or_else(|| Rejection::new(Code::LoginRequired)) // something in between took the cookie away
    }

    /// The handle, knowing the request.
    fn sessions(&self, parts: &Parts) -> Sessions {
        self.sessions.of_request(RequestFacts {
            presented: self.presented.clone(),
            client: client_of(parts, self.sessions.shared().proxies()),
        })
    }
}

fn no_layer() -> Rejection {
    tracing::error!("this route has no sessions layer: add `.layer(sessions.layer())` around it");
    Rejection::new(Code::Internal)
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Read only by who needs it: nothing of it is needed to validate.
fn client_of(parts: &Parts, proxies: &TrustedProxies) -> ClientFacts {
    let user_agent = parts.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let address = peer.map(|ConnectInfo(peer)| address_of(&parts.headers, peer.ip(), proxies));
    ClientFacts::new(user_agent.as_deref(), address)
}

pub(crate) fn address_of(headers: &HeaderMap, peer: IpAddr, proxies: &TrustedProxies) -> IpAddr {
    proxies.client(peer, headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes))
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        let facts = Facts::of(parts)?;
        facts.validated.outcome.principal().cloned().ok_or_else(|| facts.refusal())
    }
}

/// `None` where nobody is logged in; a database that cannot be asked is refused all the same (G6).
impl<S: Sync> OptionalFromRequestParts<S> for Principal {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Rejection> {
        let facts = Facts::of(parts)?;
        match &facts.validated.outcome {
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
        let principal = facts.validated.outcome.principal().ok_or_else(|| facts.refusal())?;
        Ok(Self::new(facts.sessions(parts), principal.clone()))
    }
}

impl<S: Sync> FromRequestParts<S> for Sessions {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Facts::of(parts)?.sessions(parts))
    }
}

impl<S: Sync> FromRequestParts<S> for Outcome {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Rejection> {
        Ok(Facts::of(parts)?.validated.outcome.clone())
    }
}

/// For routes that ask for a recent authentication: ending other sessions, changing an address, administration (ASVS 5.0 7.5.1 to 7.5.3).
///
/// Around [`Principal`] (the default) or [`Session`], and [`Strict`] by itself. A session that was authenticated longer ago than
/// [`Policy::recent`](crate::Policy) is refused with [`Code::StepUpRequired`], 403: have the credential proven again, then
/// call [`Session::step_up`].
///
/// ```
/// use cloakroom::{Recent, Session};
///
/// async fn change_address(Recent(principal): Recent) -> String {
///     format!("{} proved it a moment ago", principal.subject())
/// }
/// async fn end_others(Recent(session): Recent<Session>) {}
/// # let _: axum::Router = axum::Router::new().route("/a", axum::routing::post(change_address)).route("/b", axum::routing::post(end_others));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Recent<T = Principal>(pub T);

impl<S: Sync, T: FromRequestParts<S, Rejection = Rejection>> FromRequestParts<S> for Recent<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let Strict(principal) = Strict::<Principal>::from_request_parts(parts, state).await?;
        let shared = Facts::of(parts)?.sessions.shared();
        if !shared.policy().is_recent(principal.authenticated_at(), shared.now()) {
            return Err(Rejection::new(Code::StepUpRequired));
        }
        T::from_request_parts(parts, state).await.map(Self)
    }
}

/// For routes that must ask the database, whatever the lease says: paying, changing an address, administration.
///
/// Around [`Principal`] (the default), [`Session`] or [`Outcome`]. Under strict validation it asks nothing again; under leased
/// validation the database is asked after the request began (G5 as strict validation gives it).
///
/// ```
/// use cloakroom::{Session, Strict};
///
/// async fn pay(Strict(principal): Strict) -> String {
///     format!("paid by {}", principal.subject())
/// }
/// async fn delete_everything(Strict(session): Strict<Session>) {}
/// # let _: axum::Router = axum::Router::new().route("/pay", axum::routing::post(pay)).route("/x", axum::routing::post(delete_everything));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Strict<T = Principal>(pub T);

impl<S: Sync, T: FromRequestParts<S, Rejection = Rejection>> FromRequestParts<S> for Strict<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let facts = Facts::of(parts)?;
        if !facts.validated.is_strict {
            let (shared, presented) = (facts.sessions.shared().clone(), facts.presented.clone());
            let validated = validate(&shared, &presented, true).await;
            if !matches!(validated.outcome, Outcome::Active(_) | Outcome::Unavailable) {
                presented.iter().for_each(|digest| shared.forget_gone(digest)); // memory says otherwise, and is wrong
            }
            parts.extensions.get_mut::<Facts>().ok_or_else(no_layer)?.validated = validated;
        }
        T::from_request_parts(parts, state).await.map(Self)
    }
}
