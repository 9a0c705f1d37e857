//! Where traces go, and how many.

use super::super::show::quoted;
use super::{PublicUrl, Raw, Setting};
use crate::message::Value;

/// Where a collector takes OTLP over HTTP: an origin and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TracesEndpoint {
    origin: PublicUrl,
    /// From its slash on.
    path: String,
}

#[cfg(feature = "otel")]
impl TracesEndpoint {
    /// Whom to connect to.
    pub(crate) const fn origin(&self) -> &PublicUrl {
        &self.origin
    }

    /// What to ask for there.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Setting for TracesEndpoint {
    const TYPE: &'static str = "URL";
    fn read(raw: &Raw) -> Option<Self> {
        let text = raw.text()?;
        let after_scheme = text.find("://")? + 3;
        let slash = after_scheme + text.get(after_scheme..)?.find('/')?;
        let (origin, path) = text.split_at_checked(slash)?;
        let is_path = path.len() > 1 && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@".contains(&byte));
        let origin = PublicUrl::read(&Raw::Text(origin.to_owned()))?;
        is_path.then(|| Self { origin, path: path.to_owned() })
    }
    fn show(&self) -> Option<String> {
        Some(quoted(&format!("{}{}", self.origin.as_str(), self.path)))
    }
    fn found(raw: &Raw) -> Value {
        PublicUrl::found(raw)
    }
}

/// A part of all there is: from 0, none, to 1, all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(f64);

impl Share {
    /// The default.
    pub(in crate::config) const ALL: Self = Self(1.0);

    /// As a number from 0 to 1.
    #[cfg(feature = "otel")]
    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

impl Setting for Share {
    const TYPE: &'static str = "number";
    fn read(raw: &Raw) -> Option<Self> {
        let number = match raw {
            Raw::Float(number) => *number,
            Raw::Integer(0) => 0.0,
            Raw::Integer(1) => 1.0,
            Raw::Loose(text) => text.parse().ok()?,
            _ => return None,
        };
        (0.0..=1.0).contains(&number).then_some(Self(number))
    }
    fn show(&self) -> Option<String> {
        Some(format!("{:?}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_origin_and_a_path() {
        let read = |text: &str| TracesEndpoint::read(&Raw::Text(text.to_owned())).and_then(|read| read.show());
        for (text, shown) in [
            ("http://127.0.0.1:4318/v1/traces", "\"http://127.0.0.1:4318/v1/traces\""),
            ("HTTPS://Collector.example.org:443/x", "\"https://collector.example.org/x\""),
            ("http://[::1]:4318/v1/traces", "\"http://[::1]:4318/v1/traces\""),
        ] {
            assert_eq!(read(text).as_deref(), Some(shown));
        }
        for wrong in [
            "",
            "127.0.0.1:4318/v1/traces",
            "http://127.0.0.1:4318",
            "http://127.0.0.1:4318/",
            "grpc://127.0.0.1:4317/v1",
            "http://ada:secret@host/v1/traces",
            "http://host/v1/traces?key=secret",
            "http://host/v1/tra ces",
            "http:///v1/traces",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        let found = TracesEndpoint::found(&Raw::Text("http://ada:secret@host/v1".to_owned()));
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
    }

    #[test]
    fn a_share_is_between_none_and_all() {
        for (raw, shown) in [
            (Raw::Float(0.25), "0.25"),
            (Raw::Integer(0), "0.0"),
            (Raw::Integer(1), "1.0"),
            (Raw::Loose("1e-3".to_owned()), "0.001"),
        ] {
            assert_eq!(Share::read(&raw).and_then(|read| read.show()).as_deref(), Some(shown));
        }
        for wrong in [
            Raw::Float(-0.1),
            Raw::Float(1.01),
            Raw::Float(f64::NAN),
            Raw::Integer(2),
            Raw::Loose("NaN".to_owned()),
            Raw::Loose("half".to_owned()),
            Raw::Text("1".to_owned()),
            Raw::Flag(true),
        ] {
            assert_eq!(Share::read(&wrong), None, "{wrong:?}");
        }
    }
}
