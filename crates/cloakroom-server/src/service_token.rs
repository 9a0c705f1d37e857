//! Which application calls: the service token of a request, and what it opens. What was found once is taken for granted no longer than
//! a session is: not at all under strict validation, for the lease under leased.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use cloakroom::{Code, Validation};
use cloakroom_core::event::EventKind;
use cloakroom_core::service_token::{
    SERVICE_TOKENS_MAX, Scope, ServiceToken, ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord,
};
use cloakroom_core::time::{Steady, Timestamp};

use crate::app::App;
use crate::events::Happened;
use crate::failure::Failure;

/// A use is noted this often.
const USED_EVERY: Duration = Duration::from_mins(1);

/// What this instance knows of service tokens that were used here.
#[derive(Debug)]
pub(crate) struct ServiceTokens {
    /// For how long "it is there" holds after it was asked.
    lease: Duration,
    known: Mutex<HashMap<ServiceTokenDigest, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    record: ServiceTokenRecord,
    /// When the question was sent: whatever was removed before is not in the answer.
    asked: Steady,
}

impl ServiceTokens {
    pub(crate) fn new(validation: &Validation) -> Self {
        let lease = match validation {
            Validation::Strict => Duration::ZERO,
            Validation::Leased(terms) => terms.lease,
        };
        Self { lease, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<ServiceTokenDigest, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner) // every change is one insertion or removal
    }

    fn fresh(&self, digest: &ServiceTokenDigest, now: Steady) -> Option<ServiceTokenRecord> {
        let known = self.known();
        known.get(digest).filter(|known| now.since(known.asked) < self.lease).map(|known| known.record.clone())
    }

    /// The token of this digest, as far as its lease goes, or as the database has it now.
    async fn find(&self, app: &App, digest: ServiceTokenDigest) -> Result<Option<ServiceTokenRecord>, Failure> {
        let asked = app.steady();
        if let Some(record) = self.fresh(&digest, asked) {
            return Ok(Some(record));
        }
        let found = app.accounts().service_token(digest).await?;
        let mut known = self.known();
        match &found {
            Some(record) => {
                // Those that were removed are not told apart from those that are not used.
                if known.len() > SERVICE_TOKENS_MAX as usize {
                    known.clear();
                }
                known.insert(digest, Known { record: record.clone(), asked });
            }
            None => drop(known.remove(&digest)),
        }
        Ok(found)
    }

    /// Notes that it was used, once a minute.
    async fn note(&self, app: &App, record: &ServiceTokenRecord, now: Timestamp) {
        let is_noted = |record: &ServiceTokenRecord| record.last_used_at.is_some_and(|at| now.since(at) < USED_EVERY);
        if is_noted(record) {
            return;
        }
        {
            let mut known = self.known();
            let Some(known) = known.get_mut(&record.digest).filter(|known| !is_noted(&known.record)) else { return };
            known.record.last_used_at = Some(now);
        }
        if let Err(error) = app.accounts().use_service_token(record.digest, now).await {
            tracing::warn!(%error, service_token = %record.name, "the use of a service token was not recorded");
        }
    }
}

/// The application whose service token of scope `sessions` came with the request. An extractor.
#[derive(Debug)]
pub(crate) struct Application {
    /// What its token is called.
    pub(crate) name: ServiceTokenName,
}

impl FromRequestParts<App> for Application {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        presented(parts, app, Scope::Sessions).await.map(|record| Self { name: record.name })
    }
}

/// The service token of the request, if it opens what asks for `scope`.
///
/// # Errors
/// `login_required` where there is none that counts, `forbidden` where it is of another scope.
pub(crate) async fn presented(parts: &Parts, app: &App, scope: Scope) -> Result<ServiceTokenRecord, Failure> {
    let needed = || Failure::of(Code::LoginRequired).of_service("service-token-needed");
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(needed()) };
    let text = value.to_str().ok().and_then(bearer);
    let refused = || needed().with([Happened::new(EventKind::LoginFail).because("service_token")]);
    let token = text.and_then(|text| ServiceToken::parse(text).ok()).ok_or_else(refused)?;
    let record = app.service_tokens().find(app, token.digest()).await?.ok_or_else(refused)?;
    if record.scope != scope {
        let happened = Happened::new(EventKind::AuthzFail).because("service_token_scope");
        return Err(Failure::of(Code::Forbidden).of_service("service-token-scope").with([happened]));
    }
    app.service_tokens().note(app, &record, app.now()).await;
    tracing::debug!(service_token = %record.name, "an application asks");
    Ok(record)
}

/// What follows the scheme, whose name has no case (RFC 9110 section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, text) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim_matches(' '))
}
