//! The handle an application holds: how sessions are set up, and every operation on them that needs no request.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::{EndReason, Ending};
use cloakroom_core::policy::Policy;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{ListQuery, Purged, Scrubbed, SessionFilter, Target};
use cloakroom_core::time::Timestamp;
use http::HeaderMap;
use tracing::Instrument as _;

use crate::builder::Builder;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use crate::builder::ConnectError;
use crate::cookie::presented_tokens;
use crate::extract::address_of;
use crate::follow::{self, FollowCounts};
use crate::layer::SessionsLayer;
use crate::login::Attempt;
use crate::principal::Outcome;
use crate::rejection::Unavailable;
use crate::response::LoggedOut;
use crate::shared::{RequestFacts, Shared};
use crate::spans;
use crate::sweep::{SweepCounts, purge_chunk, scrub_chunk, write_touches};
use crate::validate::counts::ValidationCounts;
use crate::validate::{Validation, at_once, validate};

/// Login sessions: begins logins, lists sessions and ends them. Clones are the same sessions.
///
/// In a handler, as an extractor, it knows the request too: who presents which cookie, from where.
///
/// ```
/// use axum::{Router, routing::{get, post}, response::{IntoResponse, Redirect}};
/// use cloakroom::{IssueError, Principal, Session, Sessions, Unavailable};
///
/// async fn login(sessions: Sessions) -> Result<impl IntoResponse, IssueError> {
///     let attempt = sessions.begin().await?; // first line: what is revoked from here on, this login does not outlive
///     let user_id = 42;                      // … read and check the credential here …
///     Ok((attempt.issue(&user_id).await?, Redirect::to("/account")))
/// }
/// async fn account(principal: Principal) -> String {
///     format!("hello {}", principal.subject())
/// }
/// async fn logout(session: Session) -> Result<impl IntoResponse, Unavailable> {
///     session.log_out().await
/// }
///
/// let sessions = Sessions::in_memory();
/// let app: Router = Router::new()
///     .route("/login", post(login))
///     .route("/logout", post(logout))
///     .route("/account", get(account))
///     .layer(sessions.layer());
/// ```
#[derive(Clone)]
pub struct Sessions {
    shared: Arc<Shared>,
    /// `None` outside a request, and until a handler asks.
    request: Option<Arc<RequestFacts>>,
}

