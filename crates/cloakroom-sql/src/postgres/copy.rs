//! A copy's end on a PostgreSQL server: a connection of its own, and one statement for each chunk of rows.

use std::time::Duration;

use cloakroom_core::account::Account;
use cloakroom_core::ending::EndReason;
use cloakroom_core::service_token::{ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::session::{SessionRecord, Subject};
use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::time::{Timestamp, millis};
use cloakroom_core::token::TokenDigest;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Connection as _, PgConnection, Postgres, Row as _, Transaction};

use super::database::PostgresDatabase;
use super::error::{open_error, store_error};
use super::row;
use super::statements::{
    BEGIN, COPY_LIMITS, END_EACH, FREEZE_ACCOUNTS, FREEZE_SESSIONS, IDENTITY, INSERT_ACCOUNTS, INSERT_ENTRIES,
    INSERT_SERVICE_TOKENS, INSERT_SESSIONS, INSERT_SUBJECTS, IS_OUR_RUN, LAST_POSITION, LOCK_ACCOUNTS, LOCK_COPY,
    LOCK_EVERYONE, LOCK_MIGRATION, LOCK_SERVICE_TOKENS, MAKE_COPY_TABLE, MARK_ALL_ENDED, REMOVE_ACCOUNTS,
    REMOVE_ENTRIES, REMOVE_SERVICE_TOKENS, REMOVE_SUBJECTS, RESERVE_POSITIONS, SEAL_SESSIONS,
};
use super::value::{Address, Span, Time};
use crate::copy::{CHUNK, Claimed, End, Entry, Kept, Plan, Rows, SessionRow};
use crate::error::OpenError;
use crate::migrate::{self, COPY_TABLE, Dialect as _, Scope};
use crate::statements::{
    ACCOUNTS_BY_SUBJECT_AFTER, BEGIN_COPY, COPY_UNDER_WAY, COUNT_ACCOUNTS, COUNT_ENTRIES, COUNT_SERVICE_TOKENS,
    COUNT_SESSIONS, COUNT_SUBJECTS, END_COPY, ENTRIES_AFTER, HAS_NO_ACCOUNTS, IS_UNUSED, NEXT_RUN,
    SERVICE_TOKENS_AFTER, SESSIONS_AFTER, SUBJECTS_AFTER,
};
use crate::words::role_word;

type Statement<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

struct PostgresEnd {
    name: String,
    connection: PgConnection,
    /// At a target: which run of its copy this is.
    run: i64,
}

impl PostgresDatabase {
    pub(crate) async fn new_end(&self) -> Result<Box<dyn End>, OpenError> {
        Ok(Box::new(PostgresEnd { name: self.name().to_owned(), connection: self.connect().await?, run: 0 }))
    }
}

impl PostgresEnd {
    async fn count(&mut self, statement: &'static str) -> Result<u64, StoreError> {
        let rows: i64 = sqlx::query_scalar(statement).fetch_one(&mut self.connection).await.map_err(store_error)?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    async fn page<T>(
        &mut self,
        statement: Statement<'_>,
        read: impl Fn(&PgRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let page = statement.bind(i64::try_from(CHUNK).unwrap_or(i64::MAX));
        let rows = page.fetch_all(&mut self.connection).await.map_err(store_error)?;
        rows.iter().map(read).collect()
    }

    /// Runs a statement that changes so many rows, in a transaction of the run that is not overtaken.
    async fn change(&mut self, rows: usize, statement: Statement<'_>) -> Result<(), StoreError> {
        let mut transaction = self.connection.begin_with(BEGIN).await.map_err(store_error)?;
        check_run(&mut transaction, self.run).await?;
        let changed = statement.execute(&mut *transaction).await.map_err(store_error)?.rows_affected();
        if changed != rows as u64 {
            return Err(StoreError::new(StoreErrorKind::Conflict));
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn execute(&mut self, statement: Statement<'_>) -> Result<(), StoreError> {
        statement.execute(&mut self.connection).await.map(drop).map_err(store_error)
    }
}

async fn check_run(connection: &mut PgConnection, run: i64) -> Result<(), StoreError> {
    let found = sqlx::query(IS_OUR_RUN).bind(run).fetch_optional(connection).await.map_err(store_error)?;
    found.map(drop).ok_or_else(|| StoreError::caused(StoreErrorKind::Conflict, "another copy into it has begun"))
}

/// A time as it will be read back; one that the column cannot hold is refused, because it would be another.
fn time<T: Kept>(time: Timestamp, column: &'static str) -> Result<Time, StoreError> {
    let kept = Time(time);
    if Time::from_wire(kept.to_wire()) == kept { Ok(kept) } else { Err(unfit::<T>(column)) }
}

fn span<T: Kept>(span: Duration, column: &'static str) -> Result<Span, StoreError> {
    millis(span).checked_mul(1000).map(|_| Span(span)).ok_or_else(|| unfit::<T>(column))
}

fn unfit<T: Kept>(column: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt { table: T::TABLE, column })
}

fn bytes(digest: &TokenDigest) -> Vec<u8> {
    digest.as_bytes().to_vec()
}

impl Rows<Subject> for PostgresEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_SUBJECTS))
    }

    fn after(&mut self, key: Option<Subject>) -> BoxFuture<'_, Result<Vec<Subject>, StoreError>> {
        Box::pin(async move {
            let after = key.as_ref().map_or("", Subject::as_str);
            self.page(sqlx::query(SUBJECTS_AFTER).bind(after), row::subject).await
        })
    }

    fn insert<'c>(&'c mut self, rows: &'c [Subject]) -> BoxFuture<'c, Result<(), StoreError>> {
        let subjects: Vec<_> = rows.iter().map(Subject::as_str).collect();
        Box::pin(self.change(rows.len(), sqlx::query(INSERT_SUBJECTS).bind(subjects)))
    }

    fn delete<'c>(&'c mut self, keys: &'c [Subject]) -> BoxFuture<'c, Result<(), StoreError>> {
        let subjects: Vec<_> = keys.iter().map(Subject::as_str).collect();
        Box::pin(self.change(keys.len(), sqlx::query(REMOVE_SUBJECTS).bind(subjects)))
    }
}

