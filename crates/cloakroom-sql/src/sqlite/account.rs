//! The account store on this database. What ends sessions does so in the account's own transaction.

use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::{EventId, SecurityEvent};
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{
    AccountAct, AccountStore, Administration, Changed, Created, EventQuery, PAGE_MAX, PasswordChange, Precedence,
    StoreError, StoreErrorKind, StoreFuture,
};
use cloakroom_core::throttle::{Admission, Claims, CounterKey, Step};
use cloakroom_core::time::Timestamp;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::database::SqliteDatabase;
use super::error::store_error;
use super::statements::PASSWORD_HASH;
use super::{event, feed, row, throttle};
use crate::statements::{
    ACCOUNT_BY_LOGIN_NAME, ACCOUNT_BY_SUBJECT, ACCOUNTS_AFTER, ANY_ACCOUNT, DISABLE_ACCOUNT, ENABLE_ACCOUNT,
    FORGET_COUNTER, INSERT_ACCOUNT, IS_ACCOUNT_TAKEN, IS_ADMINISTRATOR, REHASH, REMOVE_ACCOUNT, SET_PASSWORD,
};
use crate::words::role_word;

impl AccountStore for SqliteDatabase {
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created> {
        Box::pin(self.writer().run(move |connection| Box::pin(create(connection, account, precedence))))
    }

    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move { self.account(sqlx::query(ACCOUNT_BY_LOGIN_NAME).bind(name.as_str())).await })
    }

    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move { self.account(sqlx::query(ACCOUNT_BY_SUBJECT).bind(subject.as_str())).await })
    }

    fn any(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            sqlx::query_scalar(ANY_ACCOUNT).fetch_one(&self.readers().pool()?).await.map_err(store_error)
        })
    }

    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>> {
        Box::pin(async move {
            let rows = sqlx::query(ACCOUNTS_AFTER)
                .bind(after.as_ref().map_or("", LoginName::as_str))
                .bind(i64::from(limit.min(PAGE_MAX)))
                .fetch_all(&self.readers().pool()?)
                .await
                .map_err(store_error)?;
            rows.iter().map(row::account).collect()
        })
    }

    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(change_password(connection, change))))
    }

    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let rehash = sqlx::query(REHASH).bind(new.as_str()).bind(subject.as_str()).bind(old.as_str());
                found_one(connection, rehash).await
            })
        }))
    }

    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(disable(connection, subject, at))))
    }

    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(enable(connection, subject))))
    }

    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(remove(connection, subject, at))))
    }

    fn administrate(&self, administration: Administration) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(administrate(connection, administration))))
    }

    fn count(&self, claims: Claims, step: Step, at: Timestamp) -> StoreFuture<'_, Admission> {
        Box::pin(self.writer().run(move |connection| Box::pin(throttle::count(connection, claims, step, at))))
    }

    fn locked(&self, limit: u32) -> StoreFuture<'_, Vec<CounterKey>> {
        Box::pin(async move { throttle::locked(&self.readers().pool()?, limit).await })
    }

    fn forget_counter(&self, key: CounterKey) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(
                async move { found_one(connection, sqlx::query(FORGET_COUNTER).bind(key.as_bytes().as_slice())).await },
            )
        }))
    }

    fn purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.writer().run(move |connection| Box::pin(throttle::purge(connection, at, max, chunk))))
    }

    fn record(&self, events: Vec<SecurityEvent>) -> StoreFuture<'_, ()> {
        Box::pin(self.writer().run(move |connection| Box::pin(event::record(connection, events))))
    }

    fn events(&self, query: EventQuery) -> StoreFuture<'_, Vec<SecurityEvent>> {
        Box::pin(async move { event::list(&self.readers().pool()?, query).await })
    }

    fn purge_events(&self, before: EventId, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(self.writer().run(move |connection| Box::pin(event::purge(connection, before, max, chunk))))
    }
}

type Statement<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

impl SqliteDatabase {
    async fn account(&self, statement: Statement<'_>) -> Result<Option<Account>, StoreError> {
        let row = statement.fetch_optional(&self.readers().pool()?).await.map_err(store_error)?;
        row.as_ref().map(row::account).transpose()
    }
}

