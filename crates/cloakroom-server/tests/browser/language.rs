//! The switch at the foot of the pages, and how they look in each language, on a narrow and on a wide screen.

use crate::chromium::Chromium;
use crate::process::Place;

const WIDTHS: [u32; 2] = [320, 1440];

impl Chromium {
    /// Keeps a picture for each width, in which nothing sticks out at the side.
    async fn pictures(&self, name: &str) {
        for width in WIDTHS {
            // A window has a smallest width; what the page is given has none.
            let metrics = serde_json::json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
            self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
            self.picture(&format!("{name}-{width}")).await;
            let wide = self.script("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(wide.as_i64().unwrap() <= 0, "{name} is wider than {width}");
        }
    }

    async fn choose(&self, language: &str) {
        self.find(&format!(".foot button[lang={language}]")).await.click().await.unwrap();
        self.find(&format!("html[lang={language}] .foot button[lang={language}][aria-current]")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_switches_the_language_and_stays_where_they_are() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.open(server.address(), "/login?return_to=%2Faccount%2Fnot-me").await;
    browser.choose("ja").await;
    assert_eq!(browser.path().await, "/login");
    assert!(browser.text().await.contains("ログイン名"));
    browser.find("input[name=return_to][value='/account/not-me']").await;
    browser.log_in(server.address(), "ada").await;
    for _ in 0..2 {
        server.logged_in("ada");
    }
    assert!(browser.text().await.contains("ログイン中の端末"), "it stays chosen");
    for language in ["en", "ja"] {
        browser.open(server.address(), "/account").await;
        browser.choose(language).await;
        assert_eq!(browser.path().await, "/account");
        browser.pictures(&format!("account-{language}")).await;
        browser.script("document.getElementById('activity').scrollIntoView()").await;
        browser.pictures(&format!("activity-{language}")).await;
        let warn = "const it = document.getElementById('leaving'); it.querySelector('time').textContent = '16:58'; it.showModal()";
        browser.script(warn).await;
        browser.pictures(&format!("warning-{language}")).await;
        browser.open(server.address(), "/account/not-me").await;
        browser.pictures(&format!("not-me-{language}")).await;
    }
    // No script sees the choice, and the session is another cookie.
    assert_eq!(browser.script("return document.cookie").await, "");
    place.run(&["session", "end", "--subject", "ada"]);
    browser.open(server.address(), "/account").await;
    for (language, words) in [("ja", "管理者によってログアウトされました"), ("en", "signed out by an administrator")]
    {
        browser.choose(language).await;
        assert!(browser.text().await.contains(words));
        browser.pictures(&format!("login-{language}")).await;
    }
    browser.close().await;
}
