//! The effective configuration: what the file, the environment and the flags say, checked and typed.
//!
//! Precedence: flags, then environment, then file, then defaults. Every key is declared in [`keys`]; nothing else in
//! the program reads the configuration file or the environment, but for what a supervisor says in it ([`crate::supervisor`]).

pub(crate) mod audit;
mod check;
mod error;
pub(crate) mod example;
mod facts;
mod file;
pub(crate) mod keys;
mod layers;
mod reasons;
mod secret_file;
mod show;
pub(crate) mod span;
mod types;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloakroom::Validation;
use cloakroom_core::client_address::TrustedProxies;
use cloakroom_core::password::PasswordRules;
use cloakroom_core::policy::Policy;
use cloakroom_sql::OpenOptions;

pub(crate) use error::ConfigError;
pub(crate) use facts::OfThisMachine;
pub(crate) use show::{InEffect, effective, in_effect};
pub(crate) use types::{CookieDomain, DatabaseUrl, FilePath, LogFilter, LogFormat, PublicUrl, Share, TracesEndpoint};

use error::Source;
use layers::Layers;

use crate::locale::Locale;
use crate::password::{BreachedFile, NewPasswords};
use crate::stop::StopTerms;

/// The file that is read when `--config` names no other.
pub(crate) const DEFAULT_FILE: &str = "cloakroom.toml";

/// The origin that a text names: the way to a server, such as `https://login.example.org`.
pub(crate) fn origin(text: &str) -> Option<PublicUrl> {
    <PublicUrl as types::Setting>::read(&types::Raw::Text(text.to_owned()))
}

/// The file in which the database's URL stands, if it is in one.
pub(crate) fn url_written_in(inputs: &Inputs) -> Option<PathBuf> {
    match Layers::read(inputs).ok()?.source(keys::DATABASE_URL.name) {
        Source::File { path, .. } | Source::SecretFile { path, .. } => Some(path.into()),
        _ => None,
    }
}

/// Where the configuration comes from. Handed in, so that tests need no process of their own.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// `--config FILE`: must exist. `None`: `cloakroom.toml` in the working directory, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// The environment.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// `--listen`.
    pub(crate) listen: Option<String>,
    /// `--database`.
    pub(crate) database: Option<String>,
}

/// Everything that can be configured, checked.
#[derive(Debug)]
pub(crate) struct Config {
    /// Where `serve` listens. Port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Under which origin browsers reach the server, if that is not where it listens.
    pub(crate) public_url: Option<PublicUrl>,
    /// Of whoever asks for none that we speak.
    pub(crate) language: Locale,
    /// `database.*`
    pub(crate) database: DatabaseConfig,
    /// `session.*`
    pub(crate) policy: Policy,
    /// `session.validation` and the terms of the lease
    pub(crate) validation: Validation,
    /// `cookie.*`
    pub(crate) cookie: CookieConfig,
    /// `login.*`
    pub(crate) login: LoginConfig,
    /// `password.*`
    pub(crate) password: PasswordConfig,
    /// `proxy.trusted`; `None`: nobody said whether there is a proxy.
    pub(crate) proxies: Option<TrustedProxies>,
    /// `metrics.*`: where they are shown, if anywhere.
    pub(crate) metrics: Option<SocketAddr>,
    /// `traces.*`
    pub(crate) traces: TracesConfig,
    /// `events.retention`
    pub(crate) events_retention: Duration,
    /// `stop.*`
    pub(crate) stop: StopTerms,
    /// `log.*`
    pub(crate) log: LogConfig,
}

/// `database.*`
#[derive(Debug)]
pub(crate) struct DatabaseConfig {
    /// Which database.
    pub(crate) url: DatabaseUrl,
    /// Whether `serve`, `account` and `session` apply missing migrations by themselves.
    pub(crate) migrate: bool,
    /// How `serve` opens it.
    pub(crate) options: OpenOptions,
}

/// `cookie.*`
#[derive(Debug)]
pub(crate) struct CookieConfig {
    /// Shares the cookie with the subdomains of this domain.
    pub(crate) domain: Option<CookieDomain>,
    /// Explicit permission to set the cookie over plain http on a listener that is not loopback.
    pub(crate) insecure: bool,
}

/// `login.*`
#[derive(Debug)]
pub(crate) struct LoginConfig {
    /// How many passwords are hashed at once. 1 to 64.
    pub(crate) concurrency: u32,
    /// How many attempts may fail at once from one network. 1 to 1,000,000.
    pub(crate) network_failures: u32,
}

/// `password.*`
#[derive(Debug)]
pub(crate) struct PasswordConfig {
    /// Hashes of breached passwords, sorted.
    pub(crate) breached_hashes: Option<FilePath>,
}

