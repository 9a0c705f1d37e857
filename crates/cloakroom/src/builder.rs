//! How sessions are set up: which store, policy, cookie and clock.

use std::sync::Arc;

use cloakroom_core::client_address::TrustedProxies;
use cloakroom_core::policy::{Policy, PolicyError};
use cloakroom_core::store::SessionStore;
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::world::{Clock, Random};

use crate::cookie::CookieSettings;
use crate::sessions::Sessions;
use crate::shared::{Parts, Shared};
use crate::validate::Validation;
use crate::world::{SystemClock, SystemRandom};

/// Sets sessions up where the defaults do not fit: another store, policy, cookie, clock.
///
/// ```
/// use cloakroom::{CookieSettings, Policy, Sessions};
/// use std::time::Duration;
///
/// let policy = Policy { idle_timeout: Duration::from_secs(15 * 60), ..Policy::default() };
/// let sessions = Sessions::builder().policy(policy).cookie(CookieSettings::shared_over("app.example")?).in_memory()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Builder {
    policy: Policy,
    cookie: CookieSettings,
    proxies: TrustedProxies,
    validation: Validation,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Default for Builder {
    /// From the system's clock and generator, the default policy and the `__Host-` cookie.
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            cookie: CookieSettings::default(),
            proxies: TrustedProxies::default(),
            validation: Validation::default(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Builder {
    /// How long sessions live and how many there may be.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// Which cookie carries the token.
    #[must_use]
    pub fn cookie(self, cookie: CookieSettings) -> Self {
        Self { cookie, ..self }
    }

    /// The proxies whose `X-Forwarded-For` counts: without any, a client is whoever is connected (axum's
    /// `into_make_service_with_connect_info::<SocketAddr>()` says who that is).
    ///
    /// ```
    /// use cloakroom::{Sessions, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::new(["10.0.0.0/8".parse()?])?;
    /// let sessions = Sessions::builder().trusted_proxies(proxies).in_memory()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn trusted_proxies(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// How requests are validated: by asking the database each time, or from memory under a lease.
    ///
    /// ```
    /// use cloakroom::{LeaseTerms, Sessions, Validation};
    /// use std::time::Duration;
    ///
    /// let terms = LeaseTerms { lease: Duration::from_secs(2), ..LeaseTerms::default() };
    /// let sessions = Sessions::builder().validation(Validation::Leased(terms)).in_memory()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn validation(self, validation: Validation) -> Self {
        Self { validation, ..self }
    }

    /// Another clock and generator than the system's. For tests.
    #[must_use]
    pub fn world(self, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, ..self }
    }

    /// Sessions kept in `store`.
    ///
    /// # Errors
    /// When a limit of the policy or a term of the lease is out of its range.
    pub fn store(self, store: Arc<dyn SessionStore>) -> Result<Sessions, PolicyError> {
        self.check()?;
        Ok(Sessions::of(self.over(store)))
    }

    fn check(&self) -> Result<(), PolicyError> {
        self.policy.check()?;
        match &self.validation {
            Validation::Leased(terms) => terms.check(),
            Validation::Strict => Ok(()),
        }
    }

    /// With limits that are known to be within their ranges.
    pub(crate) fn over(self, store: Arc<dyn SessionStore>) -> Shared {
        let Self { policy, cookie, proxies, validation, clock, random } = self;
        Shared::new(store, Parts { policy, cookie, proxies, validation, clock, random })
    }

    /// Sessions kept in memory: they end with the process.
    ///
    /// # Errors
    /// When a limit of the policy is out of its range.
    pub fn in_memory(self) -> Result<Sessions, PolicyError> {
        self.store(Arc::new(MemoryStore::new()))
    }

    /// Sessions kept in the database of this URL: `sqlite:app.db`, whose file is created and migrated, or
    /// `postgres://app@db.example/app`, which [`Sessions::migrate`] or the printed migration brings up.
    ///
    /// # Errors
    /// When the policy is out of range or the database cannot be opened; the text says what to do.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub async fn connect(self, url: &str) -> Result<Sessions, ConnectError> {
        self.check()?;
        let database = cloakroom_sql::Database::open(url, cloakroom_sql::OpenOptions::default()).await?;
        self.database(database).await
    }

    /// Sessions kept in a database that is open already, such as one made of the application's own pool
    /// ([`Database::of_pool`](cloakroom_sql::Database::of_pool),
    /// [`Database::of_sqlite_pool`](cloakroom_sql::Database::of_sqlite_pool)). A SQLite file is migrated.
    ///
    /// # Errors
    /// When the policy is out of range or the file cannot be migrated; the text says what to do.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub async fn database(self, database: cloakroom_sql::Database) -> Result<Sessions, ConnectError> {
        self.check()?;
        if database.is_file() {
            database.migrate(cloakroom_sql::Scope::Sessions).await?;
        }
        Ok(Sessions::of(self.over(database.sessions()).on(database)))
    }
}

/// Sessions in the PostgreSQL database of a pool the application has, with every default. Call it in a Tokio runtime.
///
/// Lookups have a few connections of their own beside the pool, opened when they are needed. [`Sessions::migrate`] or the
/// printed migration makes the tables.
#[cfg(feature = "postgres")]
impl From<cloakroom_sql::PgPool> for Sessions {
    fn from(pool: cloakroom_sql::PgPool) -> Self {
        let database = cloakroom_sql::Database::of_pool(pool, &cloakroom_sql::OpenOptions::default());
        Self::of(Self::builder().over(database.sessions()).on(database))
    }
}

/// Sessions could not be set up. Its text is one line that says what was found and what to do.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ConnectError(#[from] ConnectErrorKind);

#[cfg(any(feature = "postgres", feature = "sqlite"))]
#[derive(Debug, thiserror::Error)]
enum ConnectErrorKind {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Open(#[from] cloakroom_sql::OpenError),
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl From<PolicyError> for ConnectError {
    fn from(error: PolicyError) -> Self {
        Self(error.into())
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl From<cloakroom_sql::OpenError> for ConnectError {
    fn from(error: cloakroom_sql::OpenError) -> Self {
        Self(error.into())
    }
}
