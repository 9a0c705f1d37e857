//! Step-up as a person meets it: a button, the password, and what the button was for is done.

use crate::chromium::Chromium;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

#[tokio::test(flavor = "multi_thread")]
async fn a_button_leads_through_the_password_to_what_it_says() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.log_in(server.address(), "ada").await;
    let mut elsewhere = server.logged_in("ada");
    // As if an hour had passed.
    let hour = "authenticated_at = authenticated_at - 3600000, absolute_expires_at = absolute_expires_at - 3600000";
    place.sqlite(&format!("UPDATE sessions SET created_at = created_at - 3600000, {hour}"));
    let before = browser.driver.get_named_cookie("cloakroom").await.unwrap().value;

    browser.open(server.address(), "/account").await;
    browser.find("form[action='/account/sessions/end-others'] button").await.click().await.unwrap();
    browser.find("form[action='/confirm'] input[name=password]").await.send_keys(OTHER_PASSWORD).await.unwrap();
    assert_eq!(elsewhere.status(), 200, "nothing has ended yet");
    browser.picture("confirm").await;
    browser.find("form[action='/confirm'] button").await.click().await.unwrap();
    browser.find("input[name=password][aria-invalid=true]").await.send_keys(PASSWORD).await.unwrap();
    assert_eq!((browser.path().await.as_str(), elsewhere.status()), ("/confirm", 200), "a wrong password ends nothing");
    browser.find("form[action='/confirm'] button").await.click().await.unwrap();
    browser.find("#devices").await;
    assert_eq!((browser.path().await.as_str(), elsewhere.status()), ("/account", 401));
    assert_ne!(browser.driver.get_named_cookie("cloakroom").await.unwrap().value, before, "a new token");

    // It counts as recent now: everything ends at once, this session too.
    browser.find("form[action='/account/sessions/end-all'] button").await.click().await.unwrap();
    browser.find("input[name=login_name]").await;
    assert_eq!((browser.path().await.as_str(), place.rows()), ("/login", 0));
    browser.close().await;
}
