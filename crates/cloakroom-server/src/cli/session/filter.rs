//! Which sessions a command is about, as it is typed.

use clap::Args;
use cloakroom::world::SystemClock;
use cloakroom_core::client_address::Network;
use cloakroom_core::session::AuthMethod;
use cloakroom_core::store::{SessionFilter, UserAgentPiece};
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;

use super::subject_of;
use crate::config::span;
use crate::exit::Failure;

/// What is typed of a filter. All of it has to match.
#[derive(Debug, Args)]
pub(in crate::cli) struct Typed {
    #[arg(long, value_name = "S")]
    pub(super) subject: Option<String>,
    #[arg(long, value_name = "CIDR")]
    ip: Option<Network>,
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Timestamp>,
    #[arg(long, value_name = "TEXT")]
    browser: Option<UserAgentPiece>,
    #[arg(long, value_name = "METHOD", value_parser = AuthMethod::new)]
    method: Option<AuthMethod>,
}

impl Typed {
    /// Whether it is about a subject's sessions and asks for nothing else.
    pub(super) const fn is_subject_alone(&self) -> bool {
        self.subject.is_some()
            && self.ip.is_none()
            && self.before.is_none()
            && self.browser.is_none()
            && self.method.is_none()
    }

    /// The filter.
    ///
    /// # Errors
    /// When the database cannot be asked for an account, or the text cannot be a subject.
    pub(super) async fn filter(self, database: &Database) -> Result<SessionFilter, Failure> {
        let subject = match self.subject {
            Some(typed) => Some(subject_of(&typed, database).await?),
            None => None,
        };
        Ok(SessionFilter {
            subject,
            network: self.ip,
            created_before: self.before,
            auth_method: self.method,
            browser: self.browser,
        })
    }
}

/// A time, or so long ago.
fn time(text: &str) -> Result<Timestamp, &'static str> {
    if let Some(ago) = span::parse(text) {
        return Ok(SystemClock.now().minus(ago));
    }
    let time = text.parse::<jiff::Timestamp>().map(|time| Timestamp::from_millis(time.as_millisecond()));
    time.map_err(
        |_| "expected a time with its offset, such as 2026-01-31T08:00:00Z, or so long ago, such as 30d or 12h",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_how_long_ago() {
        let at = |text: &str| time(text).map(Timestamp::as_millis);
        assert_eq!(at("2026-01-31T08:00:00Z"), Ok(1_769_846_400_000));
        assert_eq!(at("2026-01-31T09:00:00+01:00"), Ok(1_769_846_400_000));
        let day = SystemClock.now().as_millis() - at("1d").unwrap();
        assert!((86_400_000 - 60_000..=86_400_000).contains(&day), "{day}");
        for text in ["", "yesterday", "2026-01-31", "2026-01-31T08:00:00", "-5m", "5", "1mo"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
