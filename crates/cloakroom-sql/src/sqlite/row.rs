//! Reading rows: every value is checked on its way in, because the database is everybody's to write.
//!
//! A value that cannot be what it is meant to be fails this one request with where it stands, never with what it is.

use std::time::Duration;

use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::ending::Ending;
use cloakroom_core::event::{EventId, EventReason, SecurityEvent};
use cloakroom_core::measurement::{Measure, Measurement, Resolution};
use cloakroom_core::password::PasswordHash;
use cloakroom_core::service_token::{ServiceTokenDigest, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::throttle::{Counter, CounterKey};
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

/// A row of `sessions` as it is stored, whichever driver read it.
struct Stored<'r> {
    id: &'r str,
    subject: &'r str,
    created_at: i64,
    authenticated_at: i64,
    last_seen_at: i64,
    idle_timeout: Option<i64>,
    absolute_expires_at: i64,
    auth_method: &'r str,
    user_agent: Option<&'r str>,
    ip: Option<&'r str>,
}

impl Stored<'_> {
    fn checked(self) -> Result<SessionRecord, StoreError> {
        let corrupt = |column| StoreError::new(StoreErrorKind::Corrupt { table: "sessions", column });
        let idle_timeout = self.idle_timeout.map(u64::try_from).transpose().map_err(|_| corrupt("idle_timeout"))?;
        let ip = self.ip.map(str::parse).transpose().map_err(|_| corrupt("ip"))?;
        Ok(SessionRecord {
            id: self.id.parse().map_err(|_| corrupt("id"))?,
            subject: Subject::new(self.subject).map_err(|_| corrupt("subject"))?,
            created_at: Timestamp::from_millis(self.created_at),
            authenticated_at: Timestamp::from_millis(self.authenticated_at),
            last_seen_at: Timestamp::from_millis(self.last_seen_at),
            idle_timeout: idle_timeout.map(Duration::from_millis),
            absolute_expires_at: Timestamp::from_millis(self.absolute_expires_at),
            auth_method: AuthMethod::new(self.auth_method).map_err(|_| corrupt("auth_method"))?,
            // Cleans again what somebody else may have written: it ends up on pages.
            client: ClientFacts::new(self.user_agent, ip),
        })
    }
}

pub(crate) fn session(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    let source = Source { row, table: "sessions" };
    let stored = Stored {
        id: source.get("id")?,
        subject: source.get("subject")?,
        created_at: source.get("created_at")?,
        authenticated_at: source.get("authenticated_at")?,
        last_seen_at: source.get("last_seen_at")?,
        idle_timeout: source.get("idle_timeout")?,
        absolute_expires_at: source.get("absolute_expires_at")?,
        auth_method: source.get("auth_method")?,
        user_agent: source.get("user_agent")?,
        ip: source.get("ip")?,
    };
    stored.checked()
}

/// The same from the driver that reads on the calling thread, in the order of `session_columns`. `None`: a value cannot be
/// what it is meant to be.
pub(crate) fn session_here(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<SessionRecord>> {
    let stored = Stored {
        id: row.get_ref(0)?.as_str()?,
        subject: row.get_ref(1)?.as_str()?,
        created_at: row.get(2)?,
        authenticated_at: row.get(3)?,
        last_seen_at: row.get(4)?,
        idle_timeout: row.get(5)?,
        absolute_expires_at: row.get(6)?,
        auth_method: row.get_ref(7)?.as_str()?,
        user_agent: row.get_ref(8)?.as_str_or_null()?,
        ip: row.get_ref(9)?.as_str_or_null()?,
    };
    Ok(stored.checked().ok())
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

pub(crate) fn service_token(row: &SqliteRow) -> Result<ServiceTokenRecord, StoreError> {
    let source = Source { row, table: "service_tokens" };
    let digest: &[u8] = source.get("digest")?;
    Ok(ServiceTokenRecord {
        name: source.parsed("name", ServiceTokenName::new)?,
        digest: ServiceTokenDigest::from_bytes(digest.try_into().map_err(|_| source.corrupt("digest"))?),
        scope: source.parsed("scope", str::parse)?,
        created_at: source.time("created_at")?,
        last_used_at: source.get::<Option<i64>>("last_used_at")?.map(Timestamp::from_millis),
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

/// What is counted under a key.
pub(crate) fn counter(row: &SqliteRow) -> Result<Counter, StoreError> {
    let source = Source { row, table: "attempt_counters" };
    let number = |column| {
        let number: i64 = source.get(column)?;
        u32::try_from(number).map_err(|_| source.corrupt(column))
    };
    Ok(Counter {
        failures: number("failures")?,
        under_way: number("under_way")?,
        until: source.time("until_at")?,
        changed_at: source.time("changed_at")?,
    })
}

/// A counter's key by itself.
pub(crate) fn counter_key(row: &SqliteRow) -> Result<CounterKey, StoreError> {
    let source = Source { row, table: "attempt_counters" };
    let bytes: &[u8] = source.get("key")?;
    bytes.try_into().map(CounterKey::from_bytes).map_err(|_| source.corrupt("key"))
}

/// What happened; `None` where this version does not know the kind.
pub(crate) fn event(row: &SqliteRow) -> Result<Option<SecurityEvent>, StoreError> {
    let source = Source { row, table: "security_events" };
    let Ok(kind) = source.get::<&str>("kind")?.parse() else { return Ok(None) };
    let uuid = |column| {
        let text: Option<&str> = source.get(column)?;
        text.map(str::parse::<SessionId>).transpose().map_err(|_| source.corrupt(column))
    };
    let subject: Option<&str> = source.get("subject")?;
    let reason: Option<&str> = source.get("reason")?;
    let ip: Option<&str> = source.get("ip")?;
    Ok(Some(SecurityEvent {
        id: uuid("id")?.map(|id| EventId::from_uuid(*id.as_uuid())).ok_or_else(|| source.corrupt("id"))?,
        at: source.time("at")?,
        kind,
        subject: subject.map(Subject::new).transpose().map_err(|_| source.corrupt("subject"))?,
        session: uuid("session_id")?,
        reason: reason.map(EventReason::new).transpose().map_err(|_| source.corrupt("reason"))?,
        // Cleans again what somebody else may have written: it ends up on pages.
        client: ClientFacts::new(source.get("user_agent")?, ip.and_then(|ip| ip.parse().ok())),
        request: uuid("request_id")?.map(|id| *id.as_uuid()),
    }))
}

/// What was measured; `None` where this version does not know the name.
pub(crate) fn measurement(row: &SqliteRow, resolution: Resolution) -> Result<Option<Measurement>, StoreError> {
    let source = Source { row, table: "measurements" };
    let Ok(measure) = source.get::<&str>("name")?.parse() else { return Ok(None) };
    let value = u64::try_from(source.get::<i64>("value")?).map_err(|_| source.corrupt("value"))?;
    Ok(Some(Measurement { resolution, bucket: source.time("bucket")?, measure, value }))
}

/// What the feed was counted to have, by five minutes.
pub(crate) fn counted(row: &SqliteRow, of: impl FnOnce(Option<&str>) -> Measure) -> Result<Measurement, StoreError> {
    let source = Source { row, table: "session_feed" };
    let value = u64::try_from(source.get::<i64>("value")?).map_err(|_| source.corrupt("value"))?;
    let measure = of(source.get("reason")?);
    Ok(Measurement { resolution: Resolution::FiveMinutes, bucket: source.time("bucket")?, measure, value })
}
