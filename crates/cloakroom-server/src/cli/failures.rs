//! Errors of the libraries as messages of the catalogue: by their kind, with what to do next. Their own line, which is
//! English and names files, tables and columns, stays in them as `$cause`.

use std::error::Error as _;

use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_sql::{CopyError, OpenError, OpenErrorKind};

use crate::config::ConfigError;
use crate::exit::Failure;
use crate::password::NotTaken;

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::say(open_key(error.kind()), &[("cause", &error)])
    }
}

const fn open_key(kind: OpenErrorKind) -> &'static str {
    match kind {
        OpenErrorKind::DirectoryMissing => "open-directory-missing",
        OpenErrorKind::ReadOnly => "open-read-only",
        OpenErrorKind::Locked => "open-locked",
        OpenErrorKind::NewerVersion => "open-newer-version",
        OpenErrorKind::NotADatabase => "open-not-a-database",
        OpenErrorKind::Denied => "open-denied",
        OpenErrorKind::Unreachable => "open-unreachable",
        OpenErrorKind::TooOld => "open-too-old",
        OpenErrorKind::NotMigrated => "open-not-migrated",
        OpenErrorKind::CopyUnfinished => "open-copy-unfinished",
        OpenErrorKind::UnsupportedUrl => "open-unsupported-url",
        _ => "open-other",
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::Busy => Self::say("store-busy", &[]),
            StoreErrorKind::Unavailable => Self::say("store-unavailable", &[]),
            StoreErrorKind::Conflict => Self::say("store-conflict", &[]),
            StoreErrorKind::Corrupt { table, column } => {
                Self::say("store-corrupt", &[("table", table), ("column", column)])
            }
            _ => Self::say("store-other", &[("cause", &error)]),
        }
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        let opened = error.source().and_then(|source| source.downcast_ref::<OpenError>());
        let key = match opened {
            // The copy's own words say more than that something is locked.
            Some(opened) if !opened.is_locked() => open_key(opened.kind()),
            _ if error.is_refused() => "copy-refused",
            _ if error.is_mismatch() => "copy-differs",
            _ if error.is_corrupt() => "copy-corrupt",
            _ => "copy-stopped",
        };
        Self::say(key, &[("cause", &error)])
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        error.message().into()
    }
}

impl From<NotTaken> for Failure {
    fn from(error: NotTaken) -> Self {
        match error {
            // The same words as on the page where somebody sets one.
            NotTaken::Refused(why) => {
                let values = why.values();
                let values: Vec<_> =
                    values.iter().map(|(name, value)| (*name, value as &dyn std::fmt::Display)).collect();
                Self::say(format!("password-{}", why.code()), &values).within("cli-password-refused")
            }
            NotTaken::Unknown(error) => Self::say("cli-password-unknown", &[("cause", &error)]),
        }
    }
}

#[cfg(test)]
mod tests;
