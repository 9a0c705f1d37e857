//! The session of the request, to act on: log out, replace its token, list and end its subject's others.

use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::problem::Code;
use cloakroom_core::session::{SessionId, SessionRecord};
use cloakroom_core::store::{Replace, Target};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::{Token, TokenDigest};
use cloakroom_core::verdict::expiry;
use tracing::Instrument as _;

use crate::ended::{Awaited, Ended};
use crate::principal::Principal;
use crate::rejection::{Rejection, Unavailable};
use crate::response::{LoggedIn, LoggedOut};
use crate::sessions::Sessions;
use crate::spans;

/// The session this request comes in. An extractor: without a usable session the handler is not called.
#[derive(Clone, Debug)]
pub struct Session {
    sessions: Sessions,
    principal: Principal,
    /// What its token was replaced with while the request was answered.
    replaced: Option<TokenDigest>,
}

impl Session {
    pub(crate) const fn new(sessions: Sessions, principal: Principal) -> Self {
        Self { sessions, principal, replaced: None }
    }

    /// Who makes the request.
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// What the store knows the session's token by: the new one after a [`step_up`](Self::step_up).
    pub fn token_digest(&self) -> TokenDigest {
        self.replaced.unwrap_or(*self.principal.held().digest())
    }

    /// When the session ends if this request is its last use, for a page that says so. A use right after another is not recorded, and
    /// does not move it.
    pub fn unused_until(&self) -> Timestamp {
        let (policy, now) = (self.sessions.policy(), self.sessions.shared().now());
        let mut times = self.principal.held().times();
        if now.since(times.last_seen_at) >= policy.touch_interval(times) {
            times.last_seen_at = now;
        }
        let expiry = expiry(times, policy);
        expiry.idle_expires_at.map_or(expiry.absolute_expires_at, |idle| idle.min(expiry.absolute_expires_at))
    }

    /// Resolves when this session ended, whoever ended it and on whichever instance, or expired: for a WebSocket or an event
    /// stream, which outlives the request that opened it. Works under strict and under leased validation (G10).
    ///
    /// Ends that Cloakroom makes are seen within milliseconds, others within [a poll](crate::LeaseTerms); a process that is cut
    /// off from the database resolves with [`Ended::Unknown`] when its lease is over. A session whose token was
    /// replaced lives on. An open connection is no use of its session: the idle timeout goes on.
    ///
    /// ```
    /// use cloakroom::Session;
    /// # async fn next_message() {}
    /// async fn serve(session: Session) {
    ///     loop {
    ///         tokio::select! {
    ///             ended = session.ended() => return println!("closing: {ended:?}"),
    ///             () = next_message() => { /* … */ }
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn ended(&self) -> Ended {
        let shared = self.sessions.shared();
        let (id, subject) = (self.principal.session_id(), self.principal.subject());
        Awaited { shared, id, subject, digest: self.token_digest() }.end().await
    }

    /// Ends the session. When this returns, no request with its token is served any more (G2).
    ///
    /// # Errors
    /// When the store cannot be asked: the session goes on and the cookie stays.
    pub async fn log_out(self) -> Result<LoggedOut, Unavailable> {
        if let Some(digest) = self.replaced {
            self.sessions.end(Target::Token(digest), EndReason::Logout).await?; // not the one the request presented
        }
        self.sessions.log_out().await
    }

