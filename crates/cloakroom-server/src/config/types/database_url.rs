//! Which database: the one value that may hold a password.

use zeroize::Zeroizing;

use super::{Raw, Setting, quoted};
use crate::message::{Message, Value};

/// Which database. Its text may hold a password: it is shown redacted only.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The default: a file in the working directory.
    pub(in crate::config) fn default_file() -> Self {
        Self("sqlite:cloakroom.db".to_owned())
    }

    /// The whole text, for opening it and nothing else.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is a file of this machine alone, which whoever opens it may migrate.
    pub(crate) fn is_file(&self) -> bool {
        self.0.starts_with("sqlite:")
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<String> {
        let path = self.0.strip_prefix("sqlite:")?;
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        Some(path.strip_prefix("//").unwrap_or(path).to_owned())
    }

    /// The password in it, as it is written there.
    pub(crate) fn password(&self) -> Option<Zeroizing<String>> {
        let (_, rest) = self.0.split_once("://")?;
        let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| Zeroizing::new(password.to_owned()))
    }

    /// Whether it is a server on another machine, and nothing in it asks for a connection that nobody can read.
    pub(crate) fn is_remote_in_clear(&self) -> bool {
        let Some((_, rest)) = self.0.split_once("://").filter(|_| !self.is_file()) else { return false };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = host
            .strip_prefix('[')
            .map_or_else(|| host.split(':').next(), |inner| inner.split(']').next())
            .unwrap_or(host);
        let is_here = host.is_empty()
            || host == "localhost"
            || host.starts_with('/')
            || host.starts_with("%2F")
            || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        let is_safe =
            ["verify-full", "verify-ca", "require"].iter().any(|mode| rest.contains(&format!("sslmode={mode}")));
        !is_here && !is_safe && !rest.contains("host=/")
    }

    /// For people.
    pub(crate) fn redacted(&self) -> String {
        redacted(&self.0)
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DatabaseUrl({:?})", self.redacted())
    }
}

/// A SQLite path has no secret; of any other text only the scheme is repeated.
fn redacted(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let scheme: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || "+.-".contains(*c)).collect();
    match text.strip_prefix(&scheme) {
        Some(rest) if rest.starts_with(':') && !scheme.is_empty() => format!("{scheme}:…"),
        _ => "…".to_owned(),
    }
}

impl Setting for DatabaseUrl {
    const TYPE: &'static str = "database URL";
    #[cfg(test)]
    const SECRET: bool = true;
    fn read(raw: &Raw) -> Option<Self> {
        let text = raw.text()?;
        let is_named = match text.split_once(':')? {
            ("sqlite", path) => !path.trim_start_matches('/').is_empty() && !path.starts_with('?'),
            ("postgres" | "postgresql", rest) => rest.len() > 2 && rest.starts_with("//"),
            _ => false,
        };
        (is_named && !text.contains('\0')).then(|| Self(text.to_owned()))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.redacted()))
    }
    fn found(raw: &Raw) -> Value {
        match raw.text() {
            Some("") => "\"\"".into(),
            Some(text) => Message::new("config-found-redacted").value("value", format!("{:?}", redacted(text))).into(),
            None => raw.shown(),
        }
    }
}
