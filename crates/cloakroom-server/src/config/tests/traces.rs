//! Where traces go, and what is said where the program cannot send them.

use super::*;
use crate::config::check;

const SET: &str = "traces.endpoint = 'http://127.0.0.1:4318/v1/traces'\ntraces.sample = 0.25";

#[test]
fn what_cannot_be_exported_is_refused_with_what_to_do() {
    let config = given(SET).load().unwrap();
    assert_eq!(check::traces(&config, true), Ok(()));
    let said = told(&check::traces(&config, false).unwrap_err());
    for part in ["traces.endpoint is set", "remove the key", "--features otel"] {
        assert!(said.contains(part), "{said}");
    }
    let without = given("traces.sample = 1").load().unwrap();
    assert_eq!(check::traces(&without, false), Ok(()));
    assert_eq!(config.check_traces().is_ok(), cfg!(feature = "otel"));
}

#[test]
fn a_mistake_names_the_key_and_repeats_no_credential() {
    let said = |line: &str| given(line).load().unwrap_err();
    let endpoint = said("traces.endpoint = 'http://ada:secret@host/v1/traces'");
    assert!(endpoint.starts_with("traces.endpoint (") && !endpoint.contains("secret"), "{endpoint}");
    let sample = said("traces.sample = 1.5");
    assert!(sample.contains("found 1.5, allowed: 0 to 1"), "{sample}");
}
