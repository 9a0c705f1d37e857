//! The pages for everybody: with the keyboard alone, without scripts, enlarged to twice their size.

use thirtyfour::{By, Key};

use crate::chromium::Chromium;
use crate::process::{PASSWORD, Place};

/// What has the focus: its tag, and its name or text.
async fn focused(browser: &Chromium) -> String {
    let said = "const e = document.activeElement;
        return e.tagName.toLowerCase() + ' ' + (e.name || e.getAttribute('href') || e.textContent.trim())";
    browser.script(said).await.as_str().unwrap().to_owned()
}

/// Presses Tab until `wanted` has the focus; everything that had it on the way is in sight and has an outline.
async fn tab_to(browser: &Chromium, wanted: &str) {
    let mut passed = Vec::new();
    for _ in 0..60 {
        browser.keys(Key::Tab).await;
        let here = focused(browser).await;
        let shown = "const e = document.activeElement, box = e.getBoundingClientRect();
            return box.right > 0 && box.width > 0 && getComputedStyle(e).outlineStyle !== 'none'";
        assert_eq!(browser.script(shown).await, true, "{here} has the focus and does not show it");
        if here == wanted {
            return;
        }
        passed.push(here);
    }
    panic!("no way to {wanted} by Tab: {passed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_done_with_the_keyboard() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut elsewhere = server.logged_in("ada");
    let browser = Chromium::start().await;
    browser.open(server.address(), "/login").await;
    tab_to(&browser, "input login_name").await;
    browser.keys("ada").await;
    tab_to(&browser, "input password").await;
    browser.keys(PASSWORD).await;
    tab_to(&browser, "input keep").await;
    browser.keys(" ").await;
    browser.keys(Key::Enter).await; // a form is sent from any of its fields
    browser.find("#devices").await;
    assert_eq!((browser.path().await.as_str(), place.rows()), ("/account", 2));
    tab_to(&browser, "button Sign out all other devices").await;
    browser.keys(Key::Enter).await;
    browser.find(".devices li:only-child").await;
    assert_eq!((elsewhere.status(), place.rows()), (401, 1));
    tab_to(&browser, "button Sign out").await;
    browser.keys(Key::Enter).await;
    browser.find("input[name=login_name]").await;
    assert_eq!(place.rows(), 0);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_scripts() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let mut elsewhere = server.logged_in("ada");
    let browser = Chromium::start().await;
    browser.scripts(false).await;
    browser.log_in(server.address(), "ada").await;
    browser.picture("account-without-scripts").await;
    let others = browser.find("form[action$='/end']:not([hidden]) button").await;
    others.click().await.unwrap();
    browser.find(".devices li:only-child").await;
    assert_eq!((elsewhere.status(), place.rows()), (401, 1));
    browser.find("form[action='/logout'] button").await.click().await.unwrap();
    browser.find("input[name=login_name]").await;
    assert_eq!(place.rows(), 0);
    browser.close().await;
}

/// 200 % zoom (WCAG 2.2 1.4.4) makes 1280 CSS pixels 640; text alone can be twice as large too. Nothing is pushed out of the window.
#[tokio::test(flavor = "multi_thread")]
async fn text_twice_as_large_stays_within_the_window() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    server.logged_in("ada");
    let browser = Chromium::start().await;
    browser.log_in(server.address(), "ada").await;
    for (path, width) in [("/account", 640), ("/account", 1280), ("/confirm?return_to=/account", 640)] {
        browser.appear("light", width).await;
        browser.open(server.address(), path).await;
        browser.script("document.documentElement.style.fontSize = '200%'").await;
        let page = browser.driver.find(By::Css("main")).await.unwrap();
        assert!(page.is_displayed().await.unwrap());
        let wider = "const root = document.documentElement;
            return [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > root.clientWidth + 1)
                .map(e => e.tagName + ' ' + e.className).slice(0, 5)";
        let wider = browser.script(wider).await;
        browser.picture(&format!("enlarged{}-{width}", path.split('?').next().unwrap().replace('/', "-"))).await;
        assert_eq!(wider, serde_json::json!([]), "{path} at {width} px");
    }
    browser.close().await;
}