impl Rows<SessionRow> for PostgresEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_SESSIONS))
    }

    fn after(&mut self, key: Option<TokenDigest>) -> BoxFuture<'_, Result<Vec<SessionRow>, StoreError>> {
        Box::pin(async move {
            let after = key.as_ref().map(bytes).unwrap_or_default();
            self.page(sqlx::query(SESSIONS_AFTER).bind(after), row::digest_and_session).await
        })
    }

    fn insert<'c>(&'c mut self, rows: &'c [SessionRow]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move { self.change(rows.len(), insert_sessions(rows)?).await })
    }

    fn delete<'c>(&'c mut self, keys: &'c [TokenDigest]) -> BoxFuture<'c, Result<(), StoreError>> {
        let digests: Vec<_> = keys.iter().map(bytes).collect();
        Box::pin(self.change(keys.len(), sqlx::query(END_EACH).bind(digests)))
    }
}

/// The statement that inserts these sessions: an array for each column.
fn insert_sessions(rows: &[SessionRow]) -> Result<Statement<'_>, StoreError> {
    let sessions = || rows.iter().map(|row| &row.session);
    let times = |of: fn(&SessionRecord) -> Timestamp, column| {
        sessions().map(|session| time::<SessionRow>(of(session), column)).collect::<Result<Vec<_>, _>>()
    };
    let idle =
        |session: &SessionRecord| session.idle_timeout.map(|idle| span::<SessionRow>(idle, "idle_timeout")).transpose();
    Ok(sqlx::query(INSERT_SESSIONS)
        .bind(rows.iter().map(|row| bytes(&row.digest)).collect::<Vec<_>>())
        .bind(sessions().map(|session| *session.id.as_uuid()).collect::<Vec<_>>())
        .bind(sessions().map(|session| session.subject.as_str()).collect::<Vec<_>>())
        .bind(times(|session| session.created_at, "created_at")?)
        .bind(times(|session| session.authenticated_at, "authenticated_at")?)
        .bind(times(|session| session.last_seen_at, "last_seen_at")?)
        .bind(sessions().map(idle).collect::<Result<Vec<_>, _>>()?)
        .bind(times(|session| session.absolute_expires_at, "absolute_expires_at")?)
        .bind(sessions().map(|session| session.auth_method.as_str()).collect::<Vec<_>>())
        .bind(sessions().map(|session| session.client.user_agent()).collect::<Vec<_>>())
        .bind(sessions().map(|session| session.client.ip().map(Address)).collect::<Vec<_>>()))
}

impl Rows<Account> for PostgresEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_ACCOUNTS))
    }

    fn after(&mut self, key: Option<Subject>) -> BoxFuture<'_, Result<Vec<Account>, StoreError>> {
        Box::pin(async move {
            let after = key.as_ref().map_or("", Subject::as_str);
            self.page(sqlx::query(ACCOUNTS_BY_SUBJECT_AFTER).bind(after), row::account).await
        })
    }

    fn insert<'c>(&'c mut self, rows: &'c [Account]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move { self.change(rows.len(), insert_accounts(rows)?).await })
    }

    fn delete<'c>(&'c mut self, keys: &'c [Subject]) -> BoxFuture<'c, Result<(), StoreError>> {
        let subjects: Vec<_> = keys.iter().map(Subject::as_str).collect();
        Box::pin(self.change(keys.len(), sqlx::query(REMOVE_ACCOUNTS).bind(subjects)))
    }
}

