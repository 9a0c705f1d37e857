//! A session's columns, and how they are read from a row of tokio-postgres: every value, as Cloakroom does.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::StoreError;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::beside::failed;

/// What a lookup reads, in this order, after the digest where there is one.
pub const COLUMNS: &str = "id, subject, created_at, authenticated_at, last_seen_at, idle_timeout, \
     absolute_expires_at, auth_method, user_agent, ip";

/// From 1970-01-01 to 2000-01-01, where PostgreSQL's times start.
const EPOCH_MILLIS: i64 = 946_684_800_000;

type Unreadable = Box<dyn Error + Sync + Send>;

struct Time(Timestamp);
struct Span(Duration);
struct Address(IpAddr);

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Unreadable> {
        Ok(Self(Timestamp::from_millis(i64::from_be_bytes(raw.try_into()?).div_euclid(1000) + EPOCH_MILLIS)))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::TIMESTAMPTZ
    }
}

impl<'a> FromSql<'a> for Span {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Unreadable> {
        let (micros, days_and_months) = raw.split_first_chunk::<8>().ok_or("an interval is too short")?;
        match days_and_months {
            [0, 0, 0, 0, 0, 0, 0, 0] => Ok(Self(Duration::from_micros(i64::from_be_bytes(*micros).try_into()?))),
            _ => Err("an interval of no fixed length".into()),
        }
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INTERVAL
    }
}

impl<'a> FromSql<'a> for Address {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Unreadable> {
        let address = raw.get(4..).ok_or("an address is too short")?;
        match <[u8; 4]>::try_from(address) {
            Ok(v4) => Ok(Self(Ipv4Addr::from(v4).into())),
            Err(_) => Ok(Self(Ipv6Addr::from(<[u8; 16]>::try_from(address)?).into())),
        }
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::INET
    }
}

/// Reads a row whose [`COLUMNS`] begin at `first`.
pub fn read(row: &Row, first: usize) -> Result<SessionRecord, StoreError> {
    let text = |index: usize| row.try_get::<_, &str>(first + index).map_err(failed);
    let time = |index: usize| row.try_get::<_, Time>(first + index).map(|time| time.0).map_err(failed);
    let ip: Option<Address> = row.try_get(first + 9).map_err(failed)?;
    Ok(SessionRecord {
        id: SessionId::from_uuid(row.try_get(first).map_err(failed)?),
        subject: Subject::new(text(1)?).map_err(failed)?,
        created_at: time(2)?,
        authenticated_at: time(3)?,
        last_seen_at: time(4)?,
        idle_timeout: row.try_get::<_, Option<Span>>(first + 5).map_err(failed)?.map(|span| span.0),
        absolute_expires_at: time(6)?,
        auth_method: AuthMethod::new(text(7)?).map_err(failed)?,
        client: ClientFacts::new(row.try_get(first + 8).map_err(failed)?, ip.map(|address| address.0)),
    })
}
