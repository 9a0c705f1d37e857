//! Rows and the core's types: reading refuses what cannot be, and names the column.

use std::time::Duration;

use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::ending::Ending;
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionRecord, Subject};
use cloakroom_core::store::StoreError;
use cloakroom_core::time::{Timestamp, millis};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::corrupt;

/// The columns of a session, in the order in which [`session`] reads them.
macro_rules! session_columns {
    () => {
        "id, subject, created_at, authenticated_at, last_seen_at, idle_timeout, absolute_expires_at, auth_method, user_agent, ip"
    };
}
pub(crate) use session_columns;

/// Reads columns of one table, naming each in its error.
struct Reader<'a>(&'a SqliteRow, &'static str);

impl<'a> Reader<'a> {
    fn text(&self, column: &'static str) -> Result<&'a str, StoreError> {
        self.0.try_get(column).map_err(|_| corrupt(self.1, column))
    }

    fn optional_text(&self, column: &'static str) -> Result<Option<&'a str>, StoreError> {
        self.0.try_get(column).map_err(|_| corrupt(self.1, column))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.0.try_get(column).map(Timestamp::from_millis).map_err(|_| corrupt(self.1, column))
    }

    fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.0.try_get(column).map_err(|_| corrupt(self.1, column))
    }

    /// A text that has to be a `T`.
    fn parsed<T>(&self, column: &'static str, parse: impl Fn(&'a str) -> Option<T>) -> Result<T, StoreError> {
        parse(self.text(column)?).ok_or(corrupt(self.1, column))
    }
}

/// A session, from the columns of `session_columns!`.
pub(crate) fn session(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    let read = Reader(row, "sessions");
    let idle = match read.optional_integer("idle_timeout")? {
        None => None,
        Some(idle) => Some(u64::try_from(idle).map_err(|_| corrupt("sessions", "idle_timeout"))?),
    };
    let ip = match read.optional_text("ip")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| corrupt("sessions", "ip"))?),
    };
    Ok(SessionRecord {
        id: read.parsed("id", |text| text.parse().ok())?,
        subject: read.parsed("subject", |text| Subject::new(text).ok())?,
        created_at: read.time("created_at")?,
        authenticated_at: read.time("authenticated_at")?,
        last_seen_at: read.time("last_seen_at")?,
        idle_timeout: idle.map(Duration::from_millis),
        absolute_expires_at: read.time("absolute_expires_at")?,
        auth_method: read.parsed("auth_method", |text| AuthMethod::new(text).ok())?,
        client: ClientFacts::new(read.optional_text("user_agent")?, ip),
    })
}

/// An ending, from the feed.
pub(crate) fn ending(row: &SqliteRow) -> Result<Ending, StoreError> {
    let read = Reader(row, "session_feed");
    Ok(Ending {
        session: read.parsed("session_id", |text| text.parse().ok())?,
        subject: read.parsed("subject", |text| Subject::new(text).ok())?,
        reason: read.parsed("reason", |text| text.parse().ok())?,
        at: read.time("at")?,
    })
}

/// An account.
pub(crate) fn account(row: &SqliteRow) -> Result<Account, StoreError> {
    let read = Reader(row, "accounts");
    Ok(Account {
        subject: read.parsed("subject", |text| Subject::new(text).ok())?,
        // Stored normalised: a name that normalises to another one was written by somebody else.
        login_name: read.parsed("login_name", |text| LoginName::new(text).ok().filter(|name| name.as_str() == text))?,
        password_hash: read.parsed("password_hash", |text| PasswordHash::parse(text).ok())?,
        role: read.parsed("role", role_from)?,
        created_at: read.time("created_at")?,
        password_changed_at: read.time("password_changed_at")?,
        disabled_at: read.optional_integer("disabled_at")?.map(Timestamp::from_millis),
    })
}

pub(crate) const fn role_text(role: Role) -> &'static str {
    match role {
        Role::Person => "person",
        Role::Administrator => "administrator",
    }
}

fn role_from(text: &str) -> Option<Role> {
    [Role::Person, Role::Administrator].into_iter().find(|role| role_text(*role) == text)
}

/// A timeout as it is stored.
pub(crate) fn idle_millis(idle: Option<Duration>) -> Option<i64> {
    idle.map(millis)
}