fn insert_accounts(rows: &[Account]) -> Result<Statement<'_>, StoreError> {
    let times = |of: fn(&Account) -> Timestamp, column| {
        rows.iter().map(|account| time::<Account>(of(account), column)).collect::<Result<Vec<_>, _>>()
    };
    let disabled = |account: &Account| account.disabled_at.map(|at| time::<Account>(at, "disabled_at")).transpose();
    Ok(sqlx::query(INSERT_ACCOUNTS)
        .bind(rows.iter().map(|account| account.subject.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|account| account.login_name.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|account| account.password_hash.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|account| role_word(account.role)).collect::<Vec<_>>())
        .bind(times(|account| account.created_at, "created_at")?)
        .bind(times(|account| account.password_changed_at, "password_changed_at")?)
        .bind(rows.iter().map(disabled).collect::<Result<Vec<_>, _>>()?))
}

impl Rows<ServiceTokenRecord> for PostgresEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_SERVICE_TOKENS))
    }

    fn after(&mut self, key: Option<ServiceTokenName>) -> BoxFuture<'_, Result<Vec<ServiceTokenRecord>, StoreError>> {
        Box::pin(async move {
            let after = key.as_ref().map_or("", ServiceTokenName::as_str);
            self.page(sqlx::query(SERVICE_TOKENS_AFTER).bind(after), row::service_token).await
        })
    }

    fn insert<'c>(&'c mut self, rows: &'c [ServiceTokenRecord]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move { self.change(rows.len(), insert_service_tokens(rows)?).await })
    }

    fn delete<'c>(&'c mut self, keys: &'c [ServiceTokenName]) -> BoxFuture<'c, Result<(), StoreError>> {
        let names: Vec<_> = keys.iter().map(ServiceTokenName::as_str).collect();
        Box::pin(self.change(keys.len(), sqlx::query(REMOVE_SERVICE_TOKENS).bind(names)))
    }
}

fn insert_service_tokens(rows: &[ServiceTokenRecord]) -> Result<Statement<'_>, StoreError> {
    let created = |token: &ServiceTokenRecord| time::<ServiceTokenRecord>(token.created_at, "created_at");
    let used = |token: &ServiceTokenRecord| {
        token.last_used_at.map(|at| time::<ServiceTokenRecord>(at, "last_used_at")).transpose()
    };
    Ok(sqlx::query(INSERT_SERVICE_TOKENS)
        .bind(rows.iter().map(|token| token.name.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|token| token.digest.as_bytes().to_vec()).collect::<Vec<_>>())
        .bind(rows.iter().map(|token| token.scope.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(created).collect::<Result<Vec<_>, _>>()?)
        .bind(rows.iter().map(used).collect::<Result<Vec<_>, _>>()?))
}

impl Rows<Entry> for PostgresEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_ENTRIES))
    }

    fn after(&mut self, key: Option<i64>) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.page(sqlx::query(ENTRIES_AFTER).bind(key.unwrap_or(i64::MIN)), row::entry))
    }

    fn insert<'c>(&'c mut self, rows: &'c [Entry]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move { self.change(rows.len(), insert_entries(rows)?).await })
    }

    fn delete<'c>(&'c mut self, keys: &'c [i64]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys.len(), sqlx::query(REMOVE_ENTRIES).bind(keys)))
    }
}

fn insert_entries(rows: &[Entry]) -> Result<Statement<'_>, StoreError> {
    let times = rows.iter().map(|entry| time::<Entry>(entry.at, "at")).collect::<Result<Vec<_>, _>>()?;
    Ok(sqlx::query(INSERT_ENTRIES)
        .bind(rows.iter().map(|entry| entry.position).collect::<Vec<_>>())
        .bind(rows.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>())
        .bind(rows.iter().map(|entry| entry.digest.as_ref().map(bytes)).collect::<Vec<_>>())
        .bind(rows.iter().map(|entry| entry.session.map(|id| *id.as_uuid())).collect::<Vec<_>>())
        .bind(rows.iter().map(|entry| entry.subject.as_ref().map_or("", Subject::as_str)).collect::<Vec<_>>())
        .bind(rows.iter().map(|entry| entry.reason.map(EndReason::as_str)).collect::<Vec<_>>())
        .bind(times))
}

