//! Clauses about accounts as they are disabled, enabled and removed, and what that does to sessions.

use super::trial::{Kept, Trial, an_account, at, new_password, same, subject};
use crate::account::Account;
use crate::ending::EndReason;
use crate::store::{Changed, Created, Precedence};

pub(super) async fn disabling_ends_the_sessions(trial: &Trial<'_>) -> Kept {
    let account = trial.account("ada").await?;
    let (one, two, eve) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?, trial.log_in("eve", 2).await?);
    same("two end", &trial.accounts.disable(subject("ada"), at(50)).await?, &Changed::Done { ended: 2 })?;
    for login in [&one, &two] {
        trial.ended("all of theirs end", login, EndReason::AccountDisabled, at(50)).await?;
    }
    trial.stands("another subject's stands", &eve).await?;
    let disabled = Account { disabled_at: Some(at(50)), ..account };
    same("the account is disabled", &trial.accounts.by_subject(subject("ada")).await?, &Some(disabled))
}

pub(super) async fn disabling_twice_keeps_the_first_time(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    for ms in [50, 60] {
        let done = trial.accounts.disable(subject("ada"), at(ms)).await?;
        same("disabling is fine", &done, &Changed::Done { ended: 0 })?;
    }
    let found = trial.accounts.by_subject(subject("ada")).await?.and_then(|account| account.disabled_at);
    same("since the first time", &found, &Some(at(50)))?;
    let login = trial.log_in("ada", 70).await?;
    let again = trial.accounts.disable(subject("ada"), at(80)).await?;
    same("a session that came to be meanwhile ends", &again, &Changed::Done { ended: 1 })?;
    trial.ended("for this reason", &login, EndReason::AccountDisabled, at(80)).await
}

pub(super) async fn enabling_revives_nothing(trial: &Trial<'_>) -> Kept {
    let account = trial.account("ada").await?;
    let login = trial.log_in("ada", 0).await?;
    same("one ends", &trial.accounts.disable(subject("ada"), at(50)).await?, &Changed::Done { ended: 1 })?;
    for _ in 0..2 {
        same("enabling is fine", &trial.accounts.enable(subject("ada")).await?, &Changed::Done { ended: 0 })?;
    }
    same("the account is as before", &trial.accounts.by_subject(subject("ada")).await?, &Some(account))?;
    trial.ended("the session stays ended", &login, EndReason::AccountDisabled, at(50)).await
}

pub(super) async fn removal_ends_the_sessions_and_frees_the_name(trial: &Trial<'_>) -> Kept {
    trial.accounts.create(an_account("1", "ada"), Precedence::Any).await.map(|_| ())?;
    trial.accounts.create(an_account("2", "eve"), Precedence::Any).await.map(|_| ())?;
    let (one, other) = (trial.log_in("1", 0).await?, trial.log_in("2", 0).await?);
    same("one ends", &trial.accounts.remove(subject("1"), at(50)).await?, &Changed::Done { ended: 1 })?;
    trial.ended("it is this", &one, EndReason::AccountRemoved, at(50)).await?;
    trial.stands("another subject's stands", &other).await?;
    same("the account is gone", &trial.accounts.by_subject(subject("1")).await?, &None)?;
    same("the other is not", &trial.accounts.page(None, 10).await?, &vec![an_account("2", "eve")])?;
    same("again, it is", &trial.accounts.remove(subject("1"), at(60)).await?, &Changed::Missing)?;
    let again = trial.accounts.create(an_account("3", "ada"), Precedence::Any).await?;
    same("somebody else may have the name", &again, &Created::Created)
}

pub(super) async fn an_account_that_is_missing_is_missing_everywhere(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let stranger = trial.log_in("eve", 0).await?;
    let eve = || subject("eve");
    let missing = [
        trial.accounts.change_password(new_password("eve", 50)).await?,
        trial.accounts.disable(eve(), at(50)).await?,
        trial.accounts.enable(eve()).await?,
        trial.accounts.remove(eve(), at(50)).await?,
    ];
    same("each is", &missing, &[Changed::Missing; 4])?;
    trial.stands("and ends no session of a subject without account", &stranger).await?;
    same("nor is an account made", &trial.accounts.page(None, 10).await?, &vec![an_account("ada", "ada")])
}
