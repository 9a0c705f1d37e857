//! Another site in the same browser: its forms neither log anybody in nor out, its frames stay empty.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::chromium::Chromium;
use crate::process::{PASSWORD, Place};

/// Another site: `localhost` is not `127.0.0.1`. Serves one page until its listener is dropped with the process.
fn other_site(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!("content-type: text/html\r\ncontent-length: {}\r\nconnection: close", page.len());
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{page}").as_bytes());
        }
    });
    format!("localhost:{port}")
}

fn form(action: &str, fields: &[(&str, &str)]) -> String {
    let inputs: Vec<_> =
        fields.iter().map(|(name, value)| format!(r#"<input name="{name}" value="{value}">"#)).collect();
    let inputs = inputs.concat();
    format!(r#"<!doctype html><form method="post" action="{action}">{inputs}<button id="go">go</button></form>"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_another_site_change_nothing() {
    let place = Place::new().with_account("ada");
    let server = place.serve();
    let browser = Chromium::start().await;
    let to = |path: &str| format!("http://{}{path}", server.address());
    let credential = [("login_name", "ada"), ("password", PASSWORD)];
    browser.open(&other_site(form(&to("/login"), &credential)), "/").await;
    browser.find("#go").await.click().await.unwrap();
    browser.find("main").await;
    assert_eq!((browser.path().await.as_str(), place.rows()), ("/login", 0), "a login from another site");
    browser.log_in(server.address(), "ada").await;
    for path in ["/logout", "/account/sessions/end-all", "/api/v1/logout"] {
        browser.open(&other_site(form(&to(path), &[])), "/").await;
        browser.find("#go").await.click().await.unwrap();
        browser.find("main, pre").await;
        assert_eq!((browser.path().await.as_str(), place.rows()), (path, 1));
    }
    browser.open(server.address(), "/account").await;
    browser.find("#devices").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_of_another_site_stays_empty() {
    let place = Place::new().with_account("ada-in-a-frame");
    let server = place.serve();
    let browser = Chromium::start().await;
    browser.log_in(server.address(), "ada-in-a-frame").await;
    let page = format!(r#"<!doctype html><iframe id="it" src="http://{}/account"></iframe>"#, server.address());
    browser.open(&other_site(page), "/").await;
    let frame = browser.find("#it").await;
    frame.enter_frame().await.unwrap();
    assert!(!browser.text().await.contains("ada-in-a-frame"));
    browser.close().await;
}
