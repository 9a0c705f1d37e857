//! What holds when nobody says anything.

use cloakroom_core::policy::Policy;

use super::*;

#[test]
fn without_a_word_everything_has_its_default() {
    let config = given("").load().unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.database.url.reveal(), "sqlite:cloakroom.db");
    assert!(config.database.migrate);
    let server = given("database.url = 'postgres://ada@db/app'").load().unwrap();
    assert!(!server.database.migrate, "somebody else may have to choose when a server's tables change");
    assert_eq!(config.policy, Policy::default());
    assert!((1..=64).contains(&config.login.concurrency));
    assert!(config.check_listener().is_ok());
}

#[test]
fn the_defaults_declared_are_the_policys() {
    let policy = Policy::default();
    for (key, wanted) in [
        (&keys::IDLE_TIMEOUT, policy.idle_timeout),
        (&keys::ABSOLUTE_TIMEOUT, policy.absolute_timeout),
        (&keys::KEEP_IDLE_TIMEOUT, policy.keep_idle_timeout),
        (&keys::KEEP_ABSOLUTE_TIMEOUT, policy.keep_absolute_timeout),
    ] {
        assert_eq!((key.default)(), wanted, "{}", key.name);
        let quoted = format!("`{:?}`", super::super::span::show(wanted));
        let text = key.default_text.unwrap_or(&quoted);
        assert!(text.starts_with(&quoted), "{}: {text}", key.name);
    }
}
