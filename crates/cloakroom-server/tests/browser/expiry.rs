//! The warning before a session ends for lack of use: it can be answered, with a keyboard too, in every tab, and who does not answer is
//! told why they are signed out.

use std::time::Duration;

use thirtyfour::Key;
use thirtyfour::prelude::ElementQueryable as _;

use crate::chromium::Chromium;
use crate::process::Place;

/// Longer than any session of these tests, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
const ASK_EVERY: Duration = Duration::from_millis(200);

impl Chromium {
    /// Logs in; from then on what is looked for is there, or is waited for by name: what is to go away must not be waited for.
    async fn comes(&self, address: &str) {
        self.log_in(address, "ada").await;
        self.driver.set_implicit_wait_timeout(Duration::ZERO).await.unwrap();
    }

    /// Waits until there is an element, longer than for those of a page that is coming.
    async fn wait_for(&self, selector: &str) -> thirtyfour::WebElement {
        let query = self.driver.query(thirtyfour::By::Css(selector)).wait(PATIENCE, ASK_EVERY);
        query.first().await.unwrap_or_else(|error| panic!("never {selector}: {error}"))
    }

    async fn wait_until_gone(&self, selector: &str) {
        let query = self.driver.query(thirtyfour::By::Css(selector)).wait(PATIENCE, ASK_EVERY);
        assert!(query.not_exists().await.unwrap(), "{selector} stays");
    }
}

fn place() -> Place {
    // Half of such a timeout is left to answer in.
    Place::new().with("SESSION__IDLE_TIMEOUT", "16s").with("LOG__FILTER", "warn").with_account("ada")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_warning_can_be_answered_in_every_tab_and_who_does_not_is_told_why() {
    let place = place();
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.comes(server.address()).await;
    browser.wait_for("#leaving[open]").await;
    browser.picture("warning").await;
    assert_eq!(browser.script("return document.activeElement.textContent").await, "Stay signed in");
    assert_eq!(browser.script("return document.querySelector('#leaving time').textContent.length > 3").await, true);

    // A second tab, in which the same is answered with a key.
    let first = browser.driver.window().await.unwrap();
    let second = browser.driver.new_tab().await.unwrap();
    browser.driver.switch_to_window(second.clone()).await.unwrap();
    browser.open(server.address(), "/account").await;
    browser.wait_for("#leaving[open]").await;
    let used = |place: &Place| place.sqlite("SELECT max(last_seen_at) FROM sessions").parse::<i64>().unwrap();
    let before = used(&place);
    browser.find("#leaving button.primary").await.send_keys(Key::Enter + "").await.unwrap();
    browser.wait_until_gone("#leaving[open]").await;
    browser.driver.switch_to_window(first.clone()).await.unwrap();
    browser.wait_until_gone("#leaving[open]").await;

    // Nobody answers any more: both tabs ask all the time, and that is no use.
    browser.wait_for("form[action='/login']").await;
    assert_eq!(browser.path().await, "/login");
    let text = browser.text().await;
    assert!(text.contains("You were signed out after 16 seconds without use, just now."), "{text}");
    browser.picture("login-with-reason").await;
    browser.driver.switch_to_window(second).await.unwrap();
    browser.wait_for("form[action='/login']").await;
    assert!(used(&place) > before, "the answer was a use");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_is_an_answer_and_signing_out_is_another() {
    let place = place();
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.comes(server.address()).await;
    browser.find("#new_password").await.send_keys("").await.unwrap();
    browser.script("document.getElementById('new_password').focus()").await;
    browser.wait_for("#leaving[open]").await;
    browser.driver.action_chain().send_keys(Key::Escape + "").perform().await.unwrap();
    browser.wait_until_gone("#leaving[open]").await;
    assert_eq!(browser.script("return document.activeElement.id").await, "new_password", "back where it was");
    browser.wait_for("#leaving[open]").await;
    browser.find("#leaving form button").await.click().await.unwrap();
    browser.wait_for("form[action='/login']").await;
    assert_eq!((browser.path().await.as_str(), place.rows()), ("/login", 0));
    browser.close().await;
}
