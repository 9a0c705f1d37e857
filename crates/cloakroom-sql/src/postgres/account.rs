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
use cloakroom_core::throttle::{Admission, Claims, CounterKey, LOCK_AFTER, Step};
use cloakroom_core::time::Timestamp;
use sqlx::{PgConnection, Row as _};

use super::connection::Statement;
use super::database::PostgresDatabase;
use super::error::store_error;
use super::feed::Cause;
use super::statements::{LOCK_ACCOUNTS, LOCK_PASSWORD_HASH, LOCK_TWO_ACCOUNTS};
use super::value::Time;
use super::{event, feed, row, throttle};
use crate::statements::{
    ACCOUNT_BY_LOGIN_NAME, ACCOUNT_BY_SUBJECT, ACCOUNTS_AFTER, ANY_ACCOUNT, DISABLE_ACCOUNT, ENABLE_ACCOUNT,
    FORGET_COUNTER, INSERT_ACCOUNT, IS_ACCOUNT_TAKEN, IS_ADMINISTRATOR, LOCKED, REHASH, REMOVE_ACCOUNT, SET_PASSWORD,
};
use crate::words::role_word;

impl AccountStore for PostgresDatabase {
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created> {
        Box::pin(async move {
            let created = self.transaction(|connection| Box::pin(create(connection, account.clone(), precedence)));
            match created.await {
                // Somebody made it in the meantime: the constraint says so.
                Err(error) if *error.kind() == StoreErrorKind::Conflict => Ok(Created::Taken),
                done => done,
            }
        })
    }

    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move { self.account(sqlx::query(ACCOUNT_BY_LOGIN_NAME).bind(name.as_str())).await })
    }

    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move { self.account(sqlx::query(ACCOUNT_BY_SUBJECT).bind(subject.as_str())).await })
    }

    fn any(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.fetch_one(sqlx::query(ANY_ACCOUNT)).await?.try_get(0).map_err(store_error) })
    }

    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>> {
        Box::pin(async move {
            let page = sqlx::query(ACCOUNTS_AFTER)
                .bind(after.as_ref().map_or("", LoginName::as_str))
                .bind(i64::from(limit.min(PAGE_MAX)));
            let rows = self.fetch_all(page).await?;
            rows.iter().map(row::account).collect()
        })
    }

    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed> {
        Box::pin(
            async move { self.transaction(|connection| Box::pin(change_password(connection, change.clone()))).await },
        )
    }

    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let rehash = sqlx::query(REHASH).bind(new.as_str()).bind(subject.as_str()).bind(old.as_str());
            found_one(self.execute(rehash).await?)
        })
    }

    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.change(subject, AccountAct::Disable, at))
    }

    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed> {
        Box::pin(async move {
            let enable = sqlx::query(ENABLE_ACCOUNT).bind(subject.as_str());
            let found = found_one(self.execute(enable).await?)?;
            Ok(if found { Changed::Done { ended: 0 } } else { Changed::Missing })
        })
    }

    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.change(subject, AccountAct::Remove, at))
    }

    fn administrate(&self, administration: Administration) -> StoreFuture<'_, Changed> {
        Box::pin(async move {
            self.transaction(|connection| Box::pin(administrate(connection, administration.clone()))).await
        })
    }

    fn count(&self, claims: Claims, step: Step, at: Timestamp) -> StoreFuture<'_, Admission> {
        Box::pin(async move {
            self.transaction(|connection| Box::pin(throttle::count(connection, claims.clone(), step, at))).await
        })
    }

    fn locked(&self, limit: u32) -> StoreFuture<'_, Vec<CounterKey>> {
        Box::pin(async move {
            let locked = sqlx::query(LOCKED).bind(i64::from(LOCK_AFTER)).bind(i64::from(limit));
            self.fetch_all(locked).await?.iter().map(row::counter_key).collect()
        })
    }

    fn forget_counter(&self, key: CounterKey) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let forget = sqlx::query(FORGET_COUNTER).bind(key.as_bytes().as_slice());
            found_one(self.execute(forget).await?)
        })
    }

    fn purge_counters(&self, at: Timestamp, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(
            async move { self.transaction(|connection| Box::pin(throttle::purge(connection, at, max, chunk))).await },
        )
    }

    fn record(&self, events: Vec<SecurityEvent>) -> StoreFuture<'_, ()> {
        Box::pin(
            async move { self.transaction(|connection| Box::pin(event::record(connection, events.clone()))).await },
        )
    }

    fn events(&self, query: EventQuery) -> StoreFuture<'_, Vec<SecurityEvent>> {
        Box::pin(event::list(self, query))
    }

    fn purge_events(&self, before: EventId, max: u32, chunk: u32) -> StoreFuture<'_, u64> {
        Box::pin(
            async move { self.transaction(|connection| Box::pin(event::purge(connection, before, max, chunk))).await },
        )
    }
}

