//! Timeouts of a running server. To the millisecond they are tested where time is an argument; here, that they are wired.

use crate::process::Place;

/// Asks until the answer is another than 200; returns its code.
fn until_ended(mut ask: impl FnMut() -> crate::client::Answer) -> String {
    // Bounded by number: each request takes a fraction of a millisecond at the least.
    for _ in 0..1_000_000 {
        let answer = ask();
        if answer.status != 200 {
            return answer.code();
        }
    }
    panic!("never ended")
}

#[test]
fn asking_for_ones_own_session_does_not_keep_it_alive() {
    let place = Place::new().with("SESSION__IDLE_TIMEOUT", "2s").with("LOG__FILTER", "warn").with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!(until_ended(|| client.get("/api/v1/session")), "session_idle");
}

#[test]
fn use_keeps_it_alive_until_its_absolute_timeout() {
    let place = Place::new()
        .with("SESSION__IDLE_TIMEOUT", "5s")
        .with("SESSION__ABSOLUTE_TIMEOUT", "8s")
        .with("LOG__FILTER", "warn")
        .with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!(until_ended(|| client.get("/api/v1/sessions")), "session_absolute");
}
