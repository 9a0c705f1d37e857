//! An HTTP/1.1 client that sends exactly the bytes it is told to: what a library refuses to send has to be sent too.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::{document, leaks};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        self.headers.iter().filter(|(name, _)| name == "set-cookie").map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_else(|| panic!("no code: {self:?}")).to_owned()
    }

    /// The fields that were complained about.
    pub(crate) fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    /// The hidden inputs of this page's form with this action.
    pub(crate) fn hidden(&self, action: &str) -> Vec<(String, String)> {
        let form = self.body.split(&format!("action=\"{action}\"")).nth(1);
        let form = form.unwrap_or_else(|| panic!("no form to {action}: {self:?}")).split("</form>").next().unwrap();
        let inputs = form.split("<input ").skip(1).filter_map(|input| input.split('>').next());
        let attribute = |input: &str, name: &str| {
            let value = input.split(&format!("{name}=\"")).nth(1)?;
            value.split('"').next().map(unescaped)
        };
        let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
        hidden.map(|input| (attribute(input, "name").unwrap(), attribute(input, "value").unwrap_or_default())).collect()
    }

    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("answers are UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status, headers: lines.map(header).collect(), body: body.to_owned() }
    }
}

/// The text that was escaped for HTML.
pub(crate) fn unescaped(html: &str) -> String {
    let entities = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    entities.iter().fold(html.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// One browser: keeps the session cookie.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    pub(crate) token: Option<String>,
    extra: Vec<String>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), token: None, extra: Vec::new() }
    }

    /// The same browser at another address, with the cookie it has now.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    /// With another header line on every request.
    pub(crate) fn with_header(mut self, line: &str) -> Self {
        self.extra.push(line.to_owned());
        self
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("not logged in")
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, b"")
    }

    pub(crate) fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, None, b"")
    }

    pub(crate) fn post(&mut self, path: &str) -> Answer {
        self.send("POST", path, None, b"")
    }

    pub(crate) fn json(&mut self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, Some("application/json"), body)
    }

    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.send("POST", path, Some("application/x-www-form-urlencoded"), pairs.join("&").as_bytes())
    }

    /// Sends a form of the account page as a browser does: its hidden inputs, and what is typed.
    pub(crate) fn submit(&mut self, action: &str, typed: &[(&str, &str)]) -> Answer {
        let page = self.get("/account");
        self.submit_from(&page, action, typed)
    }

    /// The same from another page.
    pub(crate) fn submit_from(&mut self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let hidden = page.hidden(action);
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        self.form(action, &hidden.chain(typed.iter().copied()).collect::<Vec<_>>())
    }

    /// Of this session's pages.
    pub(crate) fn form_token(&mut self) -> String {
        let hidden = self.get("/account").hidden("/logout");
        hidden.into_iter().find(|(name, _)| name == "form_token").expect("a form token").1
    }

    pub(crate) fn log_in(&mut self, name: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "login_name": name, "password": password }).to_string();
        self.json("/api/v1/login", body.as_bytes())
    }

    /// The status of asking for one's own session.
    pub(crate) fn status(&mut self) -> u16 {
        self.get("/api/v1/session").status
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), format!("host: {}", self.address)];
        lines.extend(self.extra.iter().cloned());
        lines.extend(self.token.as_ref().map(|token| format!("cookie: cloakroom={token}")));
        lines.extend(content_type.map(|content_type| format!("content-type: {content_type}")));
        lines.push(format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
        let answer = self.raw(&[lines.join("\r\n").as_bytes(), body].concat());
        for cookie in answer.set_cookies().into_iter().filter(|cookie| !cookie.starts_with("cloakroom-language=")) {
            let value = cookie.strip_prefix("cloakroom=").expect("our cookie").split(';').next().unwrap();
            self.token = if value.is_empty() { None } else { Some(value.to_owned()) };
        }
        answer
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// Sends these bytes and nothing else.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that has refused already may close before everything is sent; its answer counts.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = Answer::parse(&answer);
        leaks::look_through(&answer);
        document::hold_against(bytes, &answer);
        answer
    }
}
