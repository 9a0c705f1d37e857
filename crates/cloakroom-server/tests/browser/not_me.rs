//! "That wasn't me" as a person meets it: a link beside what happened, a button, a new password. Once without any script.

use crate::chromium::Chromium;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

async fn goes_through(browser: &Chromium, place: &Place) {
    let server = place.serve();
    browser.log_in(server.address(), "ada").await;
    let mut elsewhere = server.logged_in("ada");
    browser.open(server.address(), "/account").await;
    browser.find(".deny").await.click().await.unwrap();
    assert!(browser.text().await.contains("Every other device is signed out"));
    assert_eq!(elsewhere.status(), 200, "nothing has ended yet");
    browser.find("form[action='/account/not-me'] button").await.click().await.unwrap();
    for (name, typed) in
        [("current_password", PASSWORD), ("new_password", OTHER_PASSWORD), ("new_password_again", OTHER_PASSWORD)]
    {
        browser.find(&format!("main > section:only-of-type input[name={name}]")).await.send_keys(typed).await.unwrap();
    }
    assert_eq!((browser.path().await.as_str(), elsewhere.status()), ("/account", 401));
    browser.picture("new-password").await;
    browser.find("form[action='/account/password'] button").await.click().await.unwrap();
    browser.find("#devices").await;
    assert_eq!(place.rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_a_button_lead_to_a_new_password() {
    let place = Place::new().with_account("ada");
    let browser = Chromium::start().await;
    goes_through(&browser, &place).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_it_is_the_same_and_the_page_says_when_the_session_ends() {
    let place = Place::new().with_account("ada");
    let browser = Chromium::start().await;
    browser.devtools("Emulation.setScriptExecutionDisabled", &serde_json::json!({ "value": true }));
    goes_through(&browser, &place).await;
    let said = browser.find(".ends").await.text().await.unwrap();
    assert!(said.starts_with("Without use you will be signed out at") && said.ends_with("UTC."), "{said}");
    browser.close().await;
}