impl Sessions {
    /// Starts setting sessions up, from the system's clock and generator, the default policy and the `__Host-` cookie.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn of(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), request: None }
    }

    /// Brings the session tables up to this version. `connect` has done so for a SQLite file; on PostgreSQL call it where
    /// the application may change tables, or apply the printed migration. Of instances that start together one migrates.
    ///
    /// # Errors
    /// When the database refuses; the text says what to do. Without a database there is nothing to do.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub async fn migrate(&self) -> Result<(), ConnectError> {
        if let Some(database) = self.shared.database() {
            database.migrate(cloakroom_sql::Scope::Sessions).await?;
        }
        Ok(())
    }

    /// Sessions kept in the database of this URL, such as `sqlite:app.db` or `postgres://app@db.example/app`, with every
    /// default. On PostgreSQL see [`migrate`](Self::migrate).
    ///
    /// # Errors
    /// When the database cannot be opened; the text says what to do.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Sessions kept in memory, with every default: they end with the process.
    pub fn in_memory() -> Self {
        Self::of(Self::builder().over(Arc::new(MemoryStore::new())))
    }

    /// The layer that validates every request. Put it around the routes whose handlers use the extractors.
    pub fn layer(&self) -> SessionsLayer {
        SessionsLayer::new(self.clone())
    }

    /// Says of a request's headers what the layer would say, for where no layer can stand: another protocol, a proxy's question.
    /// It is no use of the session. Under leased validation a hit waits for nothing and allocates nothing.
    ///
    /// ```
    /// use cloakroom::{Outcome, Sessions};
    /// # async fn example(sessions: Sessions, headers: http::HeaderMap) {
    /// match sessions.validate(&headers).await {
    ///     Outcome::Active(principal) => println!("{} may pass", principal.session_id()),
    ///     Outcome::Anonymous | Outcome::Ended(_) => println!("to the login"),
    ///     Outcome::Unavailable => println!("try again in a moment: nobody is logged out"),
    /// }
    /// # }
    /// ```
    pub async fn validate(&self, headers: &HeaderMap) -> Outcome {
        let presented = presented_tokens(headers, self.cookie_name());
        match at_once(&self.shared, &presented) {
            Some(validated) => validated.outcome,
            None => Box::pin(validate(&self.shared, &presented, false)).await.outcome,
        }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        self.shared.policy()
    }

    /// The name of the cookie in use.
    pub fn cookie_name(&self) -> &'static str {
        self.shared.cookie().name()
    }

    /// Begins a login: takes the moment. Call it **before the credential is read**, on the handler's first line.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn begin(&self) -> Result<Attempt, Unavailable> {
        let moment = self.shared.store().begin().instrument(spans::store("begin")).await?;
        Ok(Attempt::new(self.clone(), moment))
    }

    /// Ends every session whose token this request presents, and expires the cookie. As welcome without a session.
    ///
    /// # Errors
    /// When the store cannot be asked: nothing ended then, and the cookie stays.
    pub async fn log_out(&self) -> Result<LoggedOut, Unavailable> {
        for digest in self.request.iter().flat_map(|request| request.presented.iter()) {
            self.end(Target::Token(*digest), EndReason::Logout).await?;
        }
        Ok(LoggedOut::new(self.shared.cookie()))
    }

    /// A subject's living sessions, newest first, after `before` (the last id of the page before), at most 500.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn list(
        &self,
        subject: &Subject,
        before: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionRecord>, Unavailable> {
        use cloakroom_core::verdict::{Verdict, verdict};
        let now = self.shared.now();
        let (mut living, mut before) = (Vec::new(), before);
        // Ended sessions that are not purged yet are in between: ask until the page is full or there are no more.
        while living.len() < limit as usize {
            let query = ListQuery { filter: SessionFilter::of(subject.clone()), before, limit };
            let page = self.shared.store().list(query).await?;
            let usable = page.sessions.into_iter().filter(|r| verdict(r, now, self.shared.policy()) == Verdict::Usable);
            living.extend(usable);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        living.truncate(limit as usize);
        Ok(living)
    }

    /// Purges one chunk of what ended longer ago than its retention, as the sweep does by itself every ten minutes.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn purge(&self) -> Result<Purged, Unavailable> {
        Ok(purge_chunk(&self.shared).await?)
    }

    /// Forgets client facts that are past their retention, of one chunk of sessions above `after`: as the sweep does every hour.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn scrub(&self, after: Option<SessionId>) -> Result<Scrubbed, Unavailable> {
        Ok(scrub_chunk(&self.shared, after).await?)
    }

    /// A subject's last endings with why, newest first, at most `limit` (up to 500).
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn history(&self, subject: &Subject, limit: u32) -> Result<Vec<Ending>, Unavailable> {
        Ok(self.shared.store().endings(subject.clone(), limit).await?)
    }

    /// Ends sessions for a reason; returns how many there were.
    ///
    /// When it returns they are gone for every later request to this instance, and under strict validation to every other.
    /// Under leased validation the others are sure to refuse them after [`everywhere`](Self::everywhere).
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end(&self, target: Target, reason: EndReason) -> Result<u64, Unavailable> {
        let ending = self.shared.store().end(target.clone(), reason, self.shared.now());
        let ended = ending.instrument(spans::store("end")).await?;
        match target {
            // Nobody's token: anybody may log out with it, as often as they like.
            Target::Token(digest) if ended == 0 && !self.shared.loads().is_under_way(&digest) => {
                self.shared.forget_gone(&digest);
            }
            Target::Token(digest) => {
                self.shared.forget(&digest);
                self.shared.hint().await;
            }
            target => self.shared.forget_target(&target).await,
        }
        tracing::info!(ended, reason = reason.as_str(), "sessions ended");
        Ok(ended)
    }

    /// Returns when whatever ended before is refused by every instance, and says how long it waited: under leased
    /// validation a little more than the lease, under strict validation not at all.
    ///
    /// Every instance on the database must have the same lease or a shorter one.
    ///
    /// ```
    /// # async fn example(sessions: cloakroom::Sessions, subject: cloakroom::Subject) -> Result<(), cloakroom::Unavailable> {
    /// sessions.end_all_of(&subject).await?;
    /// let waited = sessions.everywhere().await; // from here on no instance serves them, whatever failed meanwhile
    /// # let _ = waited; Ok(())
    /// # }
    /// ```
    pub async fn everywhere(&self) -> Duration {
        let Some(lease) = self.shared.lease() else { return Duration::ZERO };
        let (began, wait) = (self.shared.steady(), lease.terms().everywhere());
        loop {
            let waited = self.shared.steady().since(began);
            if waited >= wait {
                return waited;
            }
            // Its clock may stand still while the machine is suspended: ask the steady one again.
            tokio::time::sleep(wait.saturating_sub(waited)).await;
        }
    }

    /// How long [`everywhere`](Self::everywhere) will wait: for showing progress.
    pub fn everywhere_takes(&self) -> Duration {
        self.shared.lease().map_or(Duration::ZERO, |lease| lease.terms().everywhere())
    }

    /// To be called after sessions ended by another way than these methods, by a statement of the application's own say:
    /// when it returns, this instance has seen it. The others are told, and see it within the lease in any case.
    pub async fn catch_up(&self) {
        self.shared.catch_up().await;
    }

    /// Begins to follow the feed. Under leased validation the first request does so; before it, this lets the first requests
    /// be answered from memory. Must be called in a Tokio runtime.
    pub fn follow(&self) {
        follow::start_once(&self.shared);
    }

    /// Ends one session by its public id; `false` if there was none.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_session(&self, id: SessionId) -> Result<bool, Unavailable> {
        Ok(self.end(Target::Session(id), EndReason::Administrator).await? > 0)
    }

    /// Ends every session of a subject, logins under way included; returns how many there were.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_all_of(&self, subject: &Subject) -> Result<u64, Unavailable> {
        self.end(Target::Subject(subject.clone()), EndReason::SubjectWide).await
    }

    /// Ends everybody's sessions, logins under way included; returns how many there were.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn end_everyone(&self) -> Result<u64, Unavailable> {
        self.end(Target::Everyone, EndReason::Everyone).await
    }

    /// Writes the uses that are still only in memory. Call it when the last request is served, before the process ends.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn flush(&self) -> Result<(), Unavailable> {
        Ok(write_touches(&self.shared).await?)
    }

    /// What the sweep of this process has done, for metrics.
    pub fn sweep_counts(&self) -> SweepCounts {
        self.shared.swept().read()
    }

    /// When the sweep of this process last purged all there was to purge; `None` before the first time.
    pub fn last_purged(&self) -> Option<Timestamp> {
        self.shared.swept().purged_at()
    }

    /// How many uses of sessions wait in memory to be written, for metrics. At most 50,000.
    pub fn touches_pending(&self) -> usize {
        self.shared.touches().len()
    }

    /// How requests are validated.
    pub fn validation(&self) -> Validation {
        self.shared.validation()
    }

    /// What validation has done, for metrics.
    pub fn validation_counts(&self) -> ValidationCounts {
        let hits = self.shared.follower().replica().counts().hits;
        self.shared.validations().read(hits, self.shared.lease().is_none())
    }

    /// What following the feed has done, for metrics.
    pub fn follow_counts(&self) -> FollowCounts {
        self.shared.follower().counts(self.shared.steady())
    }

    /// Whether requests can be answered from memory: `None` under strict validation. A lease that lapsed means that
    /// the feed cannot be polled; every request asks the database then.
    pub fn has_lease(&self) -> Option<bool> {
        self.shared.lease().map(|lease| self.shared.steady() < lease.replica().lease_until())
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Where the request comes from: who is connected, or whom a [trusted proxy](Builder::trusted_proxies) names. `None` outside a
    /// handler, and where the server does not say who is connected.
    pub fn client_address(&self) -> Option<IpAddr> {
        self.request()?.client.ip()
    }

    /// The same of a request's headers, where no handler is; `peer` is who is connected. It allocates nothing.
    pub fn address_of(&self, headers: &HeaderMap, peer: IpAddr) -> IpAddr {
        address_of(headers, peer, self.shared.proxies())
    }

    pub(crate) fn request(&self) -> Option<&RequestFacts> {
        self.request.as_deref()
    }

    pub(crate) fn of_request(&self, request: RequestFacts) -> Self {
        Self { shared: Arc::clone(&self.shared), request: Some(Arc::new(request)) }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("store", &self.shared.store()).finish_non_exhaustive()
    }
}
