//! Filtered walks on this database: a page of a list, of a count, of an end. What matches, a statement says of a window of rows, and of
//! what is to end the filter itself says it once more, when the rows are locked.

use std::net::IpAddr;

use cloakroom_core::client_address::Network;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, LOOKED_AT_MAX, ListQuery, PAGE_MAX, SessionFilter, SessionPage, StoreError, StoreErrorKind,
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
use crate::statements::{LIST_SESSIONS, WINDOW_END};

/// The rows one page looks at: ids below one, and down to the other, if there may be rows below that.
struct Window {
    below: Uuid,
    end: Option<Uuid>,
}

impl PostgresDatabase {
    pub(crate) async fn session_page(&self, query: ListQuery) -> Result<SessionPage, StoreError> {
        let ListQuery { filter, before, limit } = query;
        let wanted = limit.min(PAGE_MAX);
        if let Some(subject) = &filter.subject {
            let looked_at = if filter.is_selective() { PAGE_MAX } else { wanted };
            let fetched = self.sessions_of_subject(subject, &filter, before, looked_at).await?;
            return Ok(SessionPage::of_subject(fetched, looked_at, &filter, limit));
        }
        // One more than is wanted tells whether there is more.
        let fetched = i64::from(wanted) + 1;
        if !filter.is_selective() {
            let list = sqlx::query(LIST_SESSIONS).bind(start_of(&filter, before)).bind(fetched);
            return Ok(SessionPage::of(self.sessions_by(list).await?, limit, None));
        }
        let window = self.window(&filter, before).await?;
        let found = self.sessions_by(window.bind(MATCHING, &filter).bind(fetched)).await?;
        Ok(SessionPage::of(found, limit, window.next()))
    }

    pub(crate) async fn count_page(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> Result<CountedPage, StoreError> {
        if let Some(subject) = &filter.subject {
            let fetched = self.sessions_of_subject(subject, &filter, before, PAGE_MAX).await?;
            let SessionPage { sessions, next } = SessionPage::of_subject(fetched, PAGE_MAX, &filter, PAGE_MAX);
            return Ok(CountedPage { living: sessions.iter().filter(|it| it.is_living(at)).count() as u64, next });
        }
        let window = self.window(&filter, before).await?;
        let count = window.bind(COUNT_MATCHING, &filter).bind(Time(at));
        let living: i64 = self.fetch_one(count).await?.try_get(0).map_err(store_error)?;
        Ok(CountedPage { living: living.unsigned_abs(), next: window.next() })
    }

    /// Finds them without a lock; then locks those there are and ends those that still match.
    pub(crate) async fn end_page(
        &self,
        query: ListQuery,
        cause: Cause,
        at: Timestamp,
    ) -> Result<EndedPage, StoreError> {
        let filter = query.filter.clone();
        let SessionPage { sessions, next } = self.session_page(query).await?;
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

    async fn window(&self, filter: &SessionFilter, before: Option<SessionId>) -> Result<Window, StoreError> {
        let below = start_of(filter, before);
        let find = sqlx::query(WINDOW_END).bind(below).bind(i64::from(LOOKED_AT_MAX) - 1);
        let end = self.fetch_optional(find).await?.map(|row| row.try_get(0).map_err(store_error)).transpose()?;
        Ok(Window { below, end })
    }

    /// The next so many sessions of a subject, and one more.
    async fn sessions_of_subject(
        &self,
        subject: &Subject,
        filter: &SessionFilter,
        before: Option<SessionId>,
        looked_at: u32,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let list = sqlx::query(LIST_SESSIONS_OF).bind(start_of(filter, before)).bind(i64::from(looked_at) + 1);
        self.sessions_by(list.bind(subject.as_str().to_owned())).await
    }

    async fn sessions_by(&self, statement: Statement<'_>) -> Result<Vec<SessionRecord>, StoreError> {
        self.fetch_all(statement).await?.iter().map(row::session).collect()
    }
}

impl Window {
    fn next(&self) -> Option<SessionId> {
        self.end.map(SessionId::from_uuid)
    }

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
