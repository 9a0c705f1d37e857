//! Times, durations and addresses as PostgreSQL sends them: to the millisecond, without a calendar library in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use cloakroom_core::time::{Timestamp, millis};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type};

/// From 1970-01-01 to 2000-01-01, where PostgreSQL's times start, in microseconds.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// What a `timestamptz` can hold: from 4714 BC, and before this time in 294276 AD (src/include/datatype/timestamp.h).
const FIRST_MICROS: i64 = -211_813_488_000_000_000;
const END_MICROS: i64 = 9_223_371_331_200_000_000;
// Object identifiers of built-in types never change (src/include/catalog/pg_type.dat).
const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);
const INTERVAL: Oid = Oid(1186);
const INTERVAL_ARRAY: Oid = Oid(1187);
const INET: Oid = Oid(869);
const INET_ARRAY: Oid = Oid(1041);
/// The address families of `inet` on the wire.
const FAMILY_V4: u8 = 2;
const FAMILY_V6: u8 = 3;

/// A `timestamptz`. What PostgreSQL cannot hold is moved to the nearest it can, which is infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Time {
    /// Microseconds since 2000-01-01; `i64::MAX` and `i64::MIN` are infinity.
    pub(crate) const fn to_wire(self) -> i64 {
        match self.0.as_millis().saturating_mul(1000).saturating_sub(EPOCH_MICROS) {
            micros if micros < FIRST_MICROS => i64::MIN,
            micros if micros >= END_MICROS => i64::MAX,
            micros => micros,
        }
    }

    /// Cuts microseconds off: a time that has a fraction of a millisecond left has not come before that millisecond is over.
    pub(crate) const fn from_wire(micros: i64) -> Self {
        Self(Timestamp::from_millis(match micros {
            i64::MAX | i64::MIN => micros,
            _ => micros.div_euclid(1000) + EPOCH_MICROS / 1000,
        }))
    }
}

impl Type<Postgres> for Time {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for Time {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl Encode<'_, Postgres> for Time {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.to_wire().to_be_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Time {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self::from_wire(i64::from_be_bytes(value.as_bytes()?.try_into()?)))
    }
}

/// An `interval` of a fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl Span {
    /// Microseconds, days, months: one after the other on the wire.
    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        let micros = i64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
        let days = i64::from(i32::from_be_bytes(bytes.get(8..12)?.try_into().ok()?));
        let months = i32::from_be_bytes(bytes.get(12..16)?.try_into().ok()?);
        // A month has no length by itself, and a duration is not negative.
        let all = micros.checked_add(days.checked_mul(86_400_000_000)?)?;
        (months == 0).then_some(())?;
        Some(Self(Duration::from_micros(u64::try_from(all).ok()?)))
    }
}

impl Type<Postgres> for Span {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(INTERVAL)
    }
}

impl PgHasArrayType for Span {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(INTERVAL_ARRAY)
    }
}

impl Encode<'_, Postgres> for Span {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&millis(self.0).saturating_mul(1000).to_be_bytes());
        buffer.extend_from_slice(&[0; 8]); // neither days nor months
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Span {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Self::from_wire(value.as_bytes()?).ok_or_else(|| "an interval without a fixed length".into())
    }
}

/// An `inet`: one address. A network, which somebody else may have written, is read as its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) IpAddr);

impl Address {
    pub(crate) fn from_wire(bytes: &[u8]) -> Option<Self> {
        // Family, bits, whether it is a cidr, length, address.
        match (bytes.first()?, bytes.get(4..)?) {
            (&FAMILY_V4, address) => Some(Self(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?).into())),
            (&FAMILY_V6, address) => Some(Self(Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?).into())),
            _ => None,
        }
    }
}

impl Type<Postgres> for Address {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(INET)
    }
}

impl PgHasArrayType for Address {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(INET_ARRAY)
    }
}

impl Encode<'_, Postgres> for Address {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.0 {
            IpAddr::V4(address) => {
                buffer.extend_from_slice(&[FAMILY_V4, 32, 0, 4]);
                buffer.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                buffer.extend_from_slice(&[FAMILY_V6, 128, 0, 16]);
                buffer.extend_from_slice(&address.octets());
            }
        }
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for Address {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        Self::from_wire(value.as_bytes()?).ok_or_else(|| "not an address".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_every_millisecond_and_end_at_infinity() {
        for ms in [0, -1, 1, 1_790_000_000_123, 946_684_800_000, -62_135_596_800_000] {
            let time = Time(Timestamp::from_millis(ms));
            assert_eq!(Time::from_wire(time.to_wire()), time, "{ms}");
        }
        assert_eq!(Time(Timestamp::from_millis(0)).to_wire(), -EPOCH_MICROS);
        assert_eq!(Time(Timestamp::from_millis(i64::MIN)).to_wire(), i64::MIN);
        assert_eq!(Time::from_wire(i64::MAX).0.as_millis(), i64::MAX);
        assert_eq!(Time::from_wire(-1).0.as_millis(), 946_684_799_999);
    }

    #[test]
    fn spans_have_a_fixed_length() {
        let wire = |micros: i64, days: i32, months: i32| {
            [&micros.to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat()
        };
        assert_eq!(Span::from_wire(&wire(1_500, 0, 0)), Some(Span(Duration::from_micros(1_500))));
        assert_eq!(Span::from_wire(&wire(0, 14, 0)), Some(Span(Duration::from_hours(14 * 24))));
        assert_eq!(Span::from_wire(&wire(0, 0, 1)), None);
        assert_eq!(Span::from_wire(&wire(-1, 0, 0)), None);
        assert_eq!(Span::from_wire(&[]), None);
    }

    #[test]
    fn addresses_of_both_families_and_nothing_else() {
        assert_eq!(Address::from_wire(&[2, 24, 0, 4, 192, 0, 2, 7]), Some(Address("192.0.2.7".parse().unwrap())));
        assert_eq!(Address::from_wire(&[2, 32, 0, 4, 192, 0, 2]), None);
        assert_eq!(Address::from_wire(&[9, 32, 0, 4, 1, 1, 1, 1]), None);
        assert_eq!(Address::from_wire(&[]), None);
    }
}
