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
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row as _, Type};
use uuid::Uuid;

use super::value::{Address, Span, Time};
use crate::copy::{Entry, EntryKind, SessionRow, subject_or_everyone};
use crate::words::role_from;

/// A row and the table its values are blamed on.
struct Source<'r> {
    row: &'r PgRow,
    table: &'static str,
}

impl<'r> Source<'r> {
    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::new(StoreErrorKind::Corrupt { table: self.table, column })
    }

    /// A value of its column's type. The driver's own error is dropped: it may quote the value.
    fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, column: &'static str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A text that `parse` understands.
    fn parsed<T, E>(&self, column: &'static str, parse: impl FnOnce(&'r str) -> Result<T, E>) -> Result<T, StoreError> {
        parse(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get::<Time>(column).map(|time| time.0)
    }
}

pub(crate) fn session(row: &PgRow) -> Result<SessionRecord, StoreError> {
    let source = Source { row, table: "sessions" };
    let ip: Option<Address> = source.get("ip")?;
    Ok(SessionRecord {
        id: SessionId::from_uuid(source.get::<Uuid>("id")?),
        subject: source.parsed("subject", Subject::new)?,
        created_at: source.time("created_at")?,
        authenticated_at: source.time("authenticated_at")?,
        last_seen_at: source.time("last_seen_at")?,
        idle_timeout: source.get::<Option<Span>>("idle_timeout")?.map(|span| span.0),
        absolute_expires_at: source.time("absolute_expires_at")?,
        auth_method: source.parsed("auth_method", AuthMethod::new)?,
        // Cleans again what somebody else may have written: it ends up on pages.
        client: ClientFacts::new(source.get("user_agent")?, ip.map(|address| address.0)),
    })
}

pub(crate) fn ending(row: &PgRow) -> Result<Ending, StoreError> {
    let source = Source { row, table: "session_feed" };
    Ok(Ending {
        session: SessionId::from_uuid(source.get::<Uuid>("session_id")?),
        subject: source.parsed("subject", Subject::new)?,
        reason: source.parsed("reason", str::parse)?,
        at: source.time("at")?,
    })
}

pub(crate) fn account(row: &PgRow) -> Result<Account, StoreError> {
    let source = Source { row, table: "accounts" };
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
        disabled_at: source.get::<Option<Time>>("disabled_at")?.map(|time| time.0),
    })
}

pub(crate) fn service_token(row: &PgRow) -> Result<ServiceTokenRecord, StoreError> {
    let source = Source { row, table: "service_tokens" };
    let digest: &[u8] = source.get("digest")?;
    Ok(ServiceTokenRecord {
        name: source.parsed("name", ServiceTokenName::new)?,
        digest: ServiceTokenDigest::from_bytes(digest.try_into().map_err(|_| source.corrupt("digest"))?),
        scope: source.parsed("scope", str::parse)?,
        created_at: source.time("created_at")?,
        last_used_at: source.get::<Option<Time>>("last_used_at")?.map(|time| time.0),
    })
}

/// A token digest by itself.
pub(crate) fn digest(row: &PgRow) -> Result<TokenDigest, StoreError> {
    let source = Source { row, table: "sessions" };
    let bytes: &[u8] = source.get("token_digest")?;
    bytes.try_into().map(TokenDigest::from_bytes).map_err(|_| source.corrupt("token_digest"))
}

/// A session with its digest, to the millisecond as everywhere.
pub(crate) fn digest_and_session(row: &PgRow) -> Result<SessionRow, StoreError> {
    let mut session = session(row)?;
    // Somebody else may have written a timeout with a fraction of one, which SQLite cannot hold.
    session.idle_timeout =
        session.idle_timeout.map(|idle| Duration::new(idle.as_secs(), idle.subsec_millis() * 1_000_000));
    Ok(SessionRow { digest: digest(row)?, session })
}

/// A subject by itself.
pub(crate) fn subject(row: &PgRow) -> Result<Subject, StoreError> {
    Source { row, table: "session_subjects" }.parsed("subject", Subject::new)
}

/// Any entry of the feed.
pub(crate) fn entry(row: &PgRow) -> Result<Entry, StoreError> {
    let source = Source { row, table: "session_feed" };
    let digest: Option<&[u8]> = source.get("token_digest")?;
    let digest = digest.map(TryInto::try_into).transpose().map_err(|_| source.corrupt("token_digest"))?;
    let reason: Option<&str> = source.get("reason")?;
    Ok(Entry {
        position: source.get("position")?,
        kind: source.parsed("kind", EntryKind::parse)?,
        digest: digest.map(TokenDigest::from_bytes),
        session: source.get::<Option<Uuid>>("session_id")?.map(SessionId::from_uuid),
        subject: source.parsed("subject", subject_or_everyone)?,
        reason: reason.map(str::parse).transpose().map_err(|_| source.corrupt("reason"))?,
        at: source.time("at")?,
    })
}

/// What is counted under a key.
pub(crate) fn counter(row: &PgRow) -> Result<Counter, StoreError> {
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
pub(crate) fn counter_key(row: &PgRow) -> Result<CounterKey, StoreError> {
    let source = Source { row, table: "attempt_counters" };
    let bytes: &[u8] = source.get("key")?;
    bytes.try_into().map(CounterKey::from_bytes).map_err(|_| source.corrupt("key"))
}

/// What happened; `None` where this version does not know the kind.
pub(crate) fn event(row: &PgRow) -> Result<Option<SecurityEvent>, StoreError> {
    let source = Source { row, table: "security_events" };
    let Ok(kind) = source.get::<&str>("kind")?.parse() else { return Ok(None) };
    let subject: Option<&str> = source.get("subject")?;
    let reason: Option<&str> = source.get("reason")?;
    let ip: Option<Address> = source.get("ip")?;
    Ok(Some(SecurityEvent {
        id: EventId::from_uuid(source.get("id")?),
        at: source.time("at")?,
        kind,
        subject: subject.map(Subject::new).transpose().map_err(|_| source.corrupt("subject"))?,
        session: source.get::<Option<Uuid>>("session_id")?.map(SessionId::from_uuid),
        reason: reason.map(EventReason::new).transpose().map_err(|_| source.corrupt("reason"))?,
        // Cleans again what somebody else may have written: it ends up on pages.
        client: ClientFacts::new(source.get("user_agent")?, ip.map(|address| address.0)),
        request: source.get("request_id")?,
    }))
}

/// What was measured; `None` where this version does not know the name.
pub(crate) fn measurement(row: &PgRow, resolution: Resolution) -> Result<Option<Measurement>, StoreError> {
    let source = Source { row, table: "measurements" };
    let Ok(measure) = source.get::<&str>("name")?.parse() else { return Ok(None) };
    let value = u64::try_from(source.get::<i64>("value")?).map_err(|_| source.corrupt("value"))?;
    Ok(Some(Measurement { resolution, bucket: source.time("bucket")?, measure, value }))
}

/// What the feed was counted to have, by five minutes.
pub(crate) fn counted(row: &PgRow, of: impl FnOnce(Option<&str>) -> Measure) -> Result<Measurement, StoreError> {
    let source = Source { row, table: "session_feed" };
    let value = u64::try_from(source.get::<i64>("value")?).map_err(|_| source.corrupt("value"))?;
    let measure = of(source.get("reason")?);
    Ok(Measurement { resolution: Resolution::FiveMinutes, bucket: source.time("bucket")?, measure, value })
}
