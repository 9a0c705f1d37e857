//! What every clone of [`Sessions`](crate::Sessions) and every request shares: the store, the limits, the clocks, and what is in
//! memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cloakroom_core::client_address::TrustedProxies;
use cloakroom_core::coherence::{Held, LeaseTerms};
use cloakroom_core::policy::Policy;
use cloakroom_core::session::ClientFacts;
use cloakroom_core::store::{SessionStore, Target};
use cloakroom_core::time::{Steady, Timestamp};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::{Clock, Random};

use crate::cookie::{CookieSettings, Presented};
use crate::follow::Follower;
use crate::sweep::Counters;
use crate::touches::Touches;
use crate::validate::Validation;
use crate::validate::counts::Validations;
use crate::validate::leased::Loads;

/// What a request says about the browser it comes from.
#[derive(Debug, Default)]
pub(crate) struct RequestFacts {
    /// The digests of the tokens it presents.
    pub(crate) presented: Presented,
    pub(crate) client: ClientFacts,
}

/// What every clone and every request shares.
#[derive(Debug)]
pub(crate) struct Shared {
    store: Arc<dyn SessionStore>,
    policy: Policy,
    cookie: CookieSettings,
    proxies: TrustedProxies,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    touches: Touches,
    sweep_started: AtomicBool,
    swept: Counters,
    validation: Validation,
    validations: Validations,
    loads: Loads,
    follower: Follower,
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    database: Option<cloakroom_sql::Database>,
}

/// What sessions are made of, besides the store.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) policy: Policy,
    pub(crate) cookie: CookieSettings,
    pub(crate) proxies: TrustedProxies,
    pub(crate) validation: Validation,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Shared {
    pub(crate) fn new(store: Arc<dyn SessionStore>, parts: Parts) -> Self {
        let Parts { policy, cookie, proxies, validation, clock, random } = parts;
        // Strict instances hold nothing, and follow the feed only for who waits for the end of a session.
        let terms = match validation {
            Validation::Leased(terms) => terms,
            Validation::Strict => LeaseTerms { capacity: 0, ..LeaseTerms::default() },
        };
        Self {
            store,
            policy,
            cookie,
            proxies,
            clock,
            random,
            touches: Touches::default(),
            sweep_started: AtomicBool::new(false),
            swept: Counters::default(),
            validation,
            validations: Validations::default(),
            loads: Loads::default(),
            follower: Follower::new(terms),
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            database: None,
        }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn on(self, database: cloakroom_sql::Database) -> Self {
        Self { database: Some(database), ..self }
    }

    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) const fn database(&self) -> Option<&cloakroom_sql::Database> {
        self.database.as_ref()
    }

    pub(crate) const fn validation(&self) -> Validation {
        self.validation
    }

    /// What follows the feed, where requests are answered from memory.
    pub(crate) const fn lease(&self) -> Option<&Follower> {
        match self.validation {
            Validation::Leased(_) => Some(&self.follower),
            Validation::Strict => None,
        }
    }

    /// What follows the feed, for whatever reason.
    pub(crate) const fn follower(&self) -> &Follower {
        &self.follower
    }

    pub(crate) const fn loads(&self) -> &Loads {
        &self.loads
    }

    pub(crate) const fn validations(&self) -> &Validations {
        &self.validations
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn steady(&self) -> Steady {
        self.clock.steady()
    }

    /// Forgets a session that is known to be gone: its pending use, and what is held of it.
    pub(crate) fn forget(&self, digest: &TokenDigest) {
        self.touches.forget(digest);
        if let Some(lease) = self.lease() {
            lease.replica().forget(digest);
        }
    }

    /// Forgets a session that was found to be gone.
    pub(crate) fn forget_gone(&self, digest: &TokenDigest) {
        self.touches.forget(digest);
        if let Some(lease) = self.lease() {
            lease.replica().forget_if_held(digest);
        }
    }

    /// Forgets what this instance has ended without knowing the tokens, and hints to the others.
    pub(crate) async fn forget_target(&self, target: &Target) {
        if let Some(lease) = self.lease() {
            let has_ended = |held: &Held| match target {
                Target::Token(digest) => held.digest() == digest,
                Target::Session(id) | Target::OwnSession(id, _) => held.id() == *id,
                Target::Subject(subject) => held.subject() == subject,
                Target::Others(subject, keep) => held.subject() == subject && held.digest() != keep,
                Target::Everyone => true,
            };
            lease.replica().forget_where(has_ended);
        }
        self.hint().await;
    }

    /// After something ended in the database that this instance cannot name: returns when nothing is answered from memory
    /// any more that was held before. Hints to the other instances.
    pub(crate) async fn catch_up(&self) {
        let since = self.steady();
        self.hint().await;
        if let Some(lease) = self.lease() {
            lease.caught_up(since, self).await;
        }
    }

    /// Tells other instances that something ended, and who waits for an end here.
    pub(crate) async fn hint(&self) {
        self.follower.wake();
        if let Err(error) = self.store.hint().await {
            tracing::debug!(%error, "a hint was lost: others see it at their next poll");
        }
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        &*self.store
    }

    pub(crate) const fn swept(&self) -> &Counters {
        &self.swept
    }

    pub(crate) const fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) const fn cookie(&self) -> &CookieSettings {
        &self.cookie
    }

    /// Whose word on a client's address counts.
    pub(crate) const fn proxies(&self) -> &TrustedProxies {
        &self.proxies
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.random
    }

    pub(crate) const fn touches(&self) -> &Touches {
        &self.touches
    }

    /// Whether the caller is the first to ask, and so the one to start the sweep.
    pub(crate) fn claim_sweep(&self) -> bool {
        !self.sweep_started.load(Ordering::Relaxed) && !self.sweep_started.swap(true, Ordering::Relaxed)
    }
}
