//! The types a configuration value can have: how each is read and shown. Ranges belong to the keys.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use psl::Psl as _;

use super::show::quoted;
use super::span;
use crate::message::{Message, Value};

/// A value as it was found, before it has a type.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    /// From the environment or a flag: text that may stand for any type.
    Loose(String),
    /// A TOML string.
    Text(String),
    /// A TOML boolean.
    Flag(bool),
    /// A TOML integer.
    Integer(i64),
    /// A TOML float.
    Float(f64),
    /// A TOML array of strings.
    Texts(Vec<String>),
    /// What no key takes.
    Other(NoSetting),
}

/// What no key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NoSetting {
    /// A TOML number of more than 64 bits.
    LargeNumber,
    /// A TOML date or time.
    Date,
    /// A TOML array with something else than strings in it.
    Mixed,
    /// A TOML table.
    Table,
    /// An environment variable of bytes.
    NotUtf8,
}

impl NoSetting {
    fn message(self) -> Message {
        Message::new(match self {
            Self::LargeNumber => "config-found-large-number",
            Self::Date => "config-found-date",
            Self::Mixed => "config-found-mixed",
            Self::Table => "config-found-table",
            Self::NotUtf8 => "config-found-not-utf8",
        })
    }
}

impl Raw {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Loose(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// For an error message.
    pub(super) fn shown(&self) -> Value {
        match self {
            Self::Loose(text) | Self::Text(text) => shortened(text).into(),
            Self::Flag(flag) => flag.to_string().into(),
            Self::Texts(texts) => {
                let shown: Vec<_> = texts.iter().take(TEXTS_SHOWN_MAX).map(|text| quoted(text)).collect();
                format!("[{}{}]", shown.join(", "), if texts.len() > TEXTS_SHOWN_MAX { ", …" } else { "" }).into()
            }
            Self::Integer(number) => number.to_string().into(),
            Self::Float(number) => format!("{number:?}").into(),
            Self::Other(kind) => kind.message().into(),
        }
    }
}

const TEXTS_SHOWN_MAX: usize = 4;

/// In quotes, on one line, and not without end.
fn shortened(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 80;
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{dots}")
}

/// A type of configuration values.
pub(crate) trait Setting: Sized {
    /// What the documentation calls it.
    const TYPE: &'static str;
    /// Whether it may hold a secret.
    #[cfg(test)]
    const SECRET: bool = false;
    /// Reads a value; `None`: it is none of this type.
    fn read(raw: &Raw) -> Option<Self>;
    /// As TOML; `None`: not set.
    fn show(&self) -> Option<String>;
    /// What an error message may repeat of a value that could not be read.
    fn found(raw: &Raw) -> Value {
        raw.shown()
    }
}

impl Setting for SocketAddr {
    const TYPE: &'static str = "address and port";
    fn read(raw: &Raw) -> Option<Self> {
        raw.text()?.parse().ok()
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }
}

impl Setting for bool {
    const TYPE: &'static str = "boolean";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Flag(flag) => Some(*flag),
            Raw::Loose(text) => text.parse().ok(),
            _ => None,
        }
    }
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for u32 {
    const TYPE: &'static str = "integer";
    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Integer(number) => Self::try_from(*number).ok(),
            Raw::Loose(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            _ => None,
        }
    }
    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for Duration {
    const TYPE: &'static str = "duration";
    fn read(raw: &Raw) -> Option<Self> {
        span::parse(raw.text()?)
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&span::show(*self)))
    }
}

impl<S: Setting> Setting for Option<S> {
    const TYPE: &'static str = S::TYPE;
    fn read(raw: &Raw) -> Option<Self> {
        S::read(raw).map(Some)
    }
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(S::show)
    }
    fn found(raw: &Raw) -> Value {
        S::found(raw)
    }
}

/// An origin (RFC 6454) that browsers reach the server under: scheme, host and port, in the form browsers send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// Such as `https://login.example.org`: lower case, no default port, no slash at the end.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether cookies may be `Secure`.
    pub(crate) fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host, without port.
    pub(crate) fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, authority)| authority);
        if authority.starts_with('[') {
            return authority.split_inclusive(']').next().unwrap_or(authority);
        }
        authority.split(':').next().unwrap_or(authority)
    }
}