/// `traces.*`
#[derive(Debug)]
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "who exports them reads the rest"))]
pub(crate) struct TracesConfig {
    /// Where they go, if anywhere.
    pub(crate) endpoint: Option<TracesEndpoint>,
    /// Which part of them.
    pub(crate) sample: Share,
}

/// `log.*`
#[derive(Debug)]
pub(crate) struct LogConfig {
    /// How a line looks.
    pub(crate) format: LogFormat,
    /// Which events are written.
    pub(crate) filter: LogFilter,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// The first mistake found, in one line with key, source, what was found and what is allowed.
    pub(crate) fn load(inputs: &Inputs) -> Result<Self, ConfigError> {
        Self::from_layers(&Layers::read(inputs)?)
    }

    fn from_layers(layers: &Layers) -> Result<Self, ConfigError> {
        let terms = check::lease(layers)?;
        let url = layers.value(&keys::DATABASE_URL)?;
        // A file is nobody else's. A server's tables may be somebody's to change at a time of their choice.
        let migrate = layers.explicit(&keys::DATABASE_MIGRATE)?.unwrap_or_else(|| url.is_file());
        let options = OpenOptions {
            connections_max: layers.value(&keys::DATABASE_CONNECTIONS)?,
            lookup_connections: layers.value(&keys::DATABASE_LOOKUP_CONNECTIONS)?,
            ..OpenOptions::default()
        };
        let config = Self {
            listen: layers.value(&keys::LISTEN)?,
            public_url: layers.value(&keys::PUBLIC_URL)?,
            language: layers.value(&keys::LANGUAGE)?,
            database: DatabaseConfig { url, migrate, options },
            policy: check::policy(layers)?,
            validation: match layers.value(&keys::VALIDATION)? {
                types::Validation::Strict => Validation::Strict,
                types::Validation::Leased => Validation::Leased(terms),
            },
            cookie: CookieConfig {
                domain: layers.value(&keys::COOKIE_DOMAIN)?,
                insecure: layers.value(&keys::COOKIE_INSECURE)?,
            },
            login: LoginConfig {
                concurrency: layers.value(&keys::LOGIN_CONCURRENCY)?,
                network_failures: layers.value(&keys::NETWORK_FAILURES)?,
            },
            password: PasswordConfig { breached_hashes: layers.value(&keys::BREACHED_HASHES)? },
            proxies: layers.value(&keys::PROXY_TRUSTED)?,
            metrics: layers.value(&keys::METRICS_LISTEN)?,
            traces: TracesConfig {
                endpoint: layers.value(&keys::traces::ENDPOINT)?,
                sample: layers.value(&keys::traces::SAMPLE)?,
            },
            events_retention: layers.value(&keys::EVENTS_RETENTION)?,
            stop: StopTerms {
                delay: layers.value(&keys::stop::DELAY)?,
                deadline: layers.value(&keys::stop::DEADLINE)?,
            },
            log: LogConfig { format: layers.value(&keys::LOG_FORMAT)?, filter: layers.value(&keys::LOG_FILTER)? },
        };
        check::cookie_domain(layers, &config)?;
        Ok(config)
    }

    /// What a new password is held against: rules that know how this service is called, and the file of breached ones.
    pub(crate) fn new_passwords(&self) -> NewPasswords {
        let host = self.public_url.as_ref().map(|url| url.host().to_owned());
        let rules = PasswordRules::new(std::iter::once("cloakroom".to_owned()).chain(host));
        NewPasswords::new(rules, self.breached_file())
    }

    /// Whether the file of breached passwords can be used, where one is named. Reads from it.
    ///
    /// Asked by whatever sets passwords and by `config check`: a missing file keeps nobody from ending sessions.
    ///
    /// # Errors
    /// When it is not there or not such a file.
    pub(crate) fn check_breached_hashes(&self) -> Result<(), ConfigError> {
        self.breached_file().map_or(Ok(()), |file| check::breached_hashes(&file))
    }

    /// Whether this program can do what is asked of it with traces.
    ///
    /// Asked by `serve` and `config check` only, as the listener is.
    ///
    /// # Errors
    /// When they are to be exported and it was built without that.
    pub(crate) fn check_traces(&self) -> Result<(), ConfigError> {
        check::traces(self, cfg!(feature = "otel"))
    }

    fn breached_file(&self) -> Option<BreachedFile> {
        self.password.breached_hashes.as_ref().map(|path| BreachedFile::from(Path::new(path.as_str())))
    }

    /// Whether the server may listen like this: beyond loopback, a cookie over plain http could be read on the way.
    ///
    /// Asked by `serve` and `config check` only: a container may set `listen` for every command.
    ///
    /// # Errors
    /// When the listener is not loopback and neither an https `public_url` nor `cookie.insecure` says that this is meant.
    pub(crate) fn check_listener(&self) -> Result<(), ConfigError> {
        check::listener(self)
    }
}

#[cfg(test)]
mod fuzzed;
#[cfg(test)]
mod tests;
