//! The life of the server: open the database, put the application together, serve, and end without losing anything.

use std::future::IntoFuture as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom::{CookieSettings, Sessions, Validation};
use cloakroom_core::password::{Argon2idHasher, HashParameters};
use cloakroom_core::world::{Clock as _, Random};
use cloakroom_sql::{Database, Scope};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::app::{App, Parts};
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
use crate::throttle::Networks;
use crate::{metrics, routes, stop, sweep};

/// How long the record of what happened last may take to be written once nothing is in flight.
const SETTLE_MAX: Duration = Duration::from_secs(5);

/// Serves until it is told to stop.
///
/// # Errors
/// One line for whoever started it, when it cannot start.
pub(crate) async fn run(config: Config) -> Result<(), Failure> {
    let database = open(&config).await?;
    let (listener, address) = listen(config.listen, "listen").await?;
    let metrics = match config.metrics {
        Some(wanted) => Some(listen(wanted, "metrics.listen").await?),
        None => None,
    };
    let (app, code) = put_together(&config, &database)?;
    greet(&app, &config, address, metrics.as_ref().map(|(_, address)| *address), &code).await?;
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
        result = serving.into_future() => result.map_err(|error| Failure::new(format_args!("serving failed: {error}")))?,
        () = stop::overdue(stopped, config.stop.deadline) => tracing::warn!("requests still in flight are cut off"),
    }
    if let Err(error) = sessions.flush().await {
        tracing::error!(%error, "the last uses of sessions were not written");
    }
    last.recorder().settle(SETTLE_MAX).await;
    last.measurements().settle(last.now(), SETTLE_MAX).await;
    database.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(wanted: SocketAddr, key: &str) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused =
        |error| Failure::new(format_args!("cannot listen on {wanted}: {error}; stop what does, or set {key}"));
    let listener = TcpListener::bind(wanted).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Opens the database, and brings it up to date where that is wanted.
async fn open(config: &Config) -> Result<Database, Failure> {
    let database =
        Database::open(config.database.url.reveal(), config.database.options.clone()).await.map_err(Failure::new)?;
    if config.database.migrate {
        for applied in database.migrate(Scope::Everything).await.map_err(Failure::new)? {
            tracing::info!(migration = applied.name, "migration applied");
        }
    }
    database.require_migrated(Scope::Everything).await.map_err(Failure::new)?;
    Ok(database)
}

fn put_together(config: &Config, database: &Database) -> Result<(App, Zeroizing<String>), Failure> {
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
async fn greet(
    app: &App,
    config: &Config,
    address: SocketAddr,
    metrics: Option<SocketAddr>,
    code: &str,
) -> Result<(), Failure> {
    let url = config.public_url.as_ref().map_or_else(|| format!("http://{address}"), |url| url.as_str().to_owned());
    let any = app.accounts().any().await;
    let any = any.map_err(|error| Failure::new(format_args!("{error}: run `cloakroom migrate up`")))?;
    let how = "No account yet. Make the first one, an administrator's, here (once, until the next start):";
    let begin = if any { String::new() } else { format!("{how}\n  {url}/setup/{code}\n") };
    let counts = metrics.map_or_else(String::new, |address| format!("Metrics: http://{address}/metrics\n"));
    let mode = mode(&config.validation);
    // Behind a proxy: where the proxy has to look for it.
    let behind = config.public_url.as_ref().map_or_else(String::new, |_| format!(", listening on http://{address}"));
    let (clients, hashing) = (clients(config), hashing(config));
    let lines = Zeroizing::new(format!("Cloakroom serves {url}{behind}\n{counts}{begin}{mode}\n{hashing}\n{clients}"));
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

/// What hashing takes of the machine at most.
fn hashing(config: &Config) -> String {
    let (at_once, parameters) = (config.login.concurrency as usize, HashParameters::default());
    let mib = (at_once * parameters.memory_kib() as usize).div_ceil(1024);
    format!("Passwords: {at_once} hashed at once, in {mib} MiB at most; {} more may wait.", at_once * WAITING_PER_HASH)
}

/// What is wrong with clients' addresses, where nobody said which proxy to believe.
fn clients(config: &Config) -> &'static str {
    match (&config.public_url, &config.proxies) {
        (Some(_), None) => {
            "Client addresses: whoever is connected, which may be a proxy. Name it in proxy.trusted; without a proxy set proxy.trusted = [].\n"
        }
        _ => "",
    }
}

/// How long after its end a session can still be served.
fn mode(validation: &Validation) -> String {
    match validation {
        Validation::Strict => {
            "Validation: strict. A session that ended is refused from the next request on, on every instance."
                .to_owned()
        }
        Validation::Leased(terms) => format!(
            "Validation: leased. A session that ended is refused on every instance within {:?}, whatever fails; typically \
             within milliseconds.",
            terms.lease
        ),
    }
}
