//! Checking a credential: facts are gathered with the same work for every name, the core decides.

use std::net::IpAddr;

use cloakroom::{Attempt, Code, LoggedIn, SessionId, Subject};
use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::event::EventKind;
use cloakroom_core::login::{LoginDecision, LoginFacts, LoginRefusal, decide};
use cloakroom_core::password::Password;
use cloakroom_core::throttle::{Claims, Settlement};
use tracing::Instrument as _;

use crate::app::App;
use crate::events::Happened;
use crate::failure::Failure;
use crate::hashing::Place;
use crate::metrics::Outcome;
use crate::{throttle, traces};

/// Completes a login that has begun: counts the attempt, reads the account, checks the password, decides, issues.
///
/// # Errors
/// `invalid_credentials`, the same for every reason; `throttled`; `session_revoked` when overtaken; `busy` or `unavailable`.
pub(crate) async fn log_in(
    app: &App,
    client: Option<IpAddr>,
    attempt: Attempt,
    name: LoginName,
    password: Password,
) -> Result<LoggedIn, Failure> {
    let began = app.steady();
    let logged_in = try_to_log_in(app, client, attempt, name, password).await;
    let outcome = Outcome::of(logged_in.as_ref().err().map(Failure::code));
    app.measurements().login(outcome.measured());
    app.metrics().logins.note(outcome, app.steady().since(began));
    logged_in
}

async fn try_to_log_in(
    app: &App,
    client: Option<IpAddr>,
    attempt: Attempt,
    name: LoginName,
    password: Password,
) -> Result<LoggedIn, Failure> {
    // A place first: who is refused as busy has tried nothing.
    let place = app.hashing().place()?;
    let networks = app.networks();
    let claims = Claims::of_login(&name, networks.known(client), networks.failures);
    let check = {
        let app = app.clone();
        async move {
            let account = app.accounts().by_login_name(name).instrument(traces::store("account")).await?;
            check(&app, place, account, password).await
        }
    };
    match counted(app, claims, check).await? {
        (Checked::Right { subject, rehash }, _) => {
            let logged_in = attempt.issue(&subject).await?;
            if let Some((account, password)) = rehash {
                self::rehash(app, account, password).await;
            }
            Ok(logged_in)
        }
        (Checked::Wrong { why, subject }, locks) => {
            Err(refused(EventKind::LoginFail, why.as_str(), subject.as_ref(), locks))
        }
    }
}

/// What happens at a login that went well: beside its response.
pub(crate) fn logged_in(logged_in: &LoggedIn) -> (Happened, Option<Happened>) {
    let here = logged_in.principal();
    let happened = |kind| Happened::by(kind, here);
    let exceeded = (logged_in.over_cap() > 0).then(|| happened(EventKind::SessionsExceeded));
    (happened(EventKind::LoginSuccess), exceeded)
}

fn refused(kind: EventKind, why: &'static str, subject: Option<&Subject>, locks: bool) -> Failure {
    let mut happened = vec![Happened::new(kind).because(why)];
    if locks {
        happened.push(Happened::new(EventKind::LoginLock));
    }
    let about = |happened: Happened| subject.into_iter().fold(happened, Happened::to);
    Failure::of(Code::InvalidCredentials).with(happened.into_iter().map(about))
}

/// Proves that `password` is the account's, for somebody who is signed in (step-up, a change of it). Guesses are counted in the
/// session, and towards the lock of the account's name.
///
/// # Errors
/// `invalid_credentials` where it is not, with what happened as a `failure` of this kind; `throttled`, `busy` or `unavailable`.
pub(crate) async fn proves(
    app: &App,
    account: Account,
    session: SessionId,
    password: Password,
    failure: EventKind,
) -> Result<(), Failure> {
    let place = app.hashing().place()?;
    let claims = Claims::of_confirmation(&account.login_name, session);
    let check = {
        let app = app.clone();
        async move { check(&app, place, Some(account), password).await }
    };
    match counted(app, claims, check).await? {
        (Checked::Right { .. }, _) => Ok(()),
        (Checked::Wrong { subject, .. }, locks) => Err(refused(failure, "step_up", subject.as_ref(), locks)),
    }
}

/// What became of a credential.
enum Checked {
    /// It is this subject's; and what to hash anew, if anything.
    Right { subject: Subject, rehash: Option<(Account, Password)> },
    /// It is not; and whose it was meant to be.
    Wrong { why: LoginRefusal, subject: Option<Subject> },
}

/// Checks a password against an account; without one the same work is done for nothing.
async fn check(app: &App, place: Place, account: Option<Account>, password: Password) -> Result<Checked, Failure> {
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let (password, password_matches) = app.hashing().verify(place, password, hash).await?;
    let hash_is_outdated = account.as_ref().is_some_and(|account| app.hashing().is_outdated(&account.password_hash));
    Ok(match decide(LoginFacts { account: account.as_ref(), password_matches, hash_is_outdated }) {
        LoginDecision::Accept { subject, rehash } => {
            Checked::Right { subject, rehash: account.filter(|_| rehash).map(|account| (account, password)) }
        }
        LoginDecision::Refuse(why) => Checked::Wrong { why, subject: account.map(|account| account.subject) },
    })
}

/// Counts an attempt, makes it and settles it, to the end also for a request that is dropped meanwhile: what is counted and never settled
/// would hold up the next ones. Returns too whether that locked the name.
async fn counted(
    app: &App,
    claims: Claims,
    check: impl Future<Output = Result<Checked, Failure>> + Send + 'static,
) -> Result<(Checked, bool), Failure> {
    let app = app.clone();
    let counting = async move {
        throttle::admit(&app, &claims).await?;
        let checked = check.await;
        let settlement = match &checked {
            Ok(Checked::Right { .. }) => Settlement::Succeeded,
            Ok(Checked::Wrong { .. }) => Settlement::Failed,
            Err(_) => Settlement::Unchecked,
        };
        let locks = throttle::settle(&app, claims, settlement).await;
        Ok((checked?, locks))
    };
    tokio::spawn(counting.in_current_span()).await.map_err(|error| Failure::internal(&error))?
}

/// The parameters were raised since the password was stored. The login stands whether or not this succeeds.
async fn rehash(app: &App, account: Account, password: Password) {
    let Ok(new) = app.hashing().hash(password).await else { return };
    match app.accounts().rehash(account.subject, account.password_hash, new).await {
        Ok(true) => tracing::info!("a password hash was brought up to today's parameters"),
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "a password hash was not brought up to today's parameters"),
    }
}

#[cfg(test)]
mod tests;
