//! `cloakroom health`: whether the server that is configured here answers, for whatever watches a container without a shell in it.

use std::time::Duration;

use crate::config::Config;
use crate::exit::Failure;
use crate::supervisor::answers;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks where `serve` listens with the same configuration.
///
/// # Errors
/// When nobody answers there, or says that it is not well.
pub(super) async fn run(is_ready: bool, config: &Config) -> Result<(), Failure> {
    let (path, listen) = (if is_ready { "/readyz" } else { "/healthz" }, config.listen);
    let url = format!("http://{listen}{path}");
    let answer = tokio::time::timeout(PATIENCE, answers(listen, path)).await;
    match answer {
        Ok(Ok(200)) => Ok(()),
        Ok(Ok(status)) => Err(Failure::say("health-not-well", &[("url", &url), ("status", &status)])),
        Ok(Err(error)) => Err(Failure::say("health-nobody", &[("url", &url), ("cause", &error)])),
        Err(_) => Err(Failure::say("health-late", &[("url", &url), ("seconds", &PATIENCE.as_secs())])),
    }
}
