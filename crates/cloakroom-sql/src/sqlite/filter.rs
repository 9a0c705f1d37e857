//! Filtered walks on this database: a page of a list, of a count, of an end. What matches, a statement says of a window of rows, and of
//! what is to end the filter itself says it once more, in the writer's transaction.

use std::net::IpAddr;

use cloakroom_core::client_address::Network;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{
    EndedPage, LOOKED_AT_MAX, ListQuery, SessionFilter, SessionPage, StoreError, StoreErrorKind,
};
use cloakroom_core::time::Timestamp;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Row as _, Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::feed::{self, Cause};
use super::row;
use super::statements::{ADDRESSES, COUNT_MATCHING, END_IDS, ID_MAX, LIST_SESSIONS_OF, MATCHING, SESSIONS_OF_IDS};
use crate::filter::{Walked, session_page};
use crate::statements::{LIST_SESSIONS, WINDOW_END};

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// The rows one page looks at: ids below one, and down to the other.
pub(crate) struct Window {
    below: String,
    /// The last id, if there may be rows below it.
    end: Option<SessionId>,
    /// As a JSON array, the addresses in it that lie in the filter's network, if it has one.
    addresses: Option<String>,
}

impl SqliteDatabase {
    /// A reader finds them; the writer then ends those of them that still match.
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
        let found = json_of(sessions.iter().map(|session| session.id.to_string()));
        let ended =
            self.writer().run(move |connection| Box::pin(end_those(connection, found, filter, cause, at))).await?;
        Ok(EndedPage { ended, next })
    }

    /// Which addresses of a window lie in a network.
    async fn addresses(&self, window: &Window, network: Network) -> Result<String, StoreError> {
        let find = sqlx::query(ADDRESSES).bind(window.below.clone()).bind(window.last());
        let row = find.fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
        let all: Option<String> = row.try_get(0).map_err(store_error)?;
        let is_in = |text: &&str| text.parse::<IpAddr>().is_ok_and(|address| network.contains(address));
        Ok(json_of(all.as_deref().unwrap_or_default().split(',').filter(is_in)))
    }

    async fn sessions_by(&self, statement: Statement<'_>) -> Result<Vec<SessionRecord>, StoreError> {
        let rows = statement.fetch_all(&self.readers().pool()?).await.map_err(store_error)?;
        rows.iter().map(row::session).collect()
    }
}

impl Walked for SqliteDatabase {
    type Window = Window;

    async fn window(&self, filter: &SessionFilter, before: Option<SessionId>) -> Result<Window, StoreError> {
        let below = start_of(filter, before);
        let find = sqlx::query_scalar(WINDOW_END).bind(below.clone()).bind(i64::from(LOOKED_AT_MAX) - 1);
        let end: Option<String> = find.fetch_optional(&self.readers().pool()?).await.map_err(store_error)?;
        let corrupt = |_| StoreError::new(StoreErrorKind::Corrupt { table: "sessions", column: "id" });
        let end = end.as_deref().map(str::parse).transpose().map_err(corrupt)?;
        let mut window = Window { below, end, addresses: None };
        if let Some(network) = filter.network {
            window.addresses = Some(self.addresses(&window, network).await?);
        }
        Ok(window)
    }

    fn next(window: &Window) -> Option<SessionId> {
        window.end
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
        let count = window.bind(COUNT_MATCHING, filter).bind(at.as_millis());
        let row = count.fetch_one(&self.readers().pool()?).await.map_err(store_error)?;
        row.try_get(0).map_err(store_error)
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

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    use super::*;

    /// A page looks at no row outside its window, and sorts none: the plan says so, whatever there is in the table.
    #[tokio::test]
    async fn every_statement_goes_by_an_index_and_none_sorts() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql(include_str!("../migrations/sqlite/0001_sessions.up.sql"))
            .execute(&mut connection)
            .await
            .unwrap();
        let (by_id, by_subject) = ("sqlite_autoindex_sessions_2 (id", "sessions_by_subject (subject=? AND id");
        for (statement, index) in [
            (LIST_SESSIONS, by_id),
            (LIST_SESSIONS_OF, by_subject),
            (WINDOW_END, by_id),
            (MATCHING, by_id),
            (COUNT_MATCHING, by_id),
            (ADDRESSES, by_id),
            (SESSIONS_OF_IDS, by_id),
            (END_IDS, by_id),
        ] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let rows = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            let plan = plan.join("\n");
            assert!(plan.contains("SEARCH sessions USING") && plan.contains(index), "{statement}:\n{plan}");
            assert!(!plan.contains("SCAN sessions") && !plan.contains("FOR ORDER BY"), "{statement}:\n{plan}");
        }
    }
}