impl End for PostgresEnd {
    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&mut self) -> BoxFuture<'_, Result<String, OpenError>> {
        Box::pin(async move {
            let identity = sqlx::query_scalar(IDENTITY).fetch_one(&mut self.connection).await;
            identity.map_err(|error| open_error(&self.name, error))
        })
    }

    fn scope(&mut self) -> BoxFuture<'_, Result<Scope, OpenError>> {
        Box::pin(migrate::scope(&mut self.connection, &self.name))
    }

    fn freeze(&mut self, scope: Scope) -> BoxFuture<'_, Result<(), OpenError>> {
        let accounts = (scope == Scope::Everything).then_some(FREEZE_ACCOUNTS);
        Box::pin(async move {
            for statement in [BEGIN, COPY_LIMITS].into_iter().chain(accounts).chain([FREEZE_SESSIONS]) {
                let done = sqlx::query(statement).execute(&mut self.connection).await;
                done.map_err(|error| open_error(&self.name, error))?;
            }
            Ok(())
        })
    }

    fn last_position(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(
            async move { sqlx::query_scalar(LAST_POSITION).fetch_one(&mut self.connection).await.map_err(store_error) },
        )
    }

    fn claim<'c>(&'c mut self, plan: &'c Plan) -> BoxFuture<'c, Result<Claimed, OpenError>> {
        Box::pin(async move {
            let failed = |error| open_error(&self.name, error);
            let mut transaction = self.connection.begin_with(BEGIN).await.map_err(failed)?;
            for statement in [COPY_LIMITS, LOCK_MIGRATION] {
                sqlx::query(statement).execute(&mut *transaction).await.map_err(failed)?;
            }
            migrate::up(&mut *transaction, plan.scope, &self.name).await?;
            let (claimed, run) = claim(&mut transaction, plan, &self.name).await?;
            if matches!(claimed, Claimed::New | Claimed::Resumed) {
                let reserve = sqlx::query(RESERVE_POSITIONS).bind(plan.last_position);
                reserve.execute(&mut *transaction).await.map_err(failed)?;
                transaction.commit().await.map_err(failed)?;
                self.run = run;
            }
            Ok(claimed)
        })
    }

    fn seal(&mut self, scope: Scope) -> BoxFuture<'_, Result<(), StoreError>> {
        let accounts = (scope == Scope::Everything).then_some([LOCK_ACCOUNTS, LOCK_SERVICE_TOKENS]);
        Box::pin(async move {
            let first = [BEGIN, COPY_LIMITS, LOCK_COPY, LOCK_EVERYONE];
            for statement in first.into_iter().chain(accounts.into_iter().flatten()).chain([SEAL_SESSIONS]) {
                self.execute(sqlx::query(statement)).await?;
            }
            check_run(&mut self.connection, self.run).await
        })
    }

    fn finish<'c>(&'c mut self, _plan: &'c Plan) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move {
            // For everyone: where the source is on the same server, its moments are snapshots that do not see this.
            self.execute(sqlx::query(MARK_ALL_ENDED).bind("")).await?;
            self.execute(sqlx::query(END_COPY)).await?;
            self.execute(sqlx::query("COMMIT")).await
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(error) = self.connection.close().await {
                tracing::warn!(%error, "the connection of the copy did not close; everything was committed before");
            }
        })
    }
}

/// Begins a copy into these tables, or goes on with one; says which run of it this is.
async fn claim(
    transaction: &mut Transaction<'_, Postgres>,
    plan: &Plan,
    name: &str,
) -> Result<(Claimed, i64), OpenError> {
    let failed = |error| open_error(name, error);
    if transaction.has_table(COPY_TABLE).await.map_err(failed)? {
        let under_way = sqlx::query(COPY_UNDER_WAY).fetch_one(&mut **transaction).await.map_err(failed)?;
        if under_way.try_get::<&str, _>("source").map_err(failed)? != plan.source {
            return Ok((Claimed::OfAnother(under_way.try_get("source_name").map_err(failed)?), 0));
        }
        let run = sqlx::query_scalar(NEXT_RUN).fetch_one(&mut **transaction).await.map_err(failed)?;
        return Ok((Claimed::Resumed, run));
    }
    let is_unused: bool = sqlx::query_scalar(IS_UNUSED).fetch_one(&mut **transaction).await.map_err(failed)?;
    let has_no_accounts = migrate::scope(&mut **transaction, name).await? == Scope::Sessions
        || sqlx::query_scalar(HAS_NO_ACCOUNTS).fetch_one(&mut **transaction).await.map_err(failed)?;
    if !is_unused || !has_no_accounts {
        return Ok((Claimed::InUse, 0));
    }
    sqlx::query(MAKE_COPY_TABLE).execute(&mut **transaction).await.map_err(failed)?;
    let begin = sqlx::query(BEGIN_COPY).bind(&plan.source).bind(&plan.source_name);
    begin.execute(&mut **transaction).await.map_err(failed)?;
    Ok((Claimed::New, 1))
}
