//! Checks of what answers look like: readiness, clocks, encryption, headers, and the cookie that a login sets.

use std::time::Duration;

use cloakroom::world::SystemClock;
use cloakroom_core::skew::{SKEW_MAX, Skew};
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use http::HeaderValue;
use http::header::SET_COOKIE;
use jiff::fmt::rfc2822;
use zeroize::Zeroizing;

use super::finding::{Check, Finding, Said, say};
use super::visitor::{Answer, Visitor};
use crate::config::PublicUrl;

/// A year in seconds: the least that browsers' lists ask for (ASVS 5.0 3.4.1).
const HSTS_MIN: u64 = 31_536_000;

/// Whether every server says that it is ready.
pub(super) async fn ready(servers: &[Visitor]) -> Finding {
    let mut problems = Vec::new();
    for server in servers {
        let url = server.url().as_str();
        match server.get("/readyz", None).await {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => {
                let why = String::from_utf8_lossy(&answer.body);
                let why = why.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
                problems.push(
                    say("doctor-ready-not").with("url", url).with("status", answer.status.as_u16()).with("why", why),
                );
            }
            Err(error) => problems.push(say("doctor-unreachable").with("url", url).with("why", error)),
        }
    }
    let well = say("doctor-ready-all").with("count", servers.len());
    Finding::of(Check::Ready, problems, well, say("doctor-ready-advice"))
}

/// Whether the clocks of here, the server and the database agree.
pub(super) async fn clock(server: &Visitor, database: &Database) -> Finding {
    let (mut problems, mut seen) = (Vec::new(), Vec::new());
    match server.get("/healthz", None).await {
        Ok(answer) => match answer.header("date").and_then(seconds) {
            // Its seconds are whole: it was any time in that one.
            Some(date) => {
                let skew = match Skew::proven(answer.asked, date.plus(Duration::from_millis(999)), answer.answered) {
                    Skew::Behind(_) if date > answer.answered => Skew::Behind(date.since(answer.answered)),
                    Skew::Behind(_) => Skew::NoneProven,
                    other => other,
                };
                note("doctor-clock-server", skew, &mut problems, &mut seen);
            }
            None => seen.push(say("doctor-clock-no-date")),
        },
        Err(error) => {
            let why = say("doctor-unreachable").with("url", server.url().as_str()).with("why", error);
            return Finding::skipped(Check::Clock, why);
        }
    }
    let asked = SystemClock.now();
    match database.ping().await {
        Ok(Some(time)) => {
            note("doctor-clock-database", Skew::proven(asked, time, SystemClock.now()), &mut problems, &mut seen);
        }
        Ok(None) => seen.push(say("doctor-clock-file")),
        Err(error) => seen.push(say("doctor-database-refuses").with("why", error)),
    }
    let mut finding = Finding::of(Check::Clock, problems, say("doctor-clock-well"), say("doctor-clock-advice"));
    finding.evidence.extend(seen);
    finding
}

fn note(key: &'static str, skew: Skew, problems: &mut Vec<Said>, seen: &mut Vec<Said>) {
    let (by, way) = match skew {
        Skew::NoneProven => (Duration::ZERO, "none"),
        Skew::Ahead(by) => (by, "ahead"),
        Skew::Behind(by) => (by, "behind"),
    };
    let said =
        say(key).with("seconds", format!("{:.1}", by.as_secs_f64())).with("way", way).with("max", SKEW_MAX.as_secs());
    if skew.is_bearable() { seen.push(said) } else { problems.push(said) }
}

