//! Checking a credential: facts are gathered with the same work for every name, the core decides.
//!
//! Hashing is bounded: a flood of logins waits here, and validation of living sessions does not (G8).

use std::sync::Arc;

use cloakroom::{Attempt, Code, LoggedIn, Subject};
use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::login::{LoginDecision, LoginFacts, LoginRefusal, decide};
use cloakroom_core::password::{Hasher, Password, PasswordHash};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::failure::Failure;

/// How many logins may wait for each one being hashed: about a second and a half of work. Who finds the queue full is told so at
/// once; who is in it is served.
const WAITING_PER_HASH: usize = 32;

/// Password hashing, so many at once and so many waiting.
pub(crate) struct Hashing {
    hasher: Arc<dyn Hasher>,
    running: Arc<Semaphore>,
    /// Everybody running or waiting holds one of these.
    queue: Arc<Semaphore>,
}

impl Hashing {
    /// At most `concurrency` passwords are hashed at once.
    pub(crate) fn new(hasher: Arc<dyn Hasher>, concurrency: usize) -> Self {
        let running = Arc::new(Semaphore::new(concurrency));
        Self { hasher, running, queue: Arc::new(Semaphore::new(concurrency * (WAITING_PER_HASH + 1))) }
    }

    /// A new hash of `password`.
    ///
    /// # Errors
    /// `busy` when too many wait.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Failure> {
        self.run(move |hasher| hasher.hash(&password)).await
    }

    /// Whether `password` is the one behind `hash`; without a hash the same work is done for nothing.
    ///
    /// # Errors
    /// `busy` when too many wait.
    pub(crate) async fn verify(
        &self,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<(Password, bool), Failure> {
        self.run(move |hasher| {
            let matches = match &hash {
                Some(hash) => hasher.verify(&password, hash)?,
                None => hasher.verify_nobody(&password).map(|()| false)?,
            };
            Ok((password, matches))
        })
        .await
    }

    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        self.hasher.is_outdated(hash)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Hasher) -> Result<T, cloakroom_core::password::HashError> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.turn().await?;
        let hasher = Arc::clone(&self.hasher);
        // The turn goes with the work: a request that is dropped does not let another one in while its hash still runs.
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&*hasher);
            drop(turn);
            result
        });
        done.await.map_err(|error| Failure::internal(&error))?.map_err(|error| Failure::internal(&error))
    }

    async fn turn(&self) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), Failure> {
        let busy = || Failure::of(Code::Busy);
        let queued = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| busy())?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        Ok((queued, running.map_err(|_| busy())?))
    }
}

/// Completes a login that has begun: reads the account, checks the password, decides, issues.
///
/// # Errors
/// `invalid_credentials`, the same for every reason; `session_revoked` when overtaken; `busy` or `unavailable`.
pub(crate) async fn log_in(
    app: &App,
    attempt: Attempt,
    name: LoginName,
    password: Password,
) -> Result<LoggedIn, Failure> {
    let account = app.accounts().by_login_name(name).await?;
    let hash = account.as_ref().map(|account| account.password_hash.clone());
    let (password, password_matches) = app.hashing().verify(password, hash).await?;
    let hash_is_outdated = account.as_ref().is_some_and(|account| app.hashing().is_outdated(&account.password_hash));
    match decide(LoginFacts { account: account.as_ref(), password_matches, hash_is_outdated }) {
        LoginDecision::Accept { subject, rehash } => {
            let logged_in = attempt.issue(&subject).await?;
            if let (true, Some(account)) = (rehash, account) {
                self::rehash(app, account, password).await;
            }
            Ok(logged_in)
        }
        LoginDecision::Refuse(why) => {
            log_refusal(why);
            Err(Failure::of(Code::InvalidCredentials))
        }
    }
}

/// Whether `password` is the account's, for somebody who is logged in.
///
/// # Errors
/// `busy` or `unavailable`.
pub(crate) async fn confirms(app: &App, account: &Account, password: Password) -> Result<bool, Failure> {
    let (_, matches) = app.hashing().verify(password, Some(account.password_hash.clone())).await?;
    Ok(matches)
}

/// Whether `password` is this subject's, who is signed in and proves it once more. The same work whatever comes of it.
///
/// # Errors
/// `busy` or `unavailable`.
pub(crate) async fn proves(app: &App, subject: &Subject, password: Password) -> Result<bool, Failure> {
    let account = app.accounts().by_subject(subject.clone()).await?.filter(|account| account.disabled_at.is_none());
    let (_, matches) = app.hashing().verify(password, account.map(|account| account.password_hash)).await?;
    tracing::info!(matches, "step-up");
    Ok(matches)
}

fn log_refusal(why: LoginRefusal) {
    tracing::info!(reason = why.as_str(), "login refused");
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
