//! What every handler shares, handed to it as state: nothing here is global, so a test can hand in something else.

use std::fmt;
use std::sync::Arc;

use cloakroom::{Code, Principal, Sessions, Timestamp};
use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::store::AccountStore;
use cloakroom_core::time::Steady;
use cloakroom_core::world::{Clock, Random};
use cloakroom_sql::Database;

use crate::events::Recorder;
use crate::failure::Failure;
use crate::hashing::Hashing;
use crate::locale::{Catalogue, Locale};
use crate::measurements::Measurements;
use crate::metrics::Metrics;
use crate::password::NewPasswords;
use crate::service_token::ServiceTokens;
use crate::setup::Setup;
use crate::stop::Stopping;
use crate::telemetry::LogLines;
use crate::throttle::Networks;
use crate::traces::Traces;

/// The application. Clones are the same.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>, Timestamp);

/// What an application is made of.
pub(crate) struct Parts {
    pub(crate) sessions: Sessions,
    pub(crate) database: Database,
    pub(crate) accounts: Arc<dyn AccountStore>,
    pub(crate) hashing: Hashing,
    pub(crate) new_passwords: NewPasswords,
    pub(crate) catalogue: Catalogue,
    /// Of whoever asks for none that we speak.
    pub(crate) language: Locale,
    pub(crate) setup: Setup,
    pub(crate) networks: Networks,
    pub(crate) recorder: Recorder,
    pub(crate) service_tokens: ServiceTokens,
    pub(crate) stopping: Stopping,
    pub(crate) measurements: Measurements,
    pub(crate) metrics: Metrics,
    pub(crate) log: LogLines,
    pub(crate) traces: Traces,
    /// The origin browsers use, where it is configured.
    pub(crate) public_origin: Option<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        let started_at = parts.clock.now();
        Self(Arc::new(parts), started_at)
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn accounts(&self) -> &dyn AccountStore {
        &*self.0.accounts
    }

    pub(crate) fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    pub(crate) fn new_passwords(&self) -> &NewPasswords {
        &self.0.new_passwords
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The language of whoever asks for none that we speak.
    pub(crate) fn language(&self) -> Locale {
        self.0.language
    }

    pub(crate) fn setup(&self) -> &Setup {
        &self.0.setup
    }

    /// Which clients are counted, and how often they may fail.
    pub(crate) fn networks(&self) -> Networks {
        self.0.networks
    }

    /// Where what happened is recorded.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    /// Which applications may call.
    pub(crate) fn service_tokens(&self) -> &ServiceTokens {
        &self.0.service_tokens
    }

    /// What the server counts itself.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Lines on their way to the log.
    pub(crate) fn log(&self) -> &LogLines {
        &self.0.log
    }

    /// Spans on their way to a collector.
    pub(crate) fn traces(&self) -> &Traces {
        &self.0.traces
    }

    /// Whether the server was told to stop.
    pub(crate) fn stopping(&self) -> &Stopping {
        &self.0.stopping
    }

    /// Where what is measured over time is counted.
    pub(crate) fn measurements(&self) -> &Measurements {
        &self.0.measurements
    }

    pub(crate) fn public_origin(&self) -> Option<&str> {
        self.0.public_origin.as_deref()
    }

    /// When this instance was put together.
    pub(crate) const fn started_at(&self) -> Timestamp {
        self.1
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The clock that nobody sets, for how long things take.
    pub(crate) fn steady(&self) -> Steady {
        self.0.clock.steady()
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// The account of somebody who is signed in.
    ///
    /// # Errors
    /// `session_revoked` where it is gone: its sessions have ended with it.
    pub(crate) async fn account_of(&self, principal: &Principal) -> Result<Account, Failure> {
        let account = self.accounts().by_subject(principal.subject().clone()).await?;
        account.ok_or(Failure::of(Code::SessionRevoked))
    }

    /// The login name of a subject, for its own pages; its subject where the account is gone.
    pub(crate) async fn name_of(&self, subject: &cloakroom::Subject) -> Result<String, Failure> {
        let account = self.accounts().by_subject(subject.clone()).await?;
        Ok(account.map_or_else(|| subject.to_string(), |account| LoginName::as_str(&account.login_name).to_owned()))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("App")
    }
}
