//! A published checker of accessibility (axe-core) finds no barrier on any page, in either language, light and dark, narrow and wide.

use std::path::Path;

use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::process::{OTHER_PASSWORD, PASSWORD, Place};

/// The checker's script; `None` where the test run said that it could not be fetched.
fn axe() -> Option<String> {
    if std::env::var_os("CLOAKROOM_WITHOUT_AXE").is_some() {
        return None;
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/axe/node_modules/axe-core/axe.min.js");
    Some(std::fs::read_to_string(&file).expect("axe-core is needed: `cargo xtask test` fetches it"))
}

/// What the checker finds on the page that is shown: each rule with the elements that break it.
async fn barriers(browser: &Chromium, axe: &str) -> Vec<Value> {
    browser.script(axe).await;
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'] }).then(
            found => done({ rules: found.passes.length, violations: found.violations.map(
                rule => [rule.id, rule.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary)]) }),
            error => done({ rules: 0, violations: [['failed', String(error)]] }))";
    let found = browser.driver.execute_async(run, Vec::new()).await.unwrap().json().clone();
    assert!(found["rules"].as_u64() > Some(5), "the checker looked at nothing: {found}");
    found["violations"].as_array().unwrap().clone()
}

/// How a page is looked at.
const LOOKS: [(&str, u32); 4] = [("light", 320), ("dark", 320), ("light", 1440), ("dark", 1440)];

/// What charts are drawn of: days and nights, of everything, with an hour and a day of which nothing is known.
const MEASURED: &str = "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 740), \
     sizes (seconds) AS (VALUES (300), (3600)), \
     measured (name, value) AS (VALUES ('active_sessions', 900), ('logins.succeeded', 40), ('logins.refused', 9), \
     ('logins.throttled', 3), ('logins.busy', 1), ('ends.logout', 25), ('ends.idle', 14), ('ends.other_device', 4), \
     ('ends.administrator', 2), ('ends.by_hand', 1), ('validations.le_20us', 400), ('validations.le_500us', 30), \
     ('validations.le_5000us', 5)) \
     INSERT INTO measurements SELECT seconds, (unixepoch() / seconds - n) * seconds * 1000, name, \
     abs(36 - (n * seconds / 1200) % 72) * value / 20 + value / 9 + abs(random() % 4) * value / 9 \
     FROM number, sizes, measured WHERE n NOT BETWEEN 96 AND 119";

/// Looks at the page at `path` in every way, keeps a picture of each, and says what was found.
async fn look(browser: &Chromium, axe: &str, (address, path): (&str, &str), name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (scheme, width) in LOOKS {
        browser.appear(scheme, width).await;
        browser.open(address, path).await;
        browser.find("main").await;
        browser.script("document.querySelectorAll('details').forEach(details => details.open = true)").await;
        found.extend(look_at_this(browser, axe, &format!("{name}-{scheme}-{width}")).await);
    }
    found
}

/// The same at what is shown, as it is.
async fn look_at_this(browser: &Chromium, axe: &str, place: &str) -> Vec<String> {
    let barriers = barriers(browser, axe).await.into_iter();
    let mut found: Vec<_> = barriers.map(|barrier| format!("{place}: {barrier}")).collect();
    let overflow =
        browser.script("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
    if overflow != json!(0) {
        found.push(format!("{place}: {overflow} px wider than the window"));
    }
    browser.picture(place).await;
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_finds_no_barrier_on_any_page() {
    let Some(axe) = axe() else { return };
    let place = Place::new();
    // Before a server is there, which writes rows of its own at the end of every five minutes.
    assert!(place.run(&["migrate"]).status.success());
    place.sqlite(MEASURED);
    let mut server = place.serve();
    let setup = loop {
        let line = server.line();
        if let Some(at) = line.find("/setup/") {
            break line[at..].trim().to_owned();
        }
    };
    let address = server.address();
    let mut found = Vec::new();
    let english = Chromium::start().await;
    found.extend(look(&english, &axe, (address, &setup), "setup").await);
    let added = place.run_with_input(&["account", "add", "ada", "--admin", "--password-stdin"], PASSWORD);
    assert!(added.status.success(), "{added:?}");
    assert!(place.run(&["service-token", "add", "shop"]).status.success());
    for (browser, language) in [(english, "en"), (Chromium::start_in("ja").await, "ja")] {
        for (path, name) in [("/login", "login"), ("/nowhere", "error")] {
            found.extend(look(&browser, &axe, (address, path), &format!("{name}-{language}")).await);
        }
        // With everything the account page can show: other devices, what ended, a failed attempt.
        for _ in 0..2 {
            server.logged_in("ada");
        }
        assert_eq!(server.client().log_in("ada", OTHER_PASSWORD).status, 401);
        browser.log_in(address, "ada").await;
        let lang = browser.script("return document.documentElement.lang").await;
        assert_eq!(lang, json!(language));
        for (path, name) in [
            ("/account", "account"),
            ("/confirm?return_to=/account", "confirm"),
            ("/account/not-me", "not-me"),
            ("/admin", "admin"),
            ("/admin/sessions", "admin-sessions"),
            ("/admin/sessions/end?network=127.0.0.1", "admin-end"),
            ("/admin/accounts", "admin-accounts"),
            ("/admin/service-tokens", "admin-service-tokens"),
            ("/admin/service-tokens/remove?name=shop", "admin-service-token-remove"),
            ("/admin/charts", "charts-of-a-day"),
            ("/admin/charts?span=30d", "charts-of-a-month"),
        ] {
            found.extend(look(&browser, &axe, (address, path), &format!("{name}-{language}")).await);
        }
        // No address leads to what a form is answered with.
        for (scheme, width) in LOOKS {
            browser.appear(scheme, width).await;
            browser.open(address, "/admin/service-tokens").await;
            let name = format!("till-{language}-{scheme}-{width}");
            browser.find("#name").await.send_keys(&name).await.unwrap();
            browser.find("main form.stack button").await.click().await.unwrap();
            browser.find("code.secret").await;
            let place = format!("admin-service-token-made-{language}-{scheme}-{width}");
            found.extend(look_at_this(&browser, &axe, &place).await);
        }
        browser.close().await;
    }
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_would_find_a_barrier() {
    let Some(axe) = axe() else { return };
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.open(server.address(), "/login").await;
    browser.script("document.querySelector('label').remove()").await;
    let found = barriers(&browser, &axe).await;
    assert_eq!(found.iter().map(|rule| rule[0].as_str().unwrap()).collect::<Vec<_>>(), ["label"]);
    browser.close().await;
}