impl Setting for PublicUrl {
    const TYPE: &'static str = "origin";
    fn read(raw: &Raw) -> Option<Self> {
        let text = raw.text()?;
        if text.contains(['#', '?', '@', '*']) {
            return None;
        }
        let uri: http::Uri = text.parse().ok()?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
        if uri.path() != "/" {
            return None;
        }
        let host = uri.host().filter(|host| is_host(host))?.to_ascii_lowercase();
        let port = match (uri.port(), scheme) {
            (None, _) if uri.authority()?.as_str().ends_with(':') => return None,
            (None, _) => String::new(),
            (Some(port), "http") if port.as_u16() == 80 => String::new(),
            (Some(port), "https") if port.as_u16() == 443 => String::new(),
            (Some(port), _) if port.as_u16() == 0 => return None,
            (Some(port), _) => format!(":{}", port.as_u16()),
        };
        Some(Self(format!("{scheme}://{host}{port}")))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
    fn found(raw: &Raw) -> Value {
        // Somebody may have put a password into it.
        if raw.text().is_some_and(|text| text.contains('@')) {
            Message::new("config-found-credentials").into()
        } else {
            raw.shown()
        }
    }
}

/// A host name or an IP address; an IPv6 one in brackets.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6());
    }
    host.len() <= 253 && host.split('.').all(is_label)
}

/// One part of a host name (RFC 1123 section 2.1).
fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

/// The path of a file that is read when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath(String);

impl FilePath {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setting for FilePath {
    const TYPE: &'static str = "path";
    fn read(raw: &Raw) -> Option<Self> {
        let text = raw.text().filter(|text| !text.is_empty() && !text.contains('\0'))?;
        Some(Self(text.to_owned()))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

/// A domain whose subdomains get the cookie too (RFC 6265 section 5.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CookieDomain(String);

impl CookieDomain {
    /// Lower case, without a leading dot.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether anybody can have a name below it, by the Public Suffix List as of the build: browsers drop a cookie for it (RFC 6265bis
    /// section 5.7). A last label the list does not know counts as one.
    pub(crate) fn is_public_suffix(&self) -> bool {
        psl::List.suffix(self.0.as_bytes()).is_some_and(|suffix| suffix.as_bytes().len() == self.0.len())
    }

    /// Whether a cookie for this domain can be set by `host`.
    pub(crate) fn covers(&self, host: &str) -> bool {
        host == self.0 || host.strip_suffix(&self.0).is_some_and(|rest| rest.ends_with('.'))
    }
}

impl Setting for CookieDomain {
    const TYPE: &'static str = "domain";
    fn read(raw: &Raw) -> Option<Self> {
        let domain = raw.text()?.to_ascii_lowercase();
        let is_name = is_host(&domain) && domain.contains('.') && domain.parse::<IpAddr>().is_err();
        is_name.then_some(Self(domain))
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&self.0))
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$vdoc:meta])* $variant:ident = $text:literal),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$vdoc])* $variant),+ }

        impl Setting for $name {
            const TYPE: &'static str = "word";
            fn read(raw: &Raw) -> Option<Self> {
                match raw.text()? { $($text => Some(Self::$variant),)+ _ => None }
            }
            fn show(&self) -> Option<String> {
                Some(match self { $(Self::$variant => concat!('"', $text, '"')),+ }.to_owned())
            }
        }
    };
}

mod client_address;
mod database_url;
mod log_filter;
mod traces;

mod language;
pub(crate) use client_address::ClientAddress;
pub(crate) use database_url::DatabaseUrl;
pub(crate) use log_filter::LogFilter;
pub(crate) use traces::{Share, TracesEndpoint};

words! {
    /// How a living session is made sure of.
    Validation:
        /// Every request asks the database.
        Strict = "strict",
        /// Requests are answered from memory, under a lease.
        Leased = "leased"
}

words! {
    /// How a line of the log looks.
    LogFormat:
        /// For people on a terminal, else for programs.
        Auto = "auto",
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json"
}
