//! What a check found: in words of the catalogue, so that it can be said in each language. Never a secret.

use crate::locale::{Catalogue, Locale};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It could not be looked at, or there was nothing to look at.
    Skipped,
}

impl Status {
    /// For programs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// A message with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    key: &'static str,
    values: Vec<(&'static str, String)>,
}

/// A message without values.
pub(crate) fn say(key: &'static str) -> Said {
    Said { key, values: Vec::new() }
}

impl Said {
    /// With a value.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "most values are made for it, and a borrowed one shows itself as well"
    )]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.values.push((name, value.to_string()));
        self
    }

    /// In a language.
    pub(crate) fn text(&self, catalogue: &Catalogue, locale: Locale) -> String {
        catalogue.say(locale, self.key, &self.values)
    }
}

/// What the checks look at, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The tables are there and of this version.
    Migration,
    /// The role can do what it needs.
    Rights,
    /// Every server named says that it is ready.
    Ready,
    /// The clocks of here, the server and the database agree.
    Clock,
    /// The way to the server is encrypted.
    Tls,
    /// Logging in makes a row.
    Login,
    /// The cookie's attributes.
    Cookie,
    /// The headers of answers.
    Headers,
    /// Every instance accepts the session.
    Instances,
    /// The token is in no column.
    NoToken,
    /// Logging out deletes the row.
    Logout,
    /// What the database does not hold is refused.
    Refusal,
    /// By every instance.
    Everywhere,
    /// A backup can be read.
    Backup,
    /// The account that was made for this is gone.
    Cleanup,
}

impl Check {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 15] = [
        Self::Migration,
        Self::Rights,
        Self::Ready,
        Self::Clock,
        Self::Tls,
        Self::Login,
        Self::Cookie,
        Self::Headers,
        Self::Instances,
        Self::NoToken,
        Self::Logout,
        Self::Refusal,
        Self::Everywhere,
        Self::Backup,
        Self::Cleanup,
    ];

    /// For programs, and what a person calls it.
    pub(crate) const fn id(self) -> &'static str {
        self.names().0
    }

    /// What it proves.
    pub(crate) fn title(self) -> Said {
        say(self.names().1)
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Migration => ("migration", "doctor-migration"),
            Self::Rights => ("rights", "doctor-rights"),
            Self::Ready => ("ready", "doctor-ready"),
            Self::Clock => ("clock", "doctor-clock"),
            Self::Tls => ("tls", "doctor-tls"),
            Self::Login => ("login", "doctor-login"),
            Self::Cookie => ("cookie", "doctor-cookie"),
            Self::Headers => ("headers", "doctor-headers"),
            Self::Instances => ("instances", "doctor-instances"),
            Self::NoToken => ("no-token", "doctor-no-token"),
            Self::Logout => ("logout", "doctor-logout"),
            Self::Refusal => ("refusal", "doctor-refusal"),
            Self::Everywhere => ("everywhere", "doctor-everywhere"),
            Self::Backup => ("backup", "doctor-backup"),
            Self::Cleanup => ("cleanup", "doctor-cleanup"),
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) check: Check,
    pub(crate) status: Status,
    /// What was seen.
    pub(crate) evidence: Vec<Said>,
    /// What to do about it; also where it passed and could be better.
    pub(crate) advice: Option<Said>,
}

impl Finding {
    pub(crate) fn passed(check: Check, evidence: Said) -> Self {
        Self { check, status: Status::Passed, evidence: vec![evidence], advice: None }
    }

    pub(crate) fn failed(check: Check, evidence: Said, advice: Said) -> Self {
        Self { check, status: Status::Failed, evidence: vec![evidence], advice: Some(advice) }
    }

    pub(crate) fn skipped(check: Check, why: Said) -> Self {
        Self { check, status: Status::Skipped, evidence: vec![why], advice: None }
    }

    /// Failed where anything was found, passed where nothing was.
    pub(crate) fn of(check: Check, problems: Vec<Said>, well: Said, advice: Said) -> Self {
        if problems.is_empty() {
            return Self::passed(check, well);
        }
        Self { check, status: Status::Failed, evidence: problems, advice: Some(advice) }
    }

    pub(crate) fn advising(self, advice: Said) -> Self {
        Self { advice: Some(advice), ..self }
    }
}
