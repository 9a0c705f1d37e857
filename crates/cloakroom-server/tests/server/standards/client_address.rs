//! Where a request comes from: a header counts only from a proxy that is trusted, and no more of the address is kept than was asked for.

use crate::process::{PASSWORD, Place};

/// The address kept of a login whose request says these `X-Forwarded-For` lines.
fn kept(place: Place, lines: &str) -> String {
    let place = place.with_account("ada");
    let server = place.serve();
    let answer = server.client().with_header(lines).log_in("ada", PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    place.sqlite("SELECT coalesce(ip, 'none') FROM sessions")
}

#[test]
fn a_forwarded_address_counts_from_a_trusted_proxy_only() {
    let trusting = |networks: &str| Place::new().with("PROXY__TRUSTED", networks);
    for (place, lines, expected) in [
        (Place::new(), "x-forwarded-for: 203.0.113.7", "127.0.0.1"),
        (trusting("10.0.0.0/8"), "x-forwarded-for: 203.0.113.7", "127.0.0.1"),
        (trusting("127.0.0.0/8, 10.0.0.0/8"), "x-forwarded-for: 1.1.1.1, 203.0.113.7, 10.2.3.4", "203.0.113.7"),
        (trusting("127.0.0.1"), "x-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 203.0.113.7", "203.0.113.7"),
        (trusting("127.0.0.1"), "x-forwarded-for: ::ffff:203.0.113.7", "203.0.113.7"),
        (trusting("127.0.0.1"), "x-forwarded-for: 203.0.113.7, '); DROP TABLE sessions; --", "127.0.0.1"),
        (trusting("127.0.0.1"), "forwarded: for=203.0.113.7\r\nx-real-ip: 203.0.113.7", "127.0.0.1"),
    ] {
        assert_eq!(kept(place, lines), expected, "{lines}");
    }
}

#[test]
fn no_more_of_an_address_is_kept_than_was_asked_for() {
    for (word, address, expected) in [
        ("full", "203.0.113.7", "203.0.113.7"),
        ("truncated", "203.0.113.7", "203.0.113.0"),
        ("truncated", "2001:db8:1:2::7", "2001:db8:1::"),
        ("none", "203.0.113.7", "none"),
    ] {
        let place = Place::new().with("PROXY__TRUSTED", "127.0.0.1").with("SESSION__CLIENT_ADDRESS", word);
        assert_eq!(kept(place, &format!("x-forwarded-for: {address}")), expected, "{word}");
    }
}

#[test]
fn a_proxy_that_nobody_named_is_mentioned_at_the_start() {
    let behind = || Place::new().with("PUBLIC_URL", "https://login.example.org").with_account("ada");
    let named = behind().with("PROXY__TRUSTED", "127.0.0.1");
    let none = behind().with("PROXY__TRUSTED", "");
    for (place, is_mentioned) in [(behind(), true), (named, false), (none, false)] {
        let mut server = place.serve();
        server.signal("-TERM");
        let lines = [(); 4].map(|()| server.line()).join("\n"); // to the end of what it says
        assert_eq!(lines.contains("proxy.trusted"), is_mentioned, "{lines}");
    }
}
