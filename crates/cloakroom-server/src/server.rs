//! The life of the server: open the database, put the application together, serve, and end without losing anything.

use std::error::Error as _;
use std::future::IntoFuture as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom::{CookieSettings, Sessions, Validation};
use cloakroom_core::password::{Argon2idHasher, HashParameters};
use cloakroom_core::world::{Clock as _, Random};
use cloakroom_sql::{Database, OpenError, Scope};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::app::{App, Parts};
use crate::cli::voice::Voice;
use crate::config::Config;
use crate::events::Recorder;
use crate::exit::Failure;
use crate::hashing::{Hashing, WAITING_PER_HASH};
use crate::interrupt::Interrupt;
use crate::locale::Catalogue;
use crate::measurements::{self, Measurements};
use crate::metrics::Metrics;
use crate::service_token::ServiceTokens;
use crate::setup::Setup;
use crate::stop::Stopping;
use crate::supervisor::Supervisor;
use crate::telemetry::LogLines;
use crate::throttle::Networks;
use crate::traces::Traces;
use crate::{metrics, routes, stop, sweep};

/// How long the record of what happened last may take to be written once nothing is in flight.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// How long the last traces may take after that.
const TRACES_MAX: Duration = Duration::from_secs(2);

/// Who is told what happens in the server.
pub(crate) struct Told {
    /// Lines on their way to the log.
    pub(crate) log: LogLines,
    /// Spans on their way to a collector.
    pub(crate) traces: Traces,
}

/// Serves until it is told to stop.
///
/// # Errors
/// One line for whoever started it, when it cannot start.
pub(crate) async fn run(config: Config, told: Told, voice: &Voice) -> Result<(), Failure> {
    let database = open(&config).await?;
    let (listener, address) = listen(config.listen, "listen").await?;
    let metrics = match config.metrics {
        Some(wanted) => Some(listen(wanted, "metrics.listen").await?),
        None => None,
    };
    let (app, code) = put_together(&config, &database, told)?;
    let said = Greeting { config: &config, address, metrics: metrics.as_ref().map(|(_, address)| *address), voice };
    said.say(&app, &code).await?;
    drop(code);
    let (sessions, told, stopping) = (app.sessions().clone(), Interrupt::listen()?, app.stopping().clone());
    sessions.follow();
    drop(tokio::spawn(sweep::run(app.clone(), config.events_retention))); // it ends with the process
    drop(tokio::spawn(measurements::run(app.clone())));
    let last = app.clone();
    if metrics.is_some() {
        drop(tokio::spawn(metrics::measure(app.clone()))); // it ends with the process
    }
    if let Some((listener, _)) = metrics {
        let serving = axum::serve(listener, metrics::router(app.clone()));
        drop(tokio::spawn(serving.into_future())); // it ends with the process, so that a slow stop can be watched
    }
    let (supervisor, (next, stopped)) = (Supervisor::of_environment(), tokio::sync::oneshot::channel());
    let router = routes::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let told = stop::told(told, stopping.clone(), supervisor.clone(), config.stop.delay, next);
    let serving = axum::serve(listener, router).with_graceful_shutdown(told);
    supervisor.ready();
    drop(tokio::spawn(supervisor.watch(address, stopping))); // it ends with the process
    tokio::select! {
        result = serving.into_future() => result.map_err(|error| Failure::say("serve-failed", &[("cause", &error)]))?,
        () = stop::overdue(stopped, config.stop.deadline) => tracing::warn!("requests still in flight are cut off"),
    }
    if let Err(error) = sessions.flush().await {
        tracing::error!(%error, "the last uses of sessions were not written");
    }
    last.recorder().settle(SETTLE_MAX).await;
    last.measurements().settle(last.now(), SETTLE_MAX).await;
    database.close().await;
    last.traces().settle(TRACES_MAX).await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(wanted: SocketAddr, key: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused =
        |error| Failure::say("serve-cannot-listen", &[("address", &wanted), ("key", &key), ("cause", &error)]);
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Opens the database, and brings it up to date where that is wanted.
async fn open(config: &Config) -> Result<Database, Failure> {
    let database =
        Database::open(config.database.url.reveal(), config.database.options.clone()).await.map_err(unusable)?;
    if config.database.migrate {
        for applied in database.migrate(Scope::Everything).await.map_err(unusable)? {
            tracing::info!(migration = applied.name, "migration applied");
        }
    }
    database.require_migrated(Scope::Everything).await.map_err(unusable)?;
    Ok(database)
}

/// One line for whoever started it; what is behind it is in the log.
fn unusable(error: OpenError) -> Failure {
    if let Some(cause) = error.source() {
        tracing::error!(%cause, "the database cannot be used");
    }
    error.into()
}

fn put_together(config: &Config, database: &Database, told: Told) -> Result<(App, Zeroizing<String>), Failure> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let builder = Sessions::builder()
        .policy(config.policy.clone())
        .cookie(cookie(config)?)
        .trusted_proxies(config.proxies.clone().unwrap_or_default())
        .validation(config.validation);
    let sessions = builder.store(database.sessions()).map_err(Failure::new)?;
    let hasher = Argon2idHasher::new(HashParameters::default(), Arc::clone(&random) as Arc<dyn Random>);
    let (setup, code) = Setup::new(&*random).map_err(Failure::new)?;
    let app = App::new(Parts {
        sessions,
        accounts: database.accounts(),
        database: database.clone(),
        hashing: Hashing::start(Arc::new(hasher), config.login.concurrency as usize).map_err(Failure::new)?,
        new_passwords: config.new_passwords(),
        catalogue: Catalogue::load().map_err(Failure::new)?,
        language: config.language,
        setup,
        recorder: Recorder::start(database.accounts()),
        service_tokens: ServiceTokens::new(&config.validation),
        stopping: Stopping::default(),
        measurements: Measurements::new(database.measurements(), clock.now()),
        metrics: Metrics::default(),
        log: told.log,
        traces: told.traces,
        networks: Networks {
            failures: config.login.network_failures,
            are_known: config.public_url.is_none() || config.proxies.is_some(),
        },
        public_origin: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
        clock,
        random,
    });
    Ok((app, code))
}

/// Which cookie follows from how browsers reach the server.
fn cookie(config: &Config) -> Result<CookieSettings, Failure> {
    let is_https = config.public_url.as_ref().is_some_and(crate::config::PublicUrl::is_https);
    match &config.cookie.domain {
        Some(domain) if is_https => CookieSettings::shared_over(domain.as_str()).map_err(Failure::new),
        _ if is_https => Ok(CookieSettings::host()),
        // `Config::check_listener` has seen to it that this is a loopback listener, or explicitly wanted.
        _ => Ok(CookieSettings::insecure_for_plain_http()),
    }
}

/// Says where the server is, and how to begin while there is no account.
struct Greeting<'a> {
    config: &'a Config,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    voice: &'a Voice,
}

