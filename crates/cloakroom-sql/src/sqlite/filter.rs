//! Filtered walks on this database: a page of a list, of a count, of an end. What matches, a statement says of a window of rows, and of
//! what is to end the filter itself says it once more, in the writer's transaction.

use std::net::IpAddr;

use cloakroom_core::client_address::Network;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    CountedPage, EndedPage, LOOKED_AT_MAX, ListQuery, PAGE_MAX, SessionFilter, SessionPage, StoreError, StoreErrorKind,
};
use cloakroom_core::time::Timestamp;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed::{self, Cause};
use super::row;
use super::statements::{
    ADDRESSES, ADDRESSES_OF, COUNT_MATCHING, COUNT_MATCHING_OF, END_IDS, ID_MAX, MATCHING, MATCHING_OF, SESSIONS_OF_IDS,
};
use crate::statements::{LIST_SESSIONS, LIST_SESSIONS_OF, WINDOW_END, WINDOW_END_OF};

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// The rows one page looks at: ids below one, and down to the other.
struct Window {
    below: String,
    /// The last id, if there may be rows below it.
    end: Option<SessionId>,
    /// As a JSON array, the addresses in it that lie in the filter's network, if it has one.
    addresses: Option<String>,
}

impl SqliteDatabase {
    pub(crate) async fn session_page(&self, query: ListQuery) -> Result<SessionPage, StoreError> {
        let ListQuery { filter, before, limit } = query;
        // One more than is wanted tells whether there is more.
        let fetched = i64::from(limit.min(PAGE_MAX)) + 1;
        if !filter.is_selective() {
            let list = sqlx::query(if filter.subject.is_some() { LIST_SESSIONS_OF } else { LIST_SESSIONS });
            let list = of_subject(list.bind(start_of(&filter, before)).bind(fetched), filter.subject.as_ref());
            return Ok(SessionPage::of(self.sessions_of(list).await?, limit, None));
        }
        let window = self.window(&filter, before).await?;
        let list = window.bind(if filter.subject.is_some() { MATCHING_OF } else { MATCHING }, &filter).bind(fetched);
        let found = self.sessions_of(of_subject(list, filter.subject.as_ref())).await?;
        Ok(SessionPage::of(found, limit, window.end))
    }

    pub(crate) async fn count_page(
        &self,
        filter: SessionFilter,
        before: Option<SessionId>,
        at: Timestamp,
    ) -> Result<CountedPage, StoreError> {
        let window = self.window(&filter, before).await?;
        let statement = if filter.subject.is_some() { COUNT_MATCHING_OF } else { COUNT_MATCHING };
        let count = of_subject(window.bind(statement, &filter).bind(at.as_millis()), filter.subject.as_ref());
        let row = count.fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
        let living: i64 = row.try_get(0).map_err(store_error)?;
        Ok(CountedPage { living: living.unsigned_abs(), next: window.end })
    }

    /// A reader finds them; the writer then ends those of them that still match.
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
        let found = json_of(sessions.iter().map(|session| session.id.to_string()));
        let ended =
            self.writer().run(move |connection| Box::pin(end_those(connection, found, filter, cause, at))).await?;
        Ok(EndedPage { ended, next })
    }

    async fn window(&self, filter: &SessionFilter, before: Option<SessionId>) -> Result<Window, StoreError> {
        let below = start_of(filter, before);
        let find = sqlx::query_scalar(if filter.subject.is_some() { WINDOW_END_OF } else { WINDOW_END });
        let find = find.bind(below.clone()).bind(i64::from(LOOKED_AT_MAX) - 1);
        let find = match &filter.subject {
            Some(subject) => find.bind(subject.as_str().to_owned()),
            None => find,
        };
        let end: Option<String> = find.fetch_optional(&self.readers().pool()?).await.map_err(store_error)?;
        let corrupt = |_| StoreError::new(StoreErrorKind::Corrupt { table: "sessions", column: "id" });
        let end = end.as_deref().map(str::parse).transpose().map_err(corrupt)?;
        let mut window = Window { below, end, addresses: None };
        if let Some(network) = filter.network {
            window.addresses = Some(self.addresses(&window, network, filter.subject.as_ref()).await?);
        }
        Ok(window)
    }

    /// Which addresses of a window lie in a network.
    async fn addresses(
        &self,
        window: &Window,
        network: Network,
        subject: Option<&Subject>,
    ) -> Result<String, StoreError> {
        let find = sqlx::query(if subject.is_some() { ADDRESSES_OF } else { ADDRESSES });
        let find = of_subject(find.bind(window.below.clone()).bind(window.last()), subject);
        let row = find.fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
        let all: Option<String> = row.try_get(0).map_err(store_error)?;
        let is_in = |text: &&str| text.parse::<IpAddr>().is_ok_and(|address| network.contains(address));
        Ok(json_of(all.as_deref().unwrap_or_default().split(',').filter(is_in)))
    }

    async fn sessions_of(&self, statement: Statement<'_>) -> Result<Vec<SessionRecord>, StoreError> {
        let rows = statement.fetch_all(&self.readers().pool()?).await.map_err(store_error)?;
        rows.iter().map(row::session).collect()
    }
}

impl Window {
    /// The last id in it; before the first of all, where it reaches down to the end.
    fn last(&self) -> String {
        self.end.map_or_else(String::new, |id| id.to_string())
    }

    /// Binds the first six parameters.
    fn bind(&self, statement: &'static str, filter: &SessionFilter) -> Statement<'static> {
        sqlx::query(statement)
            .bind(self.below.clone())
            .bind(self.last())
            .bind(filter.created_before.map(Timestamp::as_millis))
            .bind(filter.auth_method.as_ref().map(|method| method.as_str().to_owned()))
            .bind(filter.browser.as_ref().map(|piece| piece.as_str().to_owned()))
            .bind(self.addresses.clone())
    }
}

async fn end_those(
    connection: &mut SqliteConnection,
    found: String,
    filter: SessionFilter,
    cause: Cause,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let rows = sqlx::query(SESSIONS_OF_IDS).bind(found).fetch_all(&mut *connection).await.map_err(store_error)?;
    let mut doomed = rows.iter().map(row::session).collect::<Result<Vec<_>, _>>()?;
    doomed.retain(|session| filter.matches(session));
    if doomed.is_empty() {
        return Ok(0);
    }
    let ids = json_of(doomed.iter().map(|session| session.id.to_string()));
    cause.tell(connection).await?;
    let deleted = sqlx::query(END_IDS).bind(ids).execute(&mut *connection).await.map_err(store_error)?.rows_affected();
    feed::forget(connection).await?;
    if deleted != doomed.len() as u64 {
        return Err(StoreError::new(StoreErrorKind::Conflict)); // nobody else writes in between
    }
    Ok(doomed.iter().filter(|session| session.is_living(at)).count() as u64)
}

fn start_of(filter: &SessionFilter, before: Option<SessionId>) -> String {
    filter.start(before).map_or_else(|| ID_MAX.to_owned(), |id| id.to_string())
}

fn of_subject<'q>(statement: Statement<'q>, subject: Option<&Subject>) -> Statement<'q> {
    match subject {
        Some(subject) => statement.bind(subject.as_str().to_owned()),
        None => statement,
    }
}

/// A JSON array of ids or addresses, which have nothing in them to escape.
fn json_of(texts: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut array = String::from("[");
    for text in texts {
        let before = if array.len() > 1 { ",\"" } else { "\"" };
        array.extend([before, text.as_ref(), "\""]);
    }
    array.push(']');
    array
}
