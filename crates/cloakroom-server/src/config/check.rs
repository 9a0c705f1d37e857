//! What no value can say alone: limits that bound each other, and settings that do not go together.

use std::time::Duration;

use cloakroom_core::coherence::LeaseTerms;
use cloakroom_core::policy::{Policy, PolicyError};

use super::error::ConfigError;
use super::keys;
use super::layers::Layers;
use super::types::Setting;
use super::{Config, span};
use crate::message::{Message, Value};
use crate::password::BreachedFile;

/// The limits of sessions. A default that another limit leaves no room for gives way; a value somebody set does not.
pub(super) fn policy(layers: &Layers) -> Result<Policy, ConfigError> {
    let defaults = Policy::default();
    let absolute_timeout = layers.value(&keys::ABSOLUTE_TIMEOUT)?;
    let idle_timeout = layers.explicit(&keys::IDLE_TIMEOUT)?;
    let keep_absolute_timeout = layers.explicit(&keys::KEEP_ABSOLUTE_TIMEOUT)?;
    let keep_absolute_timeout =
        keep_absolute_timeout.unwrap_or_else(|| defaults.keep_absolute_timeout.max(absolute_timeout));
    let keep_idle_timeout = layers.explicit(&keys::KEEP_IDLE_TIMEOUT)?;
    let policy = Policy {
        absolute_timeout,
        idle_timeout: idle_timeout.unwrap_or_else(|| defaults.idle_timeout.min(absolute_timeout)),
        keep_absolute_timeout,
        keep_idle_timeout: keep_idle_timeout.unwrap_or_else(|| defaults.keep_idle_timeout.min(keep_absolute_timeout)),
        touch_every: layers.value(&keys::TOUCH_EVERY)?,
        recent: layers.value(&keys::RECENT)?,
        max_per_subject: layers.value(&keys::MAX_PER_SUBJECT)?,
        retention: layers.value(&keys::RETENTION)?,
        feed_retention: layers.value(&keys::FEED_RETENTION)?,
        client_retention: layers.value(&keys::CLIENT_RETENTION)?,
        client_address: layers.value(&keys::CLIENT_ADDRESS)?.into(),
    };
    policy.check().map_err(|error| out_of_range(layers, bound_of(&policy, error.key), error))?;
    Ok(policy)
}

/// The terms of a lease; checked under strict validation too, so that changing one word later finds no surprise.
pub(super) fn lease(layers: &Layers) -> Result<LeaseTerms, ConfigError> {
    let (defaults, lease) = (LeaseTerms::default(), layers.value(&keys::LEASE)?);
    let poll = layers.explicit(&keys::POLL)?;
    let terms = LeaseTerms {
        lease,
        // In whole milliseconds, as durations are written.
        poll: poll.unwrap_or_else(|| defaults.poll.min(whole_millis(lease / 5))),
        capacity: layers.value(&keys::CACHE)?,
    };
    let bound = |key: &str| (key == "poll").then_some((keys::LEASE.name, terms.lease));
    terms.check().map_err(|error| out_of_range(layers, bound(error.key), error))?;
    Ok(terms)
}

fn whole_millis(duration: Duration) -> Duration {
    Duration::new(duration.as_secs(), duration.subsec_millis() * 1_000_000)
}

/// Which other limit bounds the one of this name.
fn bound_of(policy: &Policy, key: &str) -> Option<(&'static str, Duration)> {
    match key {
        "idle_timeout" | "keep_absolute_timeout" => Some((keys::ABSOLUTE_TIMEOUT.name, policy.absolute_timeout)),
        "keep_idle_timeout" => Some((keys::KEEP_ABSOLUTE_TIMEOUT.name, policy.keep_absolute_timeout)),
        _ => None,
    }
}

/// Says it with the key's own words, and names the other key where that is what bounds it.
fn out_of_range(layers: &Layers, bound: Option<(&'static str, Duration)>, error: PolicyError) -> ConfigError {
    let Some(key) = keys::ALL.iter().find(|key| key.name().strip_prefix("session.") == Some(error.key)) else {
        let message = Message::new("config-faulty").value("cause", error.to_string());
        return ConfigError::Together { key: None, code: "faulty", message };
    };
    let mut allowed = keys::allowed(key.name());
    if let Some((name, value)) = bound {
        let bounded = Message::new("config-bounded").value("allowed", allowed).value("key", name);
        allowed = bounded.value("value", span::show(value)).value("source", &layers.source(name));
    }
    let found = key.effective(layers).ok().and_then(|(shown, _)| shown).unwrap_or(error.found);
    ConfigError::Value { key: key.name(), source_: layers.source(key.name()), found: found.into(), allowed }
}

/// A shared cookie needs https and a host that may set it: browsers drop it otherwise, and nobody can log in.
pub(super) fn cookie_domain(layers: &Layers, config: &Config) -> Result<(), ConfigError> {
    let Some(domain) = &config.cookie.domain else {
        return Ok(());
    };
    let refused = |found: Message| ConfigError::Value {
        key: keys::COOKIE_DOMAIN.name,
        source_: layers.source(keys::COOKIE_DOMAIN.name),
        found: Value::from(found.value("value", domain.show().unwrap_or_default())),
        allowed: keys::allowed(keys::COOKIE_DOMAIN.name),
    };
    if domain.is_public_suffix() {
        return Err(refused(Message::new("config-found-suffix")));
    }
    match &config.public_url {
        None => Err(refused(Message::new("config-found-without-url"))),
        // Over http nothing protects the cookie, and one that nothing protects is for one host.
        Some(url) if !url.is_https() || !domain.covers(url.host()) => {
            Err(refused(Message::new("config-found-other-url").value("url", format!("{:?}", url.as_str()))))
        }
        Some(_) => Ok(()),
    }
}

/// A file that nobody can look into would refuse every new password, or mean nothing.
pub(super) fn breached_hashes(file: &BreachedFile) -> Result<(), ConfigError> {
    file.check().map_err(|error| {
        let key = keys::BREACHED_HASHES.name;
        let message = Message::new("config-breached-hashes").value("key", key).value("cause", error.to_string());
        ConfigError::Together { key: Some(key), code: "breached-hashes", message }
    })
}

/// Traces that nobody exports are not what was asked for.
pub(super) fn traces(config: &Config, can_export: bool) -> Result<(), ConfigError> {
    if can_export || config.traces.endpoint.is_none() {
        return Ok(());
    }
    let key = keys::traces::ENDPOINT.name;
    Err(ConfigError::Together {
        key: Some(key),
        code: "traces",
        message: Message::new("config-traces").value("key", key),
    })
}

/// Beyond loopback, plain http needs an explicit word.
pub(super) fn listener(config: &Config) -> Result<(), ConfigError> {
    let is_https = config.public_url.as_ref().is_some_and(super::PublicUrl::is_https);
    if config.listen.ip().to_canonical().is_loopback() || is_https || config.cookie.insecure {
        return Ok(());
    }
    let message = Message::new("config-listener").value("address", config.listen.to_string());
    Err(ConfigError::Together { key: Some(keys::LISTEN.name), code: "listener", message })
}