impl PostgresDatabase {
    async fn account(&self, statement: Statement<'_>) -> Result<Option<Account>, StoreError> {
        let row = self.fetch_optional(statement).await?;
        row.as_ref().map(row::account).transpose()
    }

    async fn change(&self, subject: Subject, act: AccountAct, at: Timestamp) -> Result<Changed, StoreError> {
        self.transaction(|connection| Box::pin(change(connection, subject.clone(), act, at))).await
    }
}

/// Changes an account and, unless that lets somebody in again, ends everything of its subject.
async fn change(
    connection: &mut PgConnection,
    subject: Subject,
    act: AccountAct,
    at: Timestamp,
) -> Result<Changed, StoreError> {
    let (statement, reason) = match act {
        AccountAct::Disable => (sqlx::query(DISABLE_ACCOUNT).bind(Time(at)), Some(EndReason::AccountDisabled)),
        AccountAct::Enable => (sqlx::query(ENABLE_ACCOUNT), None),
        AccountAct::Remove => (sqlx::query(REMOVE_ACCOUNT), Some(EndReason::AccountRemoved)),
    };
    if !found_one(execute(connection, statement.bind(subject.as_str())).await?)? {
        return Ok(Changed::Missing);
    }
    let Some(reason) = reason else { return Ok(Changed::Done { ended: 0 }) };
    let ended = feed::end_subject(connection, &subject, None, Cause::new(reason, at)).await?;
    Ok(Changed::Done { ended })
}

async fn administrate(connection: &mut PgConnection, administration: Administration) -> Result<Changed, StoreError> {
    let Administration { subject, by, act, at } = administration;
    execute(connection, sqlx::query(LOCK_TWO_ACCOUNTS).bind(by.as_str()).bind(subject.as_str())).await?;
    // In a statement of its own, which sees what was committed while it waited for the locks.
    let may = sqlx::query_scalar(IS_ADMINISTRATOR).bind(by.as_str()).fetch_one(&mut *connection);
    if by == subject || !may.await.map_err(store_error)? {
        return Ok(Changed::Conflict);
    }
    change(connection, subject, act, at).await
}

async fn execute(connection: &mut PgConnection, statement: Statement<'_>) -> Result<u64, StoreError> {
    Ok(statement.execute(connection).await.map_err(store_error)?.rows_affected())
}

/// Whether a row was found, and notices if it was more than one.
fn found_one(rows: u64) -> Result<bool, StoreError> {
    match rows {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(StoreError::new(StoreErrorKind::Conflict)),
    }
}

async fn create(
    connection: &mut PgConnection,
    account: Account,
    precedence: Precedence,
) -> Result<Created, StoreError> {
    if precedence == Precedence::First {
        execute(connection, sqlx::query(LOCK_ACCOUNTS)).await?;
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
        .bind(Time(account.created_at))
        .bind(Time(account.password_changed_at))
        .bind(account.disabled_at.map(Time));
    if found_one(execute(connection, insert).await?)? {
        Ok(Created::Created)
    } else {
        Err(StoreError::new(StoreErrorKind::Conflict))
    }
}

async fn change_password(connection: &mut PgConnection, change: PasswordChange) -> Result<Changed, StoreError> {
    let PasswordChange { subject, expected, new, keep, at } = change;
    let stored: Option<String> = sqlx::query_scalar(LOCK_PASSWORD_HASH)
        .bind(subject.as_str())
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
    let Some(stored) = stored else { return Ok(Changed::Missing) };
    if expected.is_some_and(|expected| expected.as_str() != stored) {
        return Ok(Changed::Conflict);
    }
    let set = sqlx::query(SET_PASSWORD).bind(new.as_str()).bind(Time(at)).bind(subject.as_str());
    if !found_one(execute(connection, set).await?)? {
        return Ok(Changed::Missing);
    }
    let cause = Cause::new(EndReason::PasswordChanged, at);
    let ended = feed::end_subject(connection, &subject, keep, cause).await?;
    Ok(Changed::Done { ended })
}