/// Changes the one row a statement names; `false` if there is none.
async fn found_one(connection: &mut SqliteConnection, statement: Statement<'_>) -> Result<bool, StoreError> {
    match statement.execute(connection).await.map_err(store_error)?.rows_affected() {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::new(StoreErrorKind::Conflict)),
    }
}

/// Changes an account and, if there is one, ends everything of its subject.
async fn change_and_end(
    connection: &mut SqliteConnection,
    statement: Statement<'_>,
    subject: &Subject,
    reason: EndReason,
    at: Timestamp,
) -> Result<Changed, StoreError> {
    if !found_one(connection, statement).await? {
        return Ok(Changed::Missing);
    }
    Ok(Changed::Done { ended: feed::end_subject(connection, subject, None, reason, at).await? })
}

async fn disable(connection: &mut SqliteConnection, subject: Subject, at: Timestamp) -> Result<Changed, StoreError> {
    let disable = sqlx::query(DISABLE_ACCOUNT).bind(at.as_millis()).bind(subject.as_str());
    change_and_end(connection, disable, &subject, EndReason::AccountDisabled, at).await
}

async fn enable(connection: &mut SqliteConnection, subject: Subject) -> Result<Changed, StoreError> {
    let found = found_one(connection, sqlx::query(ENABLE_ACCOUNT).bind(subject.as_str())).await?;
    Ok(if found { Changed::Done { ended: 0 } } else { Changed::Missing })
}

async fn remove(connection: &mut SqliteConnection, subject: Subject, at: Timestamp) -> Result<Changed, StoreError> {
    let remove = sqlx::query(REMOVE_ACCOUNT).bind(subject.as_str());
    change_and_end(connection, remove, &subject, EndReason::AccountRemoved, at).await
}

/// The one writer decides and changes; nobody else writes in between.
async fn administrate(
    connection: &mut SqliteConnection,
    administration: Administration,
) -> Result<Changed, StoreError> {
    let Administration { subject, by, act, at } = administration;
    let may = sqlx::query_scalar(IS_ADMINISTRATOR).bind(by.as_str()).fetch_one(&mut *connection);
    if by == subject || !may.await.map_err(store_error)? {
        return Ok(Changed::Conflict);
    }
    match act {
        AccountAct::Disable => disable(connection, subject, at).await,
        AccountAct::Enable => enable(connection, subject).await,
        AccountAct::Remove => remove(connection, subject, at).await,
    }
}

async fn create(
    connection: &mut SqliteConnection,
    account: Account,
    precedence: Precedence,
) -> Result<Created, StoreError> {
    if precedence == Precedence::First {
        let any: bool = sqlx::query_scalar(ANY_ACCOUNT).fetch_one(&mut *connection).await.map_err(store_error)?;
        if any {
            return Ok(Created::NotFirst);
        }
    }
    let is_taken: bool = sqlx::query_scalar(IS_ACCOUNT_TAKEN)
        .bind(account.subject.as_str())
        .bind(account.login_name.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if is_taken {
        return Ok(Created::Taken);
    }
    let insert = sqlx::query(INSERT_ACCOUNT)
        .bind(account.subject.as_str())
        .bind(account.login_name.as_str())
        .bind(account.password_hash.as_str())
        .bind(role_word(account.role))
        .bind(account.created_at.as_millis())
        .bind(account.password_changed_at.as_millis())
        .bind(account.disabled_at.map(Timestamp::as_millis));
    if found_one(connection, insert).await? {
        Ok(Created::Created)
    } else {
        Err(StoreError::new(StoreErrorKind::Conflict))
    }
}

async fn change_password(connection: &mut SqliteConnection, change: PasswordChange) -> Result<Changed, StoreError> {
    let PasswordChange { subject, expected, new, keep, at } = change;
    let stored: Option<String> = sqlx::query_scalar(PASSWORD_HASH)
        .bind(subject.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
    let Some(stored) = stored else { return Ok(Changed::Missing) };
    if expected.is_some_and(|expected| expected.as_str() != stored) {
        return Ok(Changed::Conflict);
    }
    let set = sqlx::query(SET_PASSWORD).bind(new.as_str()).bind(at.as_millis()).bind(subject.as_str());
    if !found_one(connection, set).await? {
        return Ok(Changed::Missing);
    }
    let ended = feed::end_subject(connection, &subject, keep, EndReason::PasswordChanged, at).await?;
    Ok(Changed::Done { ended })
}
