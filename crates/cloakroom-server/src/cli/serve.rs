//! `cloakroom serve`: makes sure it may listen, starts the log and hands over to the server.

use super::voice::Voice;
use crate::config::{Config, CookieDomain, PublicUrl};
use crate::exit::Failure;
use crate::server::{self, Told};
use crate::telemetry;
use crate::traces::Traces;

/// Serves until it is told to stop.
///
/// # Errors
/// When the listener is refused, or the server cannot start.
pub(super) async fn run(config: Config, voice: &Voice) -> Result<(), Failure> {
    config.check_listener()?;
    config.check_breached_hashes()?;
    config.check_traces()?;
    let (traces, spans) = Traces::start(&config.traces, config.proxies.as_ref());
    let log = telemetry::start(&config.log, spans)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = %config.listen,
        public_url = config.public_url.as_ref().map(PublicUrl::as_str),
        database = config.database.url.redacted(),
        cookie_domain = config.cookie.domain.as_ref().map(CookieDomain::as_str),
        cookie_insecure = config.cookie.insecure,
        validation = ?config.validation,
        login_concurrency = config.login.concurrency,
        "starting"
    );
    server::run(config, Told { log, traces }, voice).await
}
