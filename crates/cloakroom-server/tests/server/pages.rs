//! The pages: where they lead, what they say in which language, and the headers that guard them.

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn the_way_through_the_pages() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut browser = server.client();
    let answer = browser.get("/");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    let answer = browser.get("/account");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?return_to=%2Faccount")));
    let answer = browser.form("/login", &[("login_name", "Ada"), ("password", OTHER_PASSWORD), ("keep", "on")]);
    assert_eq!((answer.status, answer.set_cookies().len()), (401, 0));
    assert!(answer.body.contains(r#"value="Ada""#), "the name stays: {}", answer.body);
    assert!(!answer.body.contains(OTHER_PASSWORD));
    let answer = browser.form("/login", &[("login_name", "Ada"), ("password", PASSWORD), ("keep", "on")]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/account")));
    assert!(answer.set_cookies()[0].ends_with("; Max-Age=2592000"), "{:?}", answer.set_cookies());
    assert_eq!(browser.get("/").header("location"), Some("/account"));
    let page = browser.get("/account");
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    assert!(page.body.contains("ada"));
    browser.post("/logout");
    assert_eq!(browser.get("/account").status, 303);
}

#[test]
fn devices_are_named_and_ended_ones_have_a_reason() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let firefox = "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let iphone = "user-agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
    let mut here = server.client().with_header(firefox);
    let mut there = server.client().with_header(iphone);
    let mut evil = server.client().with_header("user-agent: <script>alert(1)</script>");
    for client in [&mut here, &mut there, &mut evil] {
        assert_eq!(client.log_in("ada", PASSWORD).status, 200);
    }
    let page = here.get("/account").body;
    for words in ["Firefox", "Linux", "Safari", "iPhone", "from this machine", "This device"] {
        assert!(page.contains(words), "{words} is missing");
    }
    assert!(!page.contains("<script>"), "not escaped");
    there.post("/logout");
    let page = here.get("/account").body;
    assert!(page.contains("Signed out") || page.contains("signed out"), "the reason is missing");
}

#[test]
fn pages_and_problems_speak_japanese_to_whoever_asks() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let japanese = |text: &str| text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
    let mut client = server.client().with_header("accept-language: fr;q=0.1, ja;q=0.9, en;q=0.5");
    let page = client.get("/login");
    assert!(page.body.contains(r#"<html lang="ja""#) && japanese(&page.body));
    assert!(japanese(&client.log_in("ada", OTHER_PASSWORD).body));
    assert!(japanese(&client.json("/api/v1/login", b"{}").body));
    let page = server.client().get("/login");
    assert!(page.body.contains(r#"<html lang="en""#) && !japanese(&page.body));
}

#[test]
fn the_style_sheet_and_the_icon_are_served() {
    let place = Place::new();
    let server = place.serve();
    let page = server.client().get("/login").body;
    let hrefs: Vec<_> = page.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(hrefs.iter().any(|name| name.contains(".css")), "{hrefs:?}");
    for name in hrefs {
        let answer = server.client().get(&format!("/assets/{name}"));
        assert_eq!(answer.status, 200, "{name}");
        assert!(answer.header("cache-control").is_some_and(|cache| cache.contains("immutable")), "{name}");
    }
    assert_eq!(server.client().get("/assets/..%2f..%2fCargo.toml").status, 404);
}
