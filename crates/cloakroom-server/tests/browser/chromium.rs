//! A browser of its own for each test, without a window, closed when dropped.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use testbed::guard::Guard;
use thirtyfour::{By, ChromiumLikeCapabilities as _, DesiredCapabilities, TypingData, WebDriver, WebElement};

use crate::process::PASSWORD;

type Lines = std::io::Lines<BufReader<ChildStdout>>;

/// A chromedriver that says where it listens.
fn chromedriver() -> Option<(Child, Guard, Lines, u16)> {
    let mut command = Command::new("chromedriver");
    let child = command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("chromedriver is needed: `cargo xtask test` installs it");
    let guard = Guard::over(&child).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.unwrap();
        line.split("successfully on port ").nth(1).map(|port| port.trim_end_matches('.').parse().unwrap())
    });
    if port.is_none() {
        child.wait().unwrap();
    }
    Some((child, guard, lines, port?))
}

/// A chromedriver and what it drives.
pub(crate) struct Chromium {
    pub(crate) driver: WebDriver,
    chromedriver: Child,
    port: u16,
    _profile: TempDir,
    _guard: Guard,
}

impl Chromium {
    pub(crate) async fn start() -> Self {
        Self::start_in("en").await
    }

    /// One that asks for pages in `language`.
    pub(crate) async fn start_in(language: &str) -> Self {
        // It takes a port that is free for one kind of address, and ends where the other one has it: then it is asked again.
        let (chromedriver, guard, lines, port) = (0..5).find_map(|_| chromedriver()).expect("a chromedriver");
        // Whoever stops reading stops the writer, once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = TempDir::new().unwrap();
        let mut wanted = DesiredCapabilities::chrome();
        let profile_dir = format!("--user-data-dir={}", profile.path().display());
        let language = format!("--accept-lang={language}");
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1000,900",
            &profile_dir,
            &language,
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let driver = WebDriver::new(&format!("http://127.0.0.1:{port}"), wanted).await.unwrap();
        // An element that is not there yet is waited for, and no test waits for a time.
        driver.set_implicit_wait_timeout(Duration::from_secs(20)).await.unwrap();
        Self { driver, chromedriver, port, _profile: profile, _guard: guard }
    }

    pub(crate) async fn open(&self, address: &str, path: &str) {
        self.driver.goto(format!("http://{address}{path}")).await.unwrap();
    }

    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        self.driver.find(By::Css(selector)).await.unwrap_or_else(|error| panic!("no {selector}: {error}"))
    }

    /// Logs in through the form, as a person does.
    pub(crate) async fn log_in(&self, address: &str, name: &str) {
        self.open(address, "/login").await;
        self.find("input[name=login_name]").await.send_keys(name).await.unwrap();
        self.find("input[name=password]").await.send_keys(PASSWORD).await.unwrap();
        self.find("main form button[type=submit]").await.click().await.unwrap();
        self.find("#devices").await;
    }

    pub(crate) async fn path(&self) -> String {
        self.driver.current_url().await.unwrap().path().to_owned()
    }

    pub(crate) async fn text(&self) -> String {
        self.find("body").await.text().await.unwrap()
    }

    /// As on a screen of this width, in CSS pixels, whose owner prefers this colour scheme.
    pub(crate) async fn appear(&self, scheme: &str, width: u32) {
        let cdp = self.driver.cdp();
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", size).await.unwrap();
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        cdp.send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    }

    /// Whether scripts of pages run from the next page on.
    pub(crate) async fn scripts(&self, run: bool) {
        let disabled = json!({ "value": !run });
        self.driver.cdp().send_raw("Emulation.setScriptExecutionDisabled", disabled).await.unwrap();
    }

    /// Presses keys, wherever the focus is.
    pub(crate) async fn keys(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Keeps a picture of what the page looks like now, beside what the build leaves behind.
    pub(crate) async fn picture(&self, name: &str) {
        let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png"));
        self.driver.screenshot(&place).await.unwrap();
    }

    /// What a script of the page could see.
    pub(crate) async fn script(&self, code: &str) -> serde_json::Value {
        self.driver.execute(code, Vec::new()).await.unwrap().json().clone()
    }

    /// Sends a command of the browser's own protocol, for what `WebDriver` has no word for.
    pub(crate) fn devtools(&self, command: &str, parameters: &serde_json::Value) {
        let body = serde_json::json!({ "cmd": command, "params": parameters }).to_string();
        let path = format!("/session/{}/goog/cdp/execute", self.driver.handle().session_id());
        let host = format!("127.0.0.1:{}", self.port);
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close");
        let mut stream = TcpStream::connect(&host).unwrap();
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        // It keeps the connection, whatever it is asked.
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{command}: {answer}");
    }

    pub(crate) async fn close(mut self) {
        self.driver.clone().quit().await.unwrap();
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.chromedriver.kill();
        let _ = self.chromedriver.wait();
    }
}
