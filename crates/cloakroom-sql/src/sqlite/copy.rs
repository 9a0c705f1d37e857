//! A copy's end on a SQLite file: a connection of its own beside the writer, which is kept waiting meanwhile.

use cloakroom_core::account::Account;
use cloakroom_core::ending::EndReason;
use cloakroom_core::service_token::{ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::session::Subject;
use cloakroom_core::store::{StoreError, StoreErrorKind};
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Connection as _, Row as _, Sqlite, SqliteConnection, Transaction};

use super::database::SqliteDatabase;
use super::error::{open_error, store_error};
use super::statements::{
    END_ONE, ENSURE_SEQUENCE, INSERT_ENTRY, INSERT_SERVICE_TOKEN, IS_OUR_RUN, MAKE_COPY_TABLE, MOMENT, REMOVE_ENTRY,
    REMOVE_SUBJECT, RESERVE_POSITION, SET_ALL_ENDED,
};
use super::{login, row};
use crate::copy::{CHUNK, Claimed, End, Entry, Plan, Rows, SessionRow};
use crate::error::OpenError;
use crate::migrate::{self, COPY_TABLE, Dialect as _, Scope};
use crate::statements::{
    ACCOUNTS_BY_SUBJECT_AFTER, BEGIN_COPY, COPY_UNDER_WAY, COUNT_ACCOUNTS, COUNT_ENTRIES, COUNT_SERVICE_TOKENS,
    COUNT_SESSIONS, COUNT_SUBJECTS, END_COPY, ENSURE_SUBJECT, ENTRIES_AFTER, HAS_NO_ACCOUNTS, INSERT_ACCOUNT,
    IS_UNUSED, NEXT_RUN, REMOVE_ACCOUNT, REMOVE_SERVICE_TOKEN, SERVICE_TOKENS_AFTER, SESSIONS_AFTER, SUBJECTS_AFTER,
};
use crate::words::role_word;

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

struct SqliteEnd {
    name: String,
    identity: String,
    connection: SqliteConnection,
    /// At a target: which run of its copy this is.
    run: i64,
}

impl SqliteDatabase {
    pub(crate) async fn new_end(&self) -> Result<Box<dyn End>, OpenError> {
        let failed = |error| open_error(self.name(), error);
        let path = self.path().canonicalize().map_err(|error| failed(sqlx::Error::Io(error)))?;
        let identity = format!("sqlite:{}", path.display());
        Ok(Box::new(SqliteEnd { name: self.name().to_owned(), identity, connection: self.connect().await?, run: 0 }))
    }
}

impl SqliteEnd {
    async fn count(&mut self, statement: &'static str) -> Result<u64, StoreError> {
        let rows: i64 = sqlx::query_scalar(statement).fetch_one(&mut self.connection).await.map_err(store_error)?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    async fn page<T>(
        &mut self,
        statement: Statement<'_>,
        read: impl Fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let page = statement.bind(i64::try_from(CHUNK).unwrap_or(i64::MAX));
        let rows = page.fetch_all(&mut self.connection).await.map_err(store_error)?;
        rows.iter().map(read).collect()
    }

    /// Runs a statement for each row, all in one transaction of the run that is not overtaken; each changes one row.
    async fn change<'q, T>(
        &mut self,
        rows: &'q [T],
        statement: impl Fn(&'q T) -> Statement<'q>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
        check_run(&mut transaction, self.run).await?;
        for row in rows {
            if statement(row).execute(&mut *transaction).await.map_err(store_error)?.rows_affected() != 1 {
                return Err(StoreError::new(StoreErrorKind::Conflict));
            }
        }
        transaction.commit().await.map_err(store_error)
    }

    async fn execute(&mut self, statement: Statement<'_>) -> Result<(), StoreError> {
        statement.execute(&mut self.connection).await.map(drop).map_err(store_error)
    }
}

async fn check_run(connection: &mut SqliteConnection, run: i64) -> Result<(), StoreError> {
    let is_ours: bool = sqlx::query_scalar(IS_OUR_RUN).bind(run).fetch_one(connection).await.map_err(store_error)?;
    if is_ours { Ok(()) } else { Err(StoreError::caused(StoreErrorKind::Conflict, "another copy into it has begun")) }
}

impl Rows<Subject> for SqliteEnd {
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
        Box::pin(self.change(rows, |subject| sqlx::query(ENSURE_SUBJECT).bind(subject.as_str())))
    }

    fn delete<'c>(&'c mut self, keys: &'c [Subject]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys, |subject| sqlx::query(REMOVE_SUBJECT).bind(subject.as_str())))
    }
}

impl Rows<SessionRow> for SqliteEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_SESSIONS))
    }

    fn after(&mut self, key: Option<TokenDigest>) -> BoxFuture<'_, Result<Vec<SessionRow>, StoreError>> {
        Box::pin(async move {
            let after = key.map(|digest| digest.as_bytes().to_vec()).unwrap_or_default();
            self.page(sqlx::query(SESSIONS_AFTER).bind(after), row::digest_and_session).await
        })
    }

    fn insert<'c>(&'c mut self, rows: &'c [SessionRow]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(rows, |SessionRow { digest, session }| login::insertion(digest, session)))
    }

    fn delete<'c>(&'c mut self, keys: &'c [TokenDigest]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys, |digest| sqlx::query(END_ONE).bind(&digest.as_bytes()[..])))
    }
}

