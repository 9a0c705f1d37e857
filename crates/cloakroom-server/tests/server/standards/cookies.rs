//! ASVS 5.0 3.3, NIST SP 800-63B-4 5.1.1, RFC 6265bis 4.1: every attribute of the cookie in every configuration, from its issue over its
//! replacement to its removal.

use std::collections::BTreeMap;

use crate::client::Answer;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place, Server};

struct Configuration {
    settings: &'static [(&'static str, &'static str)],
    name: &'static str,
    attributes: &'static [(&'static str, &'static str)],
}

const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        settings: &[],
        name: "cloakroom",
        attributes: &[("Path", "/"), ("HttpOnly", ""), ("SameSite", "Lax")],
    },
    Configuration {
        settings: &[("PUBLIC_URL", "https://login.example.org")],
        name: "__Host-cloakroom",
        attributes: &[("Path", "/"), ("HttpOnly", ""), ("SameSite", "Lax"), ("Secure", "")],
    },
    Configuration {
        settings: &[("PUBLIC_URL", "https://login.example.org"), ("COOKIE__DOMAIN", "example.org")],
        name: "__Secure-cloakroom",
        attributes: &[("Path", "/"), ("HttpOnly", ""), ("SameSite", "Lax"), ("Secure", ""), ("Domain", "example.org")],
    },
];

fn place_with(settings: &[(&str, &str)]) -> Place {
    settings.iter().fold(Place::new(), |place, (key, value)| place.with(key, value))
}

/// The one cookie of an answer: its value, and its attributes by name.
fn cookie(answer: &Answer, name: &str) -> (String, BTreeMap<String, String>) {
    let [line] = answer.set_cookies()[..] else { panic!("not one cookie: {answer:?}") };
    let (pair, attributes) = line.split_once("; ").unwrap();
    let (found, value) = pair.split_once('=').unwrap();
    assert_eq!(found, name);
    let parts: Vec<_> = attributes.split("; ").map(|part| part.split_once('=').unwrap_or((part, ""))).collect();
    let by_name: BTreeMap<_, _> = parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(by_name.len(), parts.len(), "an attribute stands twice: {line}");
    (value.to_owned(), by_name)
}

fn post(server: &Server, path: &str, cookie: Option<&str>, body: &str) -> Answer {
    let cookie = cookie.map_or_else(String::new, |cookie| format!("cookie: {cookie}\r\n"));
    let head = format!("POST {path} HTTP/1.1\r\nhost: {}\r\n{cookie}connection: close\r\n", server.address());
    let kind = "content-type: application/x-www-form-urlencoded";
    server.client().raw(format!("{head}{kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes())
}

/// Of the pages of the session in this cookie.
fn form_token(server: &Server, cookie: &str) -> String {
    let page = server.client().with_header(&format!("cookie: {cookie}")).get("/account");
    page.hidden("/logout").into_iter().find(|(name, _)| name == "form_token").expect("a form token").1
}

#[test]
fn every_attribute_in_every_configuration() {
    for Configuration { settings, name, attributes } in CONFIGURATIONS {
        let place = place_with(settings).with_account("ada");
        let server = place.serve();
        let mut password = (PASSWORD, OTHER_PASSWORD);
        for keep in [false, true] {
            let always: BTreeMap<_, _> =
                attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            // What the row allows, and only where the person wants to be kept signed in.
            let allowed = || {
                let age = "SELECT (absolute_expires_at - authenticated_at) / 1000 FROM sessions";
                let age = keep.then(|| ("Max-Age".to_owned(), place.sqlite(age)));
                always.clone().into_iter().chain(age).collect::<BTreeMap<_, _>>()
            };
            let plus = |text: &str| text.replace(' ', "+");
            let kept = if keep { "&keep=on" } else { "" };
            let body = format!("login_name=ada&password={}{kept}", plus(password.0));
            let (first, found) = cookie(&post(&server, "/login", None, &body), name);
            assert_eq!((found, first.len()), (allowed(), 47), "{name}: issue, keep {keep}");

            let new = plus(password.1);
            let line = format!("{name}={first}");
            let own = format!("form_token={}", form_token(&server, &line));
            let current = plus(password.0);
            let body = format!("{own}&current_password={current}&new_password={new}&new_password_again={new}");
            let answer = post(&server, "/account/password", Some(&line), &body);
            let (second, found) = cookie(&answer, name);
            assert_eq!(found, allowed(), "{name}: replacement, keep {keep}");
            assert!(second != first && second.starts_with("ck1_"));
            password = (password.1, password.0);

            let (value, mut found) = cookie(&post(&server, "/logout", Some(&format!("{name}={second}")), ""), name);
            assert_eq!((value.as_str(), found.remove("Max-Age").as_deref()), ("", Some("0")), "{name}: removal");
            assert_eq!((found, place.rows()), (always, 0), "{name}: what removes it has to name the same cookie");
        }
    }
}

#[test]
fn combinations_that_cannot_be_are_refused() {
    let domain = |domain| ("COOKIE__DOMAIN", domain);
    let url = |url| ("PUBLIC_URL", url);
    for (command, settings) in [
        ("config", &[domain("example.org")][..]),
        ("config", &[domain("example.org"), url("http://login.example.org")]),
        ("config", &[domain("example.com"), url("https://login.example.org")]),
        ("config", &[domain("org"), url("https://login.example.org")]),
        ("config", &[domain("ample.org"), url("https://login.example.org")]),
        ("serve", &[("LISTEN", "0.0.0.0:0")]),
    ] {
        let place = place_with(settings);
        let output = place.run(&[command]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("cookie"), "{settings:?}: {said}");
        assert!(!place.file("cloakroom.db").exists(), "{settings:?}: nothing was begun");
    }
}