impl Greeting<'_> {
    async fn say(&self, app: &App, code: &str) -> Result<(), Failure> {
        let Self { config, address, metrics, voice } = self;
        let url = config.public_url.as_ref().map_or_else(|| format!("http://{address}"), |url| url.as_str().to_owned());
        // Behind a proxy: where the proxy has to look for it.
        let where_ = if config.public_url.is_some() { "serve-behind" } else { "serve-here" };
        let mut before = vec![voice.say(where_, &[("url", &url), ("address", address)])];
        before.extend(metrics.map(|address| voice.say("serve-metrics", &[("address", &address)])));
        let (setup, code) = if app.accounts().any().await? {
            (String::new(), "")
        } else {
            (format!("{}\n  {url}/setup/", voice.say("serve-setup", &[])), code)
        };
        let mut after = vec![self.mode(), self.hashing()];
        if config.public_url.is_some() && config.proxies.is_none() {
            after.push(voice.say("serve-clients-unknown", &[]));
        }
        let (before, after) = (before.join("\n"), after.join("\n"));
        let ends = if code.is_empty() { "" } else { "\n" };
        // In one piece: a buffer that grows leaves unwiped copies behind.
        let lines = Zeroizing::new([before.as_str(), "\n", &setup, code, ends, &after, "\n"].concat());
        let mut stdout = std::io::stdout().lock();
        // Nobody reads it, perhaps on purpose: that is no reason not to serve. An account can be added on the command line.
        if let Err(error) = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()) {
            tracing::warn!(%error, "standard output cannot be written: nobody has been told where to begin");
        }
        Ok(())
    }

    /// What hashing takes of the machine at most.
    fn hashing(&self) -> String {
        let (at_once, parameters) = (self.config.login.concurrency as usize, HashParameters::default());
        let mib = (at_once * parameters.memory_kib() as usize).div_ceil(1024);
        let waiting = at_once * WAITING_PER_HASH;
        self.voice.say("serve-hashing", &[("count", &at_once), ("mib", &mib), ("waiting", &waiting)])
    }

    /// How long after its end a session can still be served.
    fn mode(&self) -> String {
        match &self.config.validation {
            Validation::Strict => self.voice.say("serve-strict", &[]),
            Validation::Leased(terms) => {
                self.voice.say("serve-leased", &[("lease", &format_args!("{:?}", terms.lease))])
            }
        }
    }
}