impl Rows<Account> for SqliteEnd {
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
        Box::pin(self.change(rows, |account| {
            sqlx::query(INSERT_ACCOUNT)
                .bind(account.subject.as_str())
                .bind(account.login_name.as_str())
                .bind(account.password_hash.as_str())
                .bind(role_word(account.role))
                .bind(account.created_at.as_millis())
                .bind(account.password_changed_at.as_millis())
                .bind(account.disabled_at.map(Timestamp::as_millis))
        }))
    }

    fn delete<'c>(&'c mut self, keys: &'c [Subject]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys, |subject| sqlx::query(REMOVE_ACCOUNT).bind(subject.as_str())))
    }
}

impl Rows<ServiceTokenRecord> for SqliteEnd {
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
        Box::pin(self.change(rows, |token| {
            sqlx::query(INSERT_SERVICE_TOKEN)
                .bind(token.name.as_str())
                .bind(token.digest.as_bytes().as_slice())
                .bind(token.scope.as_str())
                .bind(token.created_at.as_millis())
                .bind(token.last_used_at.map(Timestamp::as_millis))
        }))
    }

    fn delete<'c>(&'c mut self, keys: &'c [ServiceTokenName]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys, |name| sqlx::query(REMOVE_SERVICE_TOKEN).bind(name.as_str())))
    }
}

impl Rows<Entry> for SqliteEnd {
    fn count(&mut self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(self.count(COUNT_ENTRIES))
    }

    fn after(&mut self, key: Option<i64>) -> BoxFuture<'_, Result<Vec<Entry>, StoreError>> {
        Box::pin(self.page(sqlx::query(ENTRIES_AFTER).bind(key.unwrap_or(i64::MIN)), row::entry))
    }

    fn insert<'c>(&'c mut self, rows: &'c [Entry]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(rows, |entry| {
            sqlx::query(INSERT_ENTRY)
                .bind(entry.position)
                .bind(entry.kind.as_str())
                .bind(entry.digest.map(|digest| digest.as_bytes().to_vec()))
                .bind(entry.session.map(|id| id.to_string()))
                .bind(entry.subject.as_ref().map_or("", Subject::as_str))
                .bind(entry.reason.map(EndReason::as_str))
                .bind(entry.at.as_millis())
        }))
    }

    fn delete<'c>(&'c mut self, keys: &'c [i64]) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(self.change(keys, |position| sqlx::query(REMOVE_ENTRY).bind(position)))
    }
}

impl End for SqliteEnd {
    fn name(&self) -> &str {
        &self.name
    }

    fn identity(&mut self) -> BoxFuture<'_, Result<String, OpenError>> {
        Box::pin(std::future::ready(Ok(self.identity.clone())))
    }

    fn scope(&mut self) -> BoxFuture<'_, Result<Scope, OpenError>> {
        Box::pin(migrate::scope(&mut self.connection, &self.name))
    }

    fn freeze(&mut self, _scope: Scope) -> BoxFuture<'_, Result<(), OpenError>> {
        Box::pin(async move {
            let begun = sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await;
            begun.map(drop).map_err(|error| open_error(&self.name, error))
        })
    }

    fn last_position(&mut self) -> BoxFuture<'_, Result<i64, StoreError>> {
        Box::pin(async move {
            let last: Option<i64> =
                sqlx::query_scalar(MOMENT).fetch_optional(&mut self.connection).await.map_err(store_error)?;
            Ok(last.unwrap_or(0))
        })
    }

    fn claim<'c>(&'c mut self, plan: &'c Plan) -> BoxFuture<'c, Result<Claimed, OpenError>> {
        Box::pin(async move {
            let failed = |error| open_error(&self.name, error);
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
            migrate::up(&mut *transaction, plan.scope, &self.name).await?;
            let (claimed, run) = claim(&mut transaction, plan, &self.name).await?;
            if matches!(claimed, Claimed::New | Claimed::Resumed) {
                transaction.commit().await.map_err(failed)?;
                self.run = run;
            }
            Ok(claimed)
        })
    }

    fn seal(&mut self, _scope: Scope) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.execute(sqlx::query("BEGIN IMMEDIATE")).await?;
            check_run(&mut self.connection, self.run).await
        })
    }

    fn finish<'c>(&'c mut self, plan: &'c Plan) -> BoxFuture<'c, Result<(), StoreError>> {
        Box::pin(async move {
            self.execute(sqlx::query(ENSURE_SEQUENCE)).await?;
            let position: i64 = sqlx::query_scalar(RESERVE_POSITION)
                .bind(plan.last_position)
                .fetch_one(&mut self.connection)
                .await
                .map_err(store_error)?;
            // For everyone: where the source was a file, too, its moments are positions below this one.
            self.execute(sqlx::query(SET_ALL_ENDED).bind("").bind(position)).await?;
            self.execute(sqlx::query(END_COPY)).await?;
            self.execute(sqlx::query("COMMIT")).await
        })
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Err(error) = self.connection.close().await {
                tracing::warn!(%error, "closing the database left its log behind; nothing is lost");
            }
        })
    }
}

/// Begins a copy into this file, or goes on with one; says which run of it this is.
async fn claim(
    transaction: &mut Transaction<'_, Sqlite>,
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
