//! `cloakroom serve`: makes sure it may listen, starts the log and hands over to the server.

use super::voice::Voice;
use crate::config::{Config, CookieDomain, PublicUrl};
use crate::exit::Failure;
use crate::server;
use crate::telemetry;

/// Serves until it is told to stop.
///
/// # Errors
/// When the listener is refused, or the server cannot start.
pub(super) async fn run(config: Config, voice: &Voice) -> Result<(), Failure> {
    config.check_listener()?;
    config.check_breached_hashes()?;
    let log = telemetry::start(&config.log)?;
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
    server::run(config, log, voice).await
}
