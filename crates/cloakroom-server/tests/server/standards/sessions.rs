//! ASVS 5.0 V7 and NIST SP 800-63B-4 section 5: what a session is, and what ends it.

use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[test]
fn two_logins_have_two_tokens_and_nothing_static_opens_anything() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let (here, there) = (server.logged_in("ada"), server.logged_in("ada"));
    assert_ne!(here.token(), there.token());
    let database = place.file("cloakroom.db").display().to_string();
    let digest = place.sqlite("SELECT hex(token_digest) FROM sessions LIMIT 1");
    let id = here.clone().get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
    for value in [PASSWORD, "ada", "cloakroom", "admin", &database, &digest, &id] {
        let mut guess = server.client();
        guess.token = Some(value.to_owned());
        assert_eq!(guess.status(), 401);
    }
}

#[test]
fn every_page_behind_a_login_has_an_easy_logout() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    let mut pages = vec!["/account".to_owned(), "/confirm".to_owned()];
    let mut seen = 0;
    while let Some(path) = pages.pop() {
        let page = client.get(&path);
        seen += 1;
        if page.status == 303 {
            continue; // `/` leads here
        }
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.contains(r#"<form method="post" action="/logout""#), "{path} has no logout");
        let links = page.body.split("href=\"").skip(1).filter_map(|link| link.split('"').next());
        let found = links.filter(|link| link.starts_with('/') && !link.starts_with("/assets/") && seen < 50);
        pages.extend(found.filter(|link| *link != "/account").map(str::to_owned));
    }
    assert_eq!(client.post("/logout").status, 303);
    assert_eq!(client.status(), 401);
}

#[test]
fn a_disabled_account_stays_out_and_its_old_tokens_stay_ended() {
    let place = Place::new().with_account("ada").with_account("bob");
    let server = place.serve();
    let (mut here, mut there, mut bob) = (server.logged_in("ada"), server.logged_in("ada"), server.logged_in("bob"));
    assert!(place.run(&["account", "disable", "ada", "--yes"]).status.success());
    assert_eq!((here.status(), there.status(), bob.status()), (401, 401, 200));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 401);
    assert!(place.run(&["account", "enable", "ada"]).status.success());
    assert_eq!((here.status(), there.status()), (401, 401));
    assert_eq!(server.client().log_in("ada", PASSWORD).status, 200);
    assert!(place.run(&["session", "end", "--everyone", "--yes"]).status.success());
    assert_eq!(bob.status(), 401);
}

#[test]
fn no_session_exists_before_a_login_and_a_failed_one_makes_none() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.client();
    for path in ["/", "/login", "/account", "/api/v1/session", "/nowhere"] {
        assert!(client.get(path).set_cookies().is_empty(), "{path}");
    }
    assert!(client.log_in("ada", OTHER_PASSWORD).set_cookies().is_empty());
    assert_eq!(place.rows(), 0);
}

#[test]
fn a_lost_cookie_is_a_clean_login_page() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut client = server.logged_in("ada");
    client.token = None;
    let answer = client.get("/account");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login?return_to=%2Faccount")));
    assert_eq!(client.get("/login").status, 200);
}
