//! A login under way: it carries its moment, and issuing consumes it.

use std::fmt;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use cloakroom_core::policy::Keep;
use cloakroom_core::problem::Code;
use cloakroom_core::session::{AuthMethod, ClientFacts, NotASubject, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{Issue, Issued, Moment, StoreError};
use cloakroom_core::token::Token;
use cloakroom_core::world::RandomUnavailable;
use tracing::Instrument as _;

use crate::principal::Principal;
use crate::rejection::{Rejection, Unavailable};
use crate::response::LoggedIn;
use crate::sessions::Sessions;
use crate::spans;

/// A login that has begun. It ends in [`issue`](Attempt::issue), or is dropped when the credential is wrong.
#[derive(Debug)]
#[must_use = "a login that has begun does nothing until it is issued"]
pub struct Attempt {
    sessions: Sessions,
    moment: Moment,
    keep: Keep,
    method: AuthMethod,
    /// Of whom, where it is not who sent this request.
    client: Option<ClientFacts>,
}

impl Attempt {
    pub(crate) fn new(sessions: Sessions, moment: Moment) -> Self {
        Self { sessions, moment, keep: Keep::default(), method: AuthMethod::password(), client: None }
    }

    /// Whether the session outlives the browser's: "keep me signed in".
    pub fn keep(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    /// How the subject proved who it is, if not by a password.
    pub fn method(self, method: AuthMethod) -> Self {
        Self { method, ..self }
    }

    /// What the session remembers of the client, if the login came another way than in this request.
    pub fn client(self, client: ClientFacts) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Issues the session as [`issue`](Self::issue) does, for a client that has no cookie of ours: whoever gets the token
    /// hands it over, and presents it to [`Sessions::verify`].
    ///
    /// # Errors
    /// [`IssueError`], as [`issue`](Self::issue).
    pub async fn issue_token(self, subject: &(impl fmt::Display + ?Sized)) -> Result<IssuedToken, IssueError> {
        let (token, logged_in) = self.issue_prepared(subject.to_string()).await?;
        Ok(IssuedToken { token, logged_in })
    }

    /// Issues the session: one row, durable when this returns. An older session of this browser ends with it.
    ///
    /// `subject` is whatever names the user in your application, written as text: 1 to 255 bytes.
    ///
    /// # Errors
    /// [`IssueError`]: when all of the subject was revoked since [`begin`](Sessions::begin) (then log in again), when the
    /// store cannot be asked, or when the text cannot be a subject.
    pub async fn issue(self, subject: &(impl fmt::Display + ?Sized)) -> Result<LoggedIn, IssueError> {
        Ok(self.issue_prepared(subject.to_string()).await?.1)
    }

    async fn issue_prepared(self, subject: String) -> Result<(Token, LoggedIn), IssueError> {
        let prepared = self.prepare(subject)?;
        let issuing = prepared.sessions.shared().store().issue(prepared.issue.clone());
        let issued = issuing.instrument(spans::store("issue")).await;
        if let Ok(Issued::Created { over_cap }) = issued {
            prepared.announce(over_cap).await;
        }
        prepared.logged_in(issued)
    }

    /// Issues the session in a transaction of the application's own, on the database the sessions are kept in: a user row
    /// and its first session happen together or not at all. Hand the answer out only when the transaction has committed.
    /// Under leased validation an older session of this browser is refused a moment later: at the latest when the lease is over.
    ///
    /// ```
    /// # async fn sign_up(attempt: cloakroom::Attempt, pool: cloakroom_sql::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
    /// // … INSERT INTO users … in the same transaction
    /// let logged_in = attempt.issue_in(&mut tx, "42").await?;
    /// tx.commit().await?;
    /// # drop(logged_in); Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`IssueError`], as [`issue`](Self::issue); also when the transaction's isolation hides what others have committed
    /// (on PostgreSQL anything but READ COMMITTED). Take the transaction back then.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub async fn issue_in(
        self,
        transaction: &mut impl cloakroom_sql::IssueIn,
        subject: &(impl fmt::Display + ?Sized),
    ) -> Result<LoggedIn, IssueError> {
        let prepared = self.prepare(subject.to_string())?;
        let issued = transaction.issue_in(prepared.issue.clone()).await;
        Ok(prepared.logged_in(issued)?.1)
    }

    /// Everything about the new session but its row.
    fn prepare(self, subject: String) -> Result<Prepared, IssueError> {
        let subject = Subject::new(subject).map_err(IssueErrorKind::NotASubject)?;
        let shared = self.sessions.shared();
        let (now, request) = (shared.now(), self.sessions.request());
        let lifetime = shared.policy().lifetime(self.keep);
        let client = self.client.or_else(|| request.map(|request| request.client.clone())).unwrap_or_default();
        let token = Token::generate(shared.random()).map_err(IssueErrorKind::Random)?;
        let session = SessionRecord {
            id: SessionId::new(now, shared.random()).map_err(IssueErrorKind::Random)?,
            subject,
            created_at: now,
            authenticated_at: now,
            last_seen_at: now,
            idle_timeout: Some(lifetime.idle),
            absolute_expires_at: now.plus(lifetime.absolute),
            auth_method: self.method,
            client: client.keeping(shared.policy().client_address),
        };
        let issue = Issue {
            moment: self.moment,
            digest: token.digest(),
            session,
            supersedes: request.map(|request| request.presented.to_vec()).unwrap_or_default(),
            max_per_subject: shared.policy().max_per_subject,
        };
        let max_age = (self.keep == Keep::SignedIn).then_some(lifetime.absolute);
        Ok(Prepared { sessions: self.sessions, token, issue, max_age })
    }
}

/// A session that only lacks its row.
struct Prepared {
    sessions: Sessions,
    token: Token,
    issue: Issue,
    max_age: Option<Duration>,
}

impl Prepared {
    /// What the login ended is over on this instance when this returns.
    async fn announce(&self, over_cap: u32) {
        let (shared, supersedes) = (self.sessions.shared(), &self.issue.supersedes);
        for digest in supersedes {
            shared.forget(digest);
        }
        if over_cap > 0 {
            shared.catch_up().await;
        } else if !supersedes.is_empty() {
            shared.hint().await;
        }
    }

    fn logged_in(self, issued: Result<Issued, StoreError>) -> Result<(Token, LoggedIn), IssueError> {
        let Issued::Created { over_cap } = issued.map_err(IssueErrorKind::Store)? else {
            return Err(IssueErrorKind::Overtaken.into());
        };
        let (shared, session) = (self.sessions.shared(), self.issue.session);
        tracing::info!(session.id = %session.id, over_cap, "session issued");
        let principal = Principal::of(self.issue.digest, &session, shared.policy());
        let logged_in = LoggedIn::new(shared.cookie(), &self.token, self.max_age, principal).with_over_cap(over_cap);
        Ok((self.token, logged_in))
    }
}

/// A session was issued whose token travels another way than in our cookie. The token is here, once.
#[derive(Debug)]
#[must_use = "nobody else has the token"]
pub struct IssuedToken {
    token: Token,
    logged_in: LoggedIn,
}

impl IssuedToken {
    /// The token, for the one answer that hands it over.
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// Whose session it is.
    pub const fn principal(&self) -> &Principal {
        self.logged_in.principal()
    }

    /// How many of the subject's oldest sessions ended for this login.
    pub const fn over_cap(&self) -> u32 {
        self.logged_in.over_cap()
    }
}

/// A session could not be issued. Opaque; ask its predicates.
///
/// As a response: 401 `session_revoked` when overtaken, 503 when the store cannot be asked, else 500.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct IssueError(#[from] IssueErrorKind);

#[derive(Debug, thiserror::Error)]
enum IssueErrorKind {
    #[error("all of the subject's sessions were ended while the login was under way")]
    Overtaken,
    #[error(transparent)]
    NotASubject(NotASubject),
    #[error(transparent)]
    Random(RandomUnavailable),
    #[error("the session could not be stored: {0}")]
    Store(#[source] StoreError),
}

impl IssueError {
    /// Whether everything of the subject was revoked after the login began (G4): the person has to log in again.
    pub const fn is_overtaken(&self) -> bool {
        matches!(self.0, IssueErrorKind::Overtaken)
    }

    /// Whether the store could not be asked: nothing was issued, or nobody will ever hold its token.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self.0, IssueErrorKind::Store(_) | IssueErrorKind::Random(_))
    }

    /// Whether the text given cannot be a subject.
    pub const fn is_not_a_subject(&self) -> bool {
        matches!(self.0, IssueErrorKind::NotASubject(_))
    }

    /// The code it is answered with.
    pub const fn code(&self) -> Code {
        match &self.0 {
            IssueErrorKind::Overtaken => Code::SessionRevoked,
            IssueErrorKind::NotASubject(_) => Code::Internal,
            IssueErrorKind::Store(error) if error.is_busy() => Code::Busy,
            IssueErrorKind::Random(_) | IssueErrorKind::Store(_) => Code::Unavailable,
        }
    }
}

/// So that `begin` and `issue` share one `?`.
impl From<Unavailable> for IssueError {
    fn from(error: Unavailable) -> Self {
        IssueErrorKind::Store(error.into_source()).into()
    }
}

impl IntoResponse for IssueError {
    fn into_response(self) -> Response {
        if self.is_overtaken() {
            tracing::info!("a login was overtaken by a revocation");
        } else {
            tracing::error!(error = %self, "no session issued");
        }
        Rejection::new(self.code()).into_response()
    }
}