    /// The subject's living sessions, this one included, newest first; `before` and `limit` make pages.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn list(&self, before: Option<SessionId>, limit: u32) -> Result<Vec<SessionRecord>, Unavailable> {
        self.sessions.list(self.principal.subject(), before, limit).await
    }

    /// What validation would say of another session of the list, for showing when it ends.
    pub fn principal_of(&self, record: &SessionRecord) -> Principal {
        self.sessions.principal_of(record)
    }

    /// Ends one of the subject's sessions; `false` if the id is nobody's or somebody else's.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_own(&self, id: SessionId) -> Result<bool, Unavailable> {
        let target = Target::OwnSession(id, self.principal.subject().clone());
        Ok(self.sessions.end(target, EndReason::OtherDevice).await? > 0)
    }

    /// Ends all sessions of the subject but this one, logins under way included; returns how many there were.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_others(&self) -> Result<u64, Unavailable> {
        let target = Target::Others(self.principal.subject().clone(), self.token_digest());
        self.sessions.end(target, EndReason::OtherDevice).await
    }

    /// Ends all sessions of the subject, this one and logins under way included; returns how many, and the expiring cookie.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_all(self) -> Result<(u64, LoggedOut), Unavailable> {
        let target = Target::Subject(self.principal.subject().clone());
        let ended = self.sessions.end(target, EndReason::SubjectWide).await?;
        Ok((ended, LoggedOut::new(self.sessions.shared().cookie())))
    }

    /// Gives the session a new token, for a change of what it may do (ASVS 5.0 7.2.4). The old token is refused from now on.
    ///
    /// # Errors
    /// [`ReplaceError::Gone`] when the session ended meanwhile; it stays ended (G3).
    pub async fn replace(self) -> Result<LoggedIn, ReplaceError> {
        let shared = self.sessions.shared();
        let now = shared.now();
        let max_age = self.max_age(self.principal.absolute_expires_at(), now);
        let token = self.replaced(now, None).await?;
        Ok(LoggedIn::new(shared.cookie(), &token, max_age, self.principal))
    }

    /// The same after the credential was proven again: the session counts as [recent](crate::Recent), and both timers restart
    /// (NIST SP 800-63B-4 5.2). Whoever calls it has checked the credential; nothing here does. Afterwards this is the session with
    /// its new token: what the credential was asked for, such as [`end_others`](Self::end_others), can follow in the same request. The
    /// answer has to hand the new token over whatever becomes of that, unless it ended this session too.
    ///
    /// ```
    /// use cloakroom::{LoggedIn, ReplaceError, Session};
    /// # async fn is_password_of(subject: &str, password: &str) -> bool { false }
    /// async fn confirm(mut session: Session, password: String) -> Result<Option<LoggedIn>, ReplaceError> {
    ///     if !is_password_of(session.principal().subject().as_str(), &password).await {
    ///         return Ok(None);
    ///     }
    ///     session.step_up().await.map(Some)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ReplaceError::Gone`] when the session ended meanwhile; it stays ended (G3).
    pub async fn step_up(&mut self) -> Result<LoggedIn, ReplaceError> {
        let shared = self.sessions.shared();
        let (now, policy) = (shared.now(), shared.policy());
        let times = self.principal.held().times();
        // As long as it was made for: a limit lowered since makes no visit a kept session, which lives longer.
        let made_for = times.absolute_expires_at.since(times.authenticated_at);
        let until = now.plus(made_for.min(policy.keep_absolute_timeout));
        let max_age = self.max_age(until, now);
        let token = self.replaced(now, Some(until)).await?;
        // The old token is gone: from here on the browser gets the new one, whatever cannot be read.
        self.replaced = Some(token.digest());
        if let Ok(Some(record)) = shared.store().find(token.digest()).await {
            self.principal = Principal::of(token.digest(), &record, policy);
        }
        Ok(LoggedIn::new(shared.cookie(), &token, max_age, self.principal.clone()))
    }

    async fn replaced(&self, now: Timestamp, reauthenticated_until: Option<Timestamp>) -> Result<Token, ReplaceError> {
        let (shared, old) = (self.sessions.shared(), self.token_digest());
        let token = Token::generate(shared.random()).map_err(|_| ReplaceError::Random)?;
        let replace = Replace { old, new: token.digest(), now, reauthenticated_until };
        let replacing = shared.store().replace(replace).instrument(spans::store("replace"));
        if !replacing.await.map_err(Unavailable::from)? {
            return Err(ReplaceError::Gone);
        }
        shared.forget(&old);
        shared.hint().await;
        Ok(token)
    }

    /// Of the cookie of a session that lives until then: none where it goes with the browser.
    fn max_age(&self, until: Timestamp, now: Timestamp) -> Option<Duration> {
        self.sessions.policy().is_kept(self.principal.held().times()).then(|| until.since(now))
    }
}

/// A token could not be replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// The session ended meanwhile, and stays ended.
    #[error("the session ended meanwhile")]
    Gone,
    /// No randomness is to be had; the old token is still good.
    #[error("the system's random generator is unavailable")]
    Random,
    /// The store cannot be asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl axum::response::IntoResponse for ReplaceError {
    fn into_response(self) -> axum::response::Response {
        match self {
            Self::Gone => Rejection::new(Code::SessionRevoked).into_response(),
            Self::Random => Rejection::new(Code::Unavailable).into_response(),
            Self::Unavailable(error) => error.into_response(),
        }
    }
}