/// A `Date` (RFC 9110 section 5.6.7).
fn seconds(date: &str) -> Option<Timestamp> {
    let time = rfc2822::DateTimeParser::new().parse_timestamp(date.replace("GMT", "+0000")).ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

/// Whether the way to the server is encrypted, and browsers are told to keep it so.
pub(super) async fn tls(server: &Visitor) -> Finding {
    let url = server.url();
    if !url.is_https() {
        if is_loopback(url) {
            return Finding::skipped(Check::Tls, say("doctor-tls-loopback"));
        }
        let found = say("doctor-tls-none").with("url", url.as_str());
        return Finding::failed(Check::Tls, found, say("doctor-tls-none-advice"));
    }
    let answer = match server.get("/healthz", None).await {
        Ok(answer) => answer,
        Err(error) => {
            let found = say("doctor-unreachable").with("url", url.as_str()).with("why", error);
            return Finding::failed(Check::Tls, found, say("doctor-tls-advice"));
        }
    };
    let directive = answer.header("strict-transport-security").unwrap_or_default();
    let age = directive.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
    match age {
        Some(age) if age >= HSTS_MIN => Finding::passed(Check::Tls, say("doctor-tls-well").with("days", age / 86_400)),
        _ => Finding::failed(Check::Tls, say("doctor-tls-hsts"), say("doctor-tls-advice")),
    }
}

/// Whether nobody else's machine lies on the way.
pub(super) fn is_loopback(url: &PublicUrl) -> bool {
    let host = url.host().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether answers carry what protects pages, and answers to somebody logged in are kept by nobody.
pub(super) async fn headers(server: &Visitor, cookie: &HeaderValue) -> Finding {
    let mut problems = Vec::new();
    for (path, cookie) in [("/login", None), ("/account", Some(cookie)), ("/api/v1/session", Some(cookie))] {
        match server.get(path, cookie).await {
            Err(error) => problems.push(say("doctor-unreachable").with("url", path).with("why", error)),
            Ok(answer) => {
                let missing = missing_headers(&answer, cookie.is_some());
                if !missing.is_empty() {
                    problems.push(say("doctor-headers-missing").with("path", path).with("names", missing.join(", ")));
                }
            }
        }
    }
    Finding::of(Check::Headers, problems, say("doctor-headers-well"), say("doctor-headers-advice"))
}

fn missing_headers(answer: &Answer, is_logged_in: bool) -> Vec<&'static str> {
    let has =
        |name: &str, word: &str| answer.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
    let wanted = [
        ("content-security-policy", "frame-ancestors 'none'"),
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    let mut missing: Vec<_> =
        wanted.into_iter().filter(|(name, word)| !has(name, word)).map(|(name, _)| name).collect();
    if is_logged_in && !has("cache-control", "no-store") {
        missing.push("cache-control: no-store");
    }
    missing.dedup();
    missing
}

/// A cookie that a login has set. Never shown.
pub(super) struct SetCookie {
    name: String,
    pub(super) token: Zeroizing<String>,
    attributes: Vec<String>,
}

impl SetCookie {
    /// The session cookie of an answer, under whichever of its names.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let all = answer.headers.get_all(SET_COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        all.filter_map(Self::parse).find(|cookie| cookie.name.ends_with("cloakroom"))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next()?.split_once('=')?;
        let attributes = parts.map(str::to_ascii_lowercase).collect();
        Some(Self { name: name.to_owned(), token: Zeroizing::new(value.to_owned()), attributes })
    }

    /// What a browser would send.
    pub(super) fn as_sent(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{}={}", self.name, &*self.token)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether it makes the browser forget the one it has.
    pub(super) fn is_expiring(&self) -> bool {
        self.attributes.iter().any(|attribute| attribute == "max-age=0")
    }

    /// Whether its attributes protect it (ASVS 5.0 3.3.1 to 3.3.4).
    pub(super) fn judge(&self, url: &PublicUrl) -> Finding {
        let has = |wanted: &str| self.attributes.iter().any(|attribute| attribute == wanted);
        let starts = |wanted: &str| self.attributes.iter().any(|attribute| attribute.starts_with(wanted));
        let mut missing = Vec::new();
        let mut want = |is_there: bool, what: &'static str| {
            if !is_there {
                missing.push(what);
            }
        };
        want(has("httponly"), "HttpOnly");
        want(has("samesite=lax") || has("samesite=strict"), "SameSite=Lax");
        want(has("path=/"), "Path=/");
        if url.is_https() || !is_loopback(url) {
            want(has("secure"), "Secure");
            let is_host = self.name.starts_with("__Host-") && !starts("domain=");
            want(is_host || self.name.starts_with("__Secure-") && starts("domain="), "__Host-");
        }
        let advice = say("doctor-cookie-advice");
        if !missing.is_empty() {
            let found = say("doctor-cookie-missing").with("name", &self.name).with("attributes", missing.join(", "));
            return Finding::failed(Check::Cookie, found, advice);
        }
        let shown = self.attributes.join("; ");
        Finding::passed(Check::Cookie, say("doctor-cookie-well").with("name", &self.name).with("attributes", shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_judged_by_their_attributes() {
        let url = |text: &str| crate::config::origin(text).unwrap();
        let (local, public) = (url("http://127.0.0.1:1"), url("https://a.example"));
        for (cookie, is_well_here, is_well_there) in [
            ("cloakroom=x; Path=/; HttpOnly; SameSite=Lax", true, false),
            ("__Host-cloakroom=x; Path=/; HttpOnly; SameSite=Lax; Secure", true, true),
            ("__Secure-cloakroom=x; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example", true, true),
            ("__Host-cloakroom=x; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example", true, false),
            ("__Host-cloakroom=x; Path=/; HttpOnly; SameSite=None; Secure", false, false),
            ("__Host-cloakroom=x; Path=/; SameSite=Lax; Secure", false, false),
            ("__Host-cloakroom=x; Path=/login; HttpOnly; SameSite=Lax; Secure", false, false),
        ] {
            let judged = |url| SetCookie::parse(cookie).unwrap().judge(url).status.as_str() == "pass";
            assert_eq!((judged(&local), judged(&public)), (is_well_here, is_well_there), "{cookie}");
        }
    }

    #[test]
    fn dates_are_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT").unwrap().to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(seconds("yesterday"), None);
    }
}
