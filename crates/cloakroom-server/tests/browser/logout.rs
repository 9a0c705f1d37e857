//! After a logout: what the Back button shows, and what the browser still has (ASVS 5.0 14.3.1, 14.3.3).

use crate::chromium::Chromium;
use crate::process::Place;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_logout_the_back_button_shows_nothing() {
    let place = Place::new().with_account("ada-of-the-back-button");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.log_in(server.address(), "ada-of-the-back-button").await;
    assert!(browser.text().await.contains("ada-of-the-back-button"));
    browser.picture("account").await;
    browser.find("form[action='/logout'] button").await.click().await.unwrap();
    browser.find("input[name=password]").await;
    assert_eq!((browser.path().await.as_str(), place.rows()), ("/login", 0));
    browser.picture("login").await;
    browser.driver.back().await.unwrap();
    browser.find("input[name=password]").await;
    assert!(!browser.text().await.contains("ada-of-the-back-button"), "the account page came back");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_finds_neither_the_cookie_nor_anything_stored() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.log_in(server.address(), "ada").await;
    assert_eq!(browser.script("return document.cookie").await, "");
    assert_eq!(browser.script("return localStorage.length + sessionStorage.length").await, 0);
    let cookies = browser.driver.get_all_cookies().await.unwrap();
    let names: Vec<_> = cookies.iter().map(|cookie| cookie.name.as_str()).collect();
    assert_eq!(names, ["cloakroom"]);
    browser.close().await;
}
