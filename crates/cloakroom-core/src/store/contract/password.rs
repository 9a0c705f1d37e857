//! Clauses about passwords as they change: compared with what the change was based on, and everybody else is out.

use super::trial::{Kept, Trial, an_account, at, hash, new_password, same, subject};
use crate::account::Account;
use crate::ending::EndReason;
use crate::store::{Changed, PasswordChange};

pub(super) async fn a_password_change_ends_the_sessions_but_the_one_to_keep(trial: &Trial<'_>) -> Kept {
    let account = trial.account("ada").await?;
    let (kept, one, two) =
        (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?, trial.log_in("ada", 2).await?);
    let eve = trial.log_in("eve", 3).await?;
    let change = PasswordChange { keep: Some(kept.digest), ..new_password("ada", 50) };
    same("two end", &trial.accounts.change_password(change).await?, &Changed::Done { ended: 2 })?;
    for login in [&one, &two] {
        trial.ended("the others end", login, EndReason::PasswordChanged, at(50)).await?;
    }
    trial.stands("the one to keep stands", &kept).await?;
    trial.stands("another subject's stands", &eve).await?;
    let changed = Account { password_hash: hash('B'), password_changed_at: at(50), ..account };
    same("the account has the new hash", &trial.accounts.by_subject(subject("ada")).await?, &Some(changed))
}

pub(super) async fn a_password_change_that_keeps_none_ends_all(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let (one, eve) = (trial.log_in("ada", 0).await?, trial.log_in("eve", 0).await?);
    let done = trial.accounts.change_password(new_password("ada", 50)).await?;
    same("one ends", &done, &Changed::Done { ended: 1 })?;
    trial.ended("it is this", &one, EndReason::PasswordChanged, at(50)).await?;
    let two = trial.log_in("ada", 60).await?;
    let foreign = PasswordChange { keep: Some(eve.digest), expected: Some(hash('B')), ..new_password("ada", 70) };
    let done = trial.accounts.change_password(foreign).await?;
    same("another subject's session to keep keeps none of theirs", &done, &Changed::Done { ended: 1 })?;
    trial.ended("it is this", &two, EndReason::PasswordChanged, at(70)).await?;
    trial.stands("another subject's stands", &eve).await
}

pub(super) async fn a_password_change_on_stale_facts_does_nothing(trial: &Trial<'_>) -> Kept {
    let account = trial.account("ada").await?;
    let login = trial.log_in("ada", 0).await?;
    let stale = PasswordChange { expected: Some(hash('C')), ..new_password("ada", 50) };
    same("another hash by now: it is", &trial.accounts.change_password(stale).await?, &Changed::Conflict)?;
    trial.stands("nobody is logged out", &login).await?;
    same("the hash stays", &trial.accounts.by_subject(subject("ada")).await?, &Some(account))
}

pub(super) async fn an_operator_sets_a_password_in_any_case(trial: &Trial<'_>) -> Kept {
    trial
        .accounts
        .create(Account { password_hash: hash('C'), ..an_account("ada", "ada") }, crate::store::Precedence::Any)
        .await
        .map(|_| ())?;
    let login = trial.log_in("ada", 0).await?;
    let change = PasswordChange { expected: None, ..new_password("ada", 50) };
    same("it is", &trial.accounts.change_password(change).await?, &Changed::Done { ended: 1 })?;
    trial.ended("the session ends", &login, EndReason::PasswordChanged, at(50)).await?;
    let found = trial.accounts.by_subject(subject("ada")).await?.map(|account| account.password_hash);
    same("the account has the new hash", &(found == Some(hash('B'))), &true)
}

pub(super) async fn a_rehash_ends_nothing_and_compares(trial: &Trial<'_>) -> Kept {
    let account = trial.account("ada").await?;
    let login = trial.log_in("ada", 0).await?;
    let rehash = async |of: &str, old, new| trial.accounts.rehash(subject(of), hash(old), hash(new)).await;
    same("another hash by now: refused", &rehash("ada", 'C', 'B').await?, &false)?;
    same("nobody: refused", &rehash("nobody", 'A', 'B').await?, &false)?;
    same("nothing changed", &trial.accounts.by_subject(subject("ada")).await?, &Some(account.clone()))?;
    same("the right one: done", &rehash("ada", 'A', 'B').await?, &true)?;
    let rehashed = Account { password_hash: hash('B'), ..account };
    let found = trial.accounts.by_subject(subject("ada")).await?;
    same("the hash is new, the password was not changed", &found, &Some(rehashed))?;
    trial.stands("nobody is logged out", &login).await
}
