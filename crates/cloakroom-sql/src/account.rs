//! Accounts. What ends sessions does so in the same transaction.

use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::ending::EndReason;
use cloakroom_core::password::PasswordHash;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{
    AccountStore, Changed, Created, PAGE_MAX, PasswordChange, Precedence, StoreError, StoreFuture, Target,
};
use cloakroom_core::time::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use crate::error::store_error;
use crate::open::Database;
use crate::row;
use crate::session::end;

macro_rules! select_account {
    ($rest:literal) => {
        concat!(
            "SELECT subject, login_name, password_hash, role, created_at, password_changed_at, disabled_at FROM accounts ",
            $rest
        )
    };
}

impl AccountStore for Database {
    fn create(&self, account: Account, precedence: Precedence) -> StoreFuture<'_, Created> {
        Box::pin(self.writer().run(move |connection| Box::pin(create(connection, account, precedence))))
    }

    fn by_login_name(&self, name: LoginName) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move {
            let query = sqlx::query(select_account!("WHERE login_name = $1")).bind(name.as_str().to_owned());
            let found = query.fetch_optional(self.readers()).await.map_err(store_error)?;
            found.as_ref().map(row::account).transpose()
        })
    }

    fn by_subject(&self, subject: Subject) -> StoreFuture<'_, Option<Account>> {
        Box::pin(async move {
            let query = sqlx::query(select_account!("WHERE subject = $1")).bind(subject.as_str().to_owned());
            let found = query.fetch_optional(self.readers()).await.map_err(store_error)?;
            found.as_ref().map(row::account).transpose()
        })
    }

    fn any(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let query = sqlx::query("SELECT EXISTS (SELECT 1 FROM accounts)");
            let row = query.fetch_one(self.readers()).await.map_err(store_error)?;
            row.try_get(0).map_err(store_error)
        })
    }

    fn page(&self, after: Option<LoginName>, limit: u32) -> StoreFuture<'_, Vec<Account>> {
        Box::pin(async move {
            let after = after.map(|name| name.as_str().to_owned());
            let query =
                sqlx::query(select_account!("WHERE $1 IS NULL OR login_name > $1 ORDER BY login_name LIMIT $2"));
            let query = query.bind(after).bind(limit.min(PAGE_MAX));
            query.fetch_all(self.readers()).await.map_err(store_error)?.iter().map(row::account).collect()
        })
    }

    fn change_password(&self, change: PasswordChange) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| Box::pin(change_password(connection, change))))
    }

    fn rehash(&self, subject: Subject, old: PasswordHash, new: PasswordHash) -> StoreFuture<'_, bool> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let statement = "UPDATE accounts SET password_hash = $3 WHERE subject = $1 AND password_hash = $2";
                let query = sqlx::query(statement).bind(subject.as_str()).bind(old.as_str()).bind(new.as_str());
                Ok(query.execute(connection).await.map_err(store_error)?.rows_affected() == 1)
            })
        }))
    }

    fn disable(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let statement = "UPDATE accounts SET disabled_at = coalesce(disabled_at, $2) WHERE subject = $1";
                let query = sqlx::query(statement).bind(subject.as_str()).bind(at.as_millis());
                let rows = query.execute(&mut *connection).await.map_err(store_error)?.rows_affected();
                ending(connection, rows, Target::Subject(subject), EndReason::AccountDisabled, at).await
            })
        }))
    }

    fn enable(&self, subject: Subject) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let query = sqlx::query("UPDATE accounts SET disabled_at = NULL WHERE subject = $1");
                let done = query.bind(subject.as_str()).execute(connection).await.map_err(store_error)?;
                Ok(if done.rows_affected() == 1 { Changed::Done { ended: 0 } } else { Changed::Missing })
            })
        }))
    }

    fn remove(&self, subject: Subject, at: Timestamp) -> StoreFuture<'_, Changed> {
        Box::pin(self.writer().run(move |connection| {
            Box::pin(async move {
                let query = sqlx::query("DELETE FROM accounts WHERE subject = $1").bind(subject.as_str());
                let rows = query.execute(&mut *connection).await.map_err(store_error)?.rows_affected();
                ending(connection, rows, Target::Subject(subject), EndReason::AccountRemoved, at).await
            })
        }))
    }
}

/// After a change to `rows` accounts: with none there was no account, with one its sessions end.
async fn ending(
    connection: &mut SqliteConnection,
    rows: u64,
    target: Target,
    reason: EndReason,
    at: Timestamp,
) -> Result<Changed, StoreError> {
    if rows == 0 {
        return Ok(Changed::Missing);
    }
    Ok(Changed::Done { ended: end(connection, target, reason, at).await? })
}

async fn create(
    connection: &mut SqliteConnection,
    account: Account,
    precedence: Precedence,
) -> Result<Created, StoreError> {
    let taken = "SELECT count(*), coalesce(sum(subject = $1 OR login_name = $2), 0) FROM accounts";
    let row = sqlx::query(taken)
        .bind(account.subject.as_str())
        .bind(account.login_name.as_str())
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    let count = |at| row.try_get::<i64, _>(at).map_err(store_error);
    if precedence == Precedence::First && count(0)? > 0 {
        return Ok(Created::NotFirst);
    }
    if count(1)? > 0 {
        return Ok(Created::Taken);
    }
    sqlx::query(
        "INSERT INTO accounts (subject, login_name, password_hash, role, created_at, password_changed_at, disabled_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.subject.as_str())
    .bind(account.login_name.as_str())
    .bind(account.password_hash.as_str())
    .bind(row::role_text(account.role))
    .bind(account.created_at.as_millis())
    .bind(account.password_changed_at.as_millis())
    .bind(account.disabled_at.map(Timestamp::as_millis))
    .execute(connection)
    .await
    .map_err(store_error)?;
    Ok(Created::Created)
}

async fn change_password(connection: &mut SqliteConnection, change: PasswordChange) -> Result<Changed, StoreError> {
    let PasswordChange { subject, expected, new, keep, at } = change;
    let statement = "UPDATE accounts SET password_hash = $2, password_changed_at = $3 \
                     WHERE subject = $1 AND ($4 IS NULL OR password_hash = $4)";
    let done = sqlx::query(statement)
        .bind(subject.as_str())
        .bind(new.as_str())
        .bind(at.as_millis())
        .bind(expected.as_ref().map(PasswordHash::as_str))
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    if done.rows_affected() == 0 {
        let exists = sqlx::query("SELECT 1 FROM accounts WHERE subject = $1").bind(subject.as_str());
        let exists = exists.fetch_optional(connection).await.map_err(store_error)?.is_some();
        return Ok(if exists { Changed::Conflict } else { Changed::Missing });
    }
    let target = match keep {
        Some(keep) => Target::Others(subject, keep),
        None => Target::Subject(subject),
    };
    ending(connection, done.rows_affected(), target, EndReason::PasswordChanged, at).await
}
