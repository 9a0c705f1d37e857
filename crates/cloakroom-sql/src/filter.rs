//! Filtered walks, the same on both databases: a page of a list, a page of a count. Which rows a page looks at, and what a statement
//! says of them, each database knows itself.

use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{CountedPage, ListQuery, PAGE_MAX, SessionFilter, SessionPage, StoreError};
use cloakroom_core::time::Timestamp;

/// A database whose sessions can be walked, newest first, from below an id on.
pub(crate) trait Walked: Sync {
    /// The rows one page looks at.
    type Window: Send + Sync;

    /// The next rows to look at.
    fn window(
        &self,
        filter: &SessionFilter,
        before: Option<SessionId>,
    ) -> impl Future<Output = Result<Self::Window, StoreError>> + Send;
    /// The last id of a window, if there may be rows below it.
    fn next(window: &Self::Window) -> Option<SessionId>;
    /// At most so many sessions of a window that match.
    fn matching(
        &self,
        window: &Self::Window,
        filter: &SessionFilter,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;
    /// How many sessions of a window match and are living.
    fn count_matching(
        &self,
        window: &Self::Window,
        filter: &SessionFilter,
        at: Timestamp,
    ) -> impl Future<Output = Result<i64, StoreError>> + Send;
    /// The next so many sessions, whatever they are.
    fn sessions_below(
        &self,
        filter: &SessionFilter,
        before: Option<SessionId>,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;
    /// The next so many sessions of a subject.
    fn sessions_of_subject(
        &self,
        subject: &Subject,
        filter: &SessionFilter,
        before: Option<SessionId>,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<SessionRecord>, StoreError>> + Send;
}

/// A page of a list.
pub(crate) async fn session_page<W: Walked>(database: &W, query: ListQuery) -> Result<SessionPage, StoreError> {
    let ListQuery { filter, before, limit } = query;
    let wanted = limit.min(PAGE_MAX);
    if let Some(subject) = &filter.subject {
        let looked_at = if filter.is_selective() { PAGE_MAX } else { wanted };
        let fetched = database.sessions_of_subject(subject, &filter, before, i64::from(looked_at) + 1).await?;
        return Ok(SessionPage::of_subject(fetched, looked_at, &filter, limit));
    }
    // One more than is wanted tells whether there is more.
    let fetched = i64::from(wanted) + 1;
    if !filter.is_selective() {
        return Ok(SessionPage::of(database.sessions_below(&filter, before, fetched).await?, limit, None));
    }
    let window = database.window(&filter, before).await?;
    let found = database.matching(&window, &filter, fetched).await?;
    Ok(SessionPage::of(found, limit, W::next(&window)))
}

/// A page of a count.
pub(crate) async fn count_page<W: Walked>(
    database: &W,
    filter: SessionFilter,
    before: Option<SessionId>,
    at: Timestamp,
) -> Result<CountedPage, StoreError> {
    if let Some(subject) = &filter.subject {
        let fetched = database.sessions_of_subject(subject, &filter, before, i64::from(PAGE_MAX) + 1).await?;
        let SessionPage { sessions, next } = SessionPage::of_subject(fetched, PAGE_MAX, &filter, PAGE_MAX);
        return Ok(CountedPage { living: sessions.iter().filter(|it| it.is_living(at)).count() as u64, next });
    }
    let window = database.window(&filter, before).await?;
    let living = database.count_matching(&window, &filter, at).await?;
    Ok(CountedPage { living: living.unsigned_abs(), next: W::next(&window) })
}
