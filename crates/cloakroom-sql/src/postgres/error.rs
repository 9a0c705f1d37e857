//! PostgreSQL's SQLSTATEs in the words of [`OpenError`] and [`StoreError`].
//!
//! Its `DETAIL` lines quote stored values: what is kept as a cause is the message alone.

use cloakroom_core::store::{StoreError, StoreErrorKind};

use super::connection::Standby;
use crate::error::{OpenError, OpenErrorKind};

/// What the driver said about the database called `name`, while it was being opened or migrated.
pub(crate) fn open_error(name: &str, error: sqlx::Error) -> OpenError {
    let (kind, found, way_out) = match (&error, state(&error).as_deref()) {
        (_, Some("28P01" | "28000")) => (
            OpenErrorKind::Denied,
            "the server refuses the user or the password",
            "correct them in database.url, or let the user in (pg_hba.conf)",
        ),
        (_, Some("3D000")) => (
            OpenErrorKind::Other,
            "there is no database of this name on the server",
            "create it (createdb), or correct the name in database.url",
        ),
        (_, Some("42501")) => (
            OpenErrorKind::Denied,
            "the user may not do this here",
            "grant it (for migrations: CREATE on the schema; else SELECT, INSERT, UPDATE, DELETE on the tables)",
        ),
        (_, Some("25006")) => (OpenErrorKind::ReadOnly, "the server is read only", "point database.url at the primary"),
        (_, Some("55P03" | "57014")) => {
            (OpenErrorKind::Locked, "another program holds a lock on the tables", "stop that program or try again")
        }
        (_, Some("53300")) => (
            OpenErrorKind::Unreachable,
            "the server has no connection left",
            "raise max_connections there, or let fewer programs connect",
        ),
        (_, Some("57P03")) => (OpenErrorKind::Unreachable, "the server is still starting", "try again in a moment"),
        (sqlx::Error::Tls(_), _) => (
            OpenErrorKind::Unreachable,
            "no secure connection could be made",
            "check sslmode and sslrootcert in database.url against the server's certificate",
        ),
        (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut, _) => (
            OpenErrorKind::Unreachable,
            "the server cannot be reached",
            "check host and port in database.url, and that the server runs",
        ),
        (sqlx::Error::Configuration(error), _) if error.is::<Standby>() => (
            OpenErrorKind::ReadOnly,
            "the server is a standby, which cannot be written",
            "point database.url at the primary",
        ),
        (sqlx::Error::Configuration(_), _) => (
            OpenErrorKind::UnsupportedUrl,
            "its URL cannot be understood",
            "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        ),
        _ => (OpenErrorKind::Other, "the server refused", "the log has the cause"),
    };
    OpenError::new(kind, name, found, way_out).caused(error)
}

/// The SQLSTATE, if the server answered at all.
fn state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error()?.code().map(std::borrow::Cow::into_owned)
}

/// Whether the transaction lost to another one and may simply be tried again.
pub(crate) fn is_lost_race(error: &StoreError) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Cause>());
    source.is_some_and(|cause| matches!(cause.state.as_deref(), Some("40001" | "40P01")))
}

/// What the driver said, without stored values.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Cause {
    state: Option<String>,
    text: String,
}

/// The store's word for an SQLSTATE.
pub(crate) fn kind_of(state: &str) -> StoreErrorKind {
    match state {
        // Deadlock, serialization, lock and statement timeouts, too many connections.
        "40001" | "40P01" | "55P03" | "57014" | "53300" => StoreErrorKind::Busy,
        // Integrity constraints, and values that do not fit.
        _ if state.starts_with("23") || state.starts_with("22") => StoreErrorKind::Conflict,
        _ => StoreErrorKind::Unavailable,
    }
}

/// Whether the server answered and what it complains of are values, not itself: the connection is as good as before.
pub(crate) fn is_of_the_data(error: &sqlx::Error) -> bool {
    // Data exceptions, and pages or indexes that cannot be read.
    state(error).is_some_and(|state| ["22", "XX", "P0"].iter().any(|class| state.starts_with(class)))
}

/// Whether the server answered, and the connection goes on: it gave a statement up that took too long or waited for a lock.
pub(crate) fn is_given_up(error: &sqlx::Error) -> bool {
    state(error).is_some_and(|state| matches!(state.as_str(), "57014" | "55P03" | "40P01"))
}

/// Turns a driver's error into the store's.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => {
            let state = error.code().map(std::borrow::Cow::into_owned);
            let kind = state.as_deref().map_or(StoreErrorKind::Unavailable, kind_of);
            let text = format!("{} ({})", error.message(), state.as_deref().unwrap_or("no SQLSTATE"));
            StoreError::caused(kind, Cause { state, text })
        }
        sqlx::Error::PoolTimedOut => StoreError::caused(StoreErrorKind::Busy, "no connection became free in time"),
        error => StoreError::caused(StoreErrorKind::Unavailable, error),
    }
}
