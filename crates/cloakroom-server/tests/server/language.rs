//! Which language somebody is answered in: the one they chose, the one their browser asks for, the server's.

use crate::client::{Answer, Client};
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

fn tag(page: &Answer) -> &str {
    page.body.split("<html lang=\"").nth(1).unwrap().split('"').next().unwrap()
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c))
}

/// With the cookie of a choice, as a browser keeps it.
fn choosing(client: &mut Client, language: &str, return_to: &str) -> (Client, Answer) {
    let answer = client.form("/language", &[("language", language), ("return_to", return_to)]);
    assert_eq!(answer.status, 303, "{answer:?}");
    let pair = answer.set_cookies()[0].split(';').next().unwrap().to_owned();
    (client.clone().with_header(&format!("cookie: {pair}")), answer)
}

#[test]
fn a_choice_is_kept_in_a_cookie_of_its_own_and_leads_back() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut ada = server.logged_in("ada").with_header("accept-language: en");
    let page = ada.get("/account");
    assert_eq!((tag(&page), page.header("content-language")), ("en", Some("en")));
    assert_eq!(page.hidden("/language"), [("return_to".to_owned(), "/account".to_owned())]);
    let (mut chosen, answer) = choosing(&mut ada, "ja", "/account");
    assert_eq!(answer.header("location"), Some("/account"));
    assert_eq!(answer.set_cookies(), ["cloakroom-language=ja; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"]);
    let page = chosen.get("/account");
    assert_eq!((page.status, tag(&page), page.header("content-language")), (200, "ja", Some("ja")));
    assert_eq!(page.header("vary"), Some("accept-language, cookie"));
    // Errors too, and the programs' interface.
    for answer in [chosen.get("/nowhere"), chosen.get("/api/v1/nowhere"), chosen.log_in("ada", OTHER_PASSWORD)] {
        assert!(is_japanese(&answer.body), "{answer:?}");
        assert_eq!(answer.header("content-language"), Some("ja"));
        assert_eq!(answer.header("vary"), Some("accept-language, cookie"));
    }
    let problem = chosen.json("/api/v1/login", b"{}").json();
    for text in [&problem["title"], &problem["detail"], &problem["errors"][0]["message"]] {
        assert!(is_japanese(text.as_str().unwrap()), "{problem}");
    }
}

#[test]
fn the_switch_leads_nowhere_else_and_knows_no_other_language() {
    let place = Place::new();
    let server = place.serve();
    for evil in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nx: y", ""]
    {
        let (_, answer) = choosing(&mut server.client(), "en", evil);
        assert_eq!(answer.header("location"), Some("/"), "{evil:?}");
    }
    let (_, answer) = choosing(&mut server.client(), "ja", "/login?return_to=%2Faccount");
    assert_eq!(answer.header("location"), Some("/login?return_to=%2Faccount"));
    for fields in [
        &[("language", "fr")][..],
        &[("language", "ja; Domain=evil.example")],
        &[("language", "")],
        &[],
        &[("language", "ja"), ("language", "en")],
        &[("language", "ja"), ("other", "x")],
    ] {
        let answer = server.client().form("/language", fields);
        assert_eq!((answer.status, answer.set_cookies().len()), (422, 0), "{fields:?}");
    }
    let other = server.client().with_header("origin: https://evil.example").form("/language", &[("language", "ja")]);
    assert_eq!((other.status, other.set_cookies().len()), (403, 0));
    assert_eq!(server.client().get("/language").status, 405);
}

#[test]
fn every_page_offers_every_language_and_leads_back_to_itself() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut ada = server.logged_in("ada");
    let refused = [("login_name", "ada"), ("password", OTHER_PASSWORD), ("return_to", "/account?a=b")];
    for (page, here) in [
        (server.client().get("/login"), "/login"),
        (server.client().get("/login?return_to=%2Faccount%3Fa%3Db"), "/login?return_to=%2Faccount%3Fa%3Db"),
        (server.client().form("/login", &refused), "/login?return_to=%2Faccount%3Fa%3Db"),
        (server.client().get("/nowhere"), "/nowhere"),
        (server.client().get("/nowhere//x"), "/"),
        (ada.get("/account"), "/account"),
        (ada.get("/account/not-me"), "/account/not-me"),
        (ada.get("/confirm"), "/confirm"),
        (ada.submit("/account/password", &[]), "/account"),
    ] {
        assert_eq!(page.hidden("/language"), [("return_to".to_owned(), here.to_owned())]);
        for name in [">English</button>", ">日本語</button>"] {
            assert!(page.body.contains(name), "{here}");
        }
        assert!(page.body.contains(r#"lang="en" aria-current="true">"#), "{here}");
    }
}

#[test]
fn the_setting_is_for_whoever_asks_for_nothing_we_speak() {
    let place = Place::new().with("LANGUAGE", "ja").with_account("ada");
    let server = place.serve();
    for (header, wanted) in [("x-nothing: 1", "ja"), ("accept-language: fr", "ja"), ("accept-language: en", "en")] {
        assert_eq!(tag(&server.client().with_header(header).get("/login")), wanted, "{header}");
    }
    assert!(is_japanese(&server.client().get("/api/v1/session").body));
    drop(server);
    let refused = place.with("LANGUAGE", "fr").run(&["config", "check"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("language") && said.contains("\"en\" or \"ja\""), "{said}");
}

#[test]
fn over_https_the_cookie_is_secure() {
    let place = Place::new().with("PUBLIC_URL", "https://login.example.org").with_account("ada");
    let server = place.serve();
    let (_, answer) = choosing(&mut server.client(), "ja", "/login");
    assert!(answer.set_cookies()[0].ends_with("; HttpOnly; SameSite=Lax; Secure"), "{answer:?}");
}

#[test]
fn times_are_written_in_the_language_and_their_elements_in_rfc_3339() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut ada = server.client().with_header("accept-language: ja");
    assert_eq!(ada.log_in("ada", PASSWORD).status, 200);
    place.sqlite("UPDATE sessions SET created_at = created_at - 3 * 86400000");
    let page = ada.get("/account").body;
    assert!(page.contains("ログイン：3日前"), "{page}");
    let (times, mut dated) = (page.split("<time ").skip(1), 0);
    for time in times.filter(|time| !time.starts_with('>')) {
        let attribute =
            |name: &str| time.split(&format!("{name}=\"")).nth(1).map(|rest| rest.split('"').next().unwrap());
        let at = attribute("datetime").unwrap();
        assert!(at.ends_with('Z') && at.as_bytes()[10] == b'T', "{at}");
        if let Some(title) = attribute("title") {
            assert!(title.contains('年') && title.contains('日') && title.ends_with("（UTC）"), "{title}");
            dated += 1;
        }
    }
    assert!(dated >= 2, "{page}");
}
