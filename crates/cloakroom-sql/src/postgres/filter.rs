//! Filtered walks on this database: a page of a list, of a count, of an end. What matches, a statement says of a window of rows, and of
//! what is to end the filter itself says it once more, when the rows are locked.

use std::net::IpAddr;

use cloakroom_core::client_address::Network;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    EndedPage, LOOKED_AT_MAX, ListQuery, SessionFilter, SessionPage, StoreError, StoreErrorKind,
};
use cloakroom_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::connection::Statement;
use super::database::PostgresDatabase;
use super::error::store_error;
use super::feed::Cause;
use super::row;
use super::statements::{COUNT_MATCHING, END_IDS, LIST_SESSIONS_OF, LOCK_IDS, MATCHING};
use super::value::Time;
use crate::filter::{Walked, session_page};
use crate::statements::{LIST_SESSIONS, WINDOW_END};

/// The rows one page looks at: ids below one, and down to the other, if there may be rows below that.
pub(crate) struct Window {
    below: Uuid,
    end: Option<Uuid>,
}

impl PostgresDatabase {
    /// Finds them without a lock; then locks those there are and ends those that still match.
    pub(crate) async fn end_page(
        &self,
        query: ListQuery,
        cause: Cause,
        at: Timestamp,
    ) -> Result<EndedPage, StoreError> {
        let filter = query.filter.clone();
        let SessionPage { sessions, next } = session_page(self, query).await?;
        if sessions.is_empty() {
            return Ok(EndedPage { ended: 0, next });
        }
        let ids: Vec<_> = sessions.iter().map(|session| *session.id.as_uuid()).collect();
        let (ids, filter) = (&ids, &filter);
        let ended = self.transaction(move |connection| {
            let (ids, filter) = (ids.clone(), filter.clone());
            Box::pin(end_those(connection, ids, filter, cause, at))
        });
        Ok(EndedPage { ended: ended.await?, next })
    }

    async fn sessions_by(&self, statement: Statement<'_>) -> Result<Vec<SessionRecord>, StoreError> {
        self.fetch_all(statement).await?.iter().map(row::session).collect()
    }
}

impl Walked for PostgresDatabase {
    type Window = Window;

    async fn window(&self, filter: &SessionFilter, before: Option<SessionId>) -> Result<Window, StoreError> {
        let below = start_of(filter, before);
        let find = sqlx::query(WINDOW_END).bind(below).bind(i64::from(LOOKED_AT_MAX) - 1);
        let end = self.fetch_optional(find).await?.map(|row| row.try_get(0).map_err(store_error)).transpose()?;
        Ok(Window { below, end })
    }

    fn next(window: &Window) -> Option<SessionId> {
        window.end.map(SessionId::from_uuid)
    }

    async fn matching(
        &self,
        window: &Window,
        filter: &SessionFilter,
        limit: i64,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.sessions_by(window.bind(MATCHING, filter).bind(limit)).await
    }

    async fn count_matching(&self, window: &Window, filter: &SessionFilter, at: Timestamp) -> Result<i64, StoreError> {
        let count = window.bind(COUNT_MATCHING, filter).bind(Time(at));
        self.fetch_one(count).await?.try_get(0).map_err(store_error)
    }

    async fn sessions_below(
        &self,
        filter: &SessionFilter,
        before: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        self.sessions_by(sqlx::query(LIST_SESSIONS).bind(start_of(filter, before)).bind(limit)).await
    }

    async fn sessions_of_subject(
        &self,
        subject: &Subject,
        filter: &SessionFilter,
        before: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let list = sqlx::query(LIST_SESSIONS_OF).bind(start_of(filter, before)).bind(limit);
        self.sessions_by(list.bind(subject.as_str().to_owned())).await
    }
}

impl Window {
    /// Binds the first six parameters.
    fn bind(&self, statement: &'static str, filter: &SessionFilter) -> Statement<'static> {
        sqlx::query(statement)
            .bind(self.below)
            .bind(self.end.unwrap_or(Uuid::nil()))
            .bind(filter.created_before.map(Time))
            .bind(filter.auth_method.as_ref().map(|method| method.as_str().to_owned()))
            .bind(filter.browser.as_ref().map(|piece| piece.as_str().to_owned()))
            .bind(filter.network.as_ref().map(written))
    }
}

async fn end_those(
    connection: &mut PgConnection,
    found: Vec<Uuid>,
    filter: SessionFilter,
    cause: Cause,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let rows = sqlx::query(LOCK_IDS).bind(found).fetch_all(&mut *connection).await.map_err(store_error)?;
    let mut doomed = rows.iter().map(row::session).collect::<Result<Vec<_>, _>>()?;
    doomed.retain(|session| filter.matches(session));
    if doomed.is_empty() {
        return Ok(0);
    }
    cause.tell(connection).await?;
    let ids: Vec<_> = doomed.iter().map(|session| *session.id.as_uuid()).collect();
    let deleted = sqlx::query(END_IDS).bind(ids).execute(connection).await.map_err(store_error)?.rows_affected();
    if deleted != doomed.len() as u64 {
        return Err(StoreError::new(StoreErrorKind::Conflict)); // they are locked
    }
    Ok(doomed.iter().filter(|session| session.is_living(at)).count() as u64)
}

fn start_of(filter: &SessionFilter, before: Option<SessionId>) -> Uuid {
    filter.start(before).map_or(Uuid::max(), |id| *id.as_uuid())
}

/// A network as it may stand in the database: a network of IPv4 also in the clothes of IPv6.
fn written(network: &Network) -> Vec<String> {
    let (address, bits) = network.parts();
    let mapped = match address {
        IpAddr::V4(address) => Some(format!("{}/{}", address.to_ipv6_mapped(), u32::from(bits) + 96)),
        IpAddr::V6(_) => None,
    };
    std::iter::once(network.to_string()).chain(mapped).collect()
}
