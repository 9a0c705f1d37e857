//! Reading rows: every value is checked on its way in, because the database is everybody's to write.
//!
//! A value that cannot be what it is meant to be fails this one request with where it stands, never with what it is.

use std::time::Duration;

use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::ending::Ending;
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row as _, Sqlite, Type};

use crate::copy::{Entry, EntryKind, SessionRow, subject_or_everyone};
use crate::words::role_from;

/// A row and the table its values are blamed on.
struct Source<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Source<'r> {
    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::new(StoreErrorKind::Corrupt { table: self.table, column })
    }

    /// A value of its column's type. The driver's own error is dropped: it may quote the value.
    fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A text that `parse` understands.
    fn parsed<T, E>(&self, column: &'static str, parse: impl FnOnce(&'r str) -> Result<T, E>) -> Result<T, StoreError> {
        parse(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get(column).map(Timestamp::from_millis)
    }
}

pub(crate) fn session(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    let source = Source { row, table: "sessions" };
    let idle: Option<i64> = source.get("idle_timeout")?;
    let idle_timeout = match idle.map(u64::try_from) {
        None => None,
        Some(Ok(millis)) => Some(Duration::from_millis(millis)),
        Some(Err(_)) => return Err(source.corrupt("idle_timeout")),
    };
    let ip: Option<&str> = source.get("ip")?;
    let ip = ip.map(str::parse).transpose().map_err(|_| source.corrupt("ip"))?;
    Ok(SessionRecord {
        id: source.parsed("id", str::parse::<SessionId>)?,
        subject: source.parsed("subject", Subject::new)?,
        created_at: source.time("created_at")?,
        authenticated_at: source.time("authenticated_at")?,
        last_seen_at: source.time("last_seen_at")?,
        idle_timeout,
        absolute_expires_at: source.time("absolute_expires_at")?,
        auth_method: source.parsed("auth_method", AuthMethod::new)?,
        // Cleans again what somebody else may have written: it ends up on pages.
        client: ClientFacts::new(source.get("user_agent")?, ip),
    })
}

pub(crate) fn ending(row: &SqliteRow) -> Result<Ending, StoreError> {
    let source = Source { row, table: "session_feed" };
    Ok(Ending {
        session: source.parsed("session_id", str::parse)?,
        subject: source.parsed("subject", Subject::new)?,
        reason: source.parsed("reason", str::parse)?,
        at: source.time("at")?,
    })
}

pub(crate) fn account(row: &SqliteRow) -> Result<Account, StoreError> {
    let source = Source { row, table: "accounts" };
    let disabled_at: Option<i64> = source.get("disabled_at")?;
    Ok(Account {
        subject: source.parsed("subject", Subject::new)?,
        // Only a name that is already normal can be found, so only that is one.
        login_name: source.parsed("login_name", |text| match LoginName::new(text) {
            Ok(name) if name.as_str() == text => Ok(name),
            _ => Err(()),
        })?,
        password_hash: source.parsed("password_hash", PasswordHash::parse)?,
        role: source.parsed("role", role_from)?,
        created_at: source.time("created_at")?,
        password_changed_at: source.time("password_changed_at")?,
        disabled_at: disabled_at.map(Timestamp::from_millis),
    })
}

/// A token digest by itself.
pub(crate) fn digest(row: &SqliteRow) -> Result<TokenDigest, StoreError> {
    let source = Source { row, table: "sessions" };
    let bytes: &[u8] = source.get("token_digest")?;
    bytes.try_into().map(TokenDigest::from_bytes).map_err(|_| source.corrupt("token_digest"))
}

/// A session with its digest.
pub(crate) fn digest_and_session(row: &SqliteRow) -> Result<SessionRow, StoreError> {
    Ok(SessionRow { digest: digest(row)?, session: session(row)? })
}

/// A subject by itself.
pub(crate) fn subject(row: &SqliteRow) -> Result<Subject, StoreError> {
    Source { row, table: "session_subjects" }.parsed("subject", Subject::new)
}

/// Any entry of the feed.
pub(crate) fn entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    let source = Source { row, table: "session_feed" };
    let digest: Option<&[u8]> = source.get("token_digest")?;
    let digest = digest.map(TryInto::try_into).transpose().map_err(|_| source.corrupt("token_digest"))?;
    let session: Option<&str> = source.get("session_id")?;
    let reason: Option<&str> = source.get("reason")?;
    Ok(Entry {
        position: source.get("position")?,
        kind: source.parsed("kind", EntryKind::parse)?,
        digest: digest.map(TokenDigest::from_bytes),
        session: session.map(str::parse).transpose().map_err(|_| source.corrupt("session_id"))?,
        subject: source.parsed("subject", subject_or_everyone)?,
        reason: reason.map(str::parse).transpose().map_err(|_| source.corrupt("reason"))?,
        at: source.time("at")?,
    })
}
