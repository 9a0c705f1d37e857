//! Clauses about what administrators do to others' accounts: nobody else does it, and there is always one left.

use super::trial::{Kept, Running, Trial, an_account, at, join_all, same, subject};
use crate::account::{Account, Role};
use crate::ending::EndReason;
use crate::store::{AccountAct, Administration, Changed, Created, Precedence};

const ACTS: [AccountAct; 3] = [AccountAct::Disable, AccountAct::Enable, AccountAct::Remove];

fn by(who: &str, act: AccountAct, whose: &str, ms: i64) -> Administration {
    Administration { subject: subject(whose), by: subject(who), act, at: at(ms) }
}

async fn administrator(trial: &Trial<'_>, name: &str) -> Kept<Account> {
    let account = Account { role: Role::Administrator, ..an_account(name, name) };
    let created = trial.accounts.create(account.clone(), Precedence::Any).await?;
    same("a new administrator is", &created, &Created::Created)?;
    Ok(account)
}

pub(super) async fn an_administrator_changes_others_accounts(trial: &Trial<'_>) -> Kept {
    administrator(trial, "root").await?;
    let account = trial.account("ada").await?;
    let (one, other) = (trial.log_in("ada", 0).await?, trial.log_in("eve", 1).await?);
    let does = async |act, ms| trial.accounts.administrate(by("root", act, "ada", ms)).await;
    same("disabling ends one", &does(AccountAct::Disable, 50).await?, &Changed::Done { ended: 1 })?;
    trial.ended("it is this", &one, EndReason::AccountDisabled, at(50)).await?;
    let found = trial.accounts.by_subject(subject("ada")).await?;
    same("it is disabled", &found, &Some(Account { disabled_at: Some(at(50)), ..account.clone() }))?;
    same("enabling ends none", &does(AccountAct::Enable, 60).await?, &Changed::Done { ended: 0 })?;
    same("it is as before", &trial.accounts.by_subject(subject("ada")).await?, &Some(account))?;
    let again = trial.log_in("ada", 70).await?;
    same("removal ends one", &does(AccountAct::Remove, 80).await?, &Changed::Done { ended: 1 })?;
    trial.ended("it is this", &again, EndReason::AccountRemoved, at(80)).await?;
    for act in ACTS {
        same("what is gone is missing", &does(act, 90).await?, &Changed::Missing)?;
    }
    trial.stands("another subject's stands", &other).await
}

pub(super) async fn nobody_else_changes_others_accounts(trial: &Trial<'_>) -> Kept {
    let root = administrator(trial, "root").await?;
    administrator(trial, "gone").await?;
    same("one is disabled", &trial.accounts.disable(subject("gone"), at(5)).await?, &Changed::Done { ended: 0 })?;
    let account = trial.account("ada").await?;
    trial.account("bob").await?;
    let (ada, own) = (trial.log_in("ada", 0).await?, trial.log_in("root", 1).await?);
    for act in ACTS {
        for who in ["bob", "ada", "gone", "nobody"] {
            let changed = trial.accounts.administrate(by(who, act, "ada", 50)).await?;
            same(&format!("{who} may not: {act:?}"), &changed, &Changed::Conflict)?;
        }
        let changed = trial.accounts.administrate(by("root", act, "root", 50)).await?;
        same(&format!("nor an administrator with the own account: {act:?}"), &changed, &Changed::Conflict)?;
    }
    trial.stands("a session stands", &ada).await?;
    trial.stands("and so does the administrator's", &own).await?;
    same("the account is as before", &trial.accounts.by_subject(subject("ada")).await?, &Some(account))?;
    same("and the administrator's", &trial.accounts.by_subject(subject("root")).await?, &Some(root))
}

pub(super) async fn of_administrators_who_disable_each_other_one_is_left(trial: &Trial<'_>) -> Kept {
    let names = ["1", "2", "3", "4", "5"];
    for name in names {
        administrator(trial, name).await?;
    }
    for round in 0..6 {
        for name in names {
            same("all are enabled", &trial.accounts.enable(subject(name)).await?, &Changed::Done { ended: 0 })?;
        }
        // Each disables the next one, and the last the first.
        let next = |index: usize| names[(index + 1) % names.len()];
        let acts = names.iter().enumerate().map(|(index, name)| -> Running<'_, _> {
            Box::pin(trial.accounts.administrate(by(name, AccountAct::Disable, next(index), 50)))
        });
        join_all(acts.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let left = trial.accounts.page(None, 10).await?.iter().filter(|account| account.disabled_at.is_none()).count();
        same(&format!("round {round}: somebody is left"), &(left > 0), &true)?;
    }
    Ok(())
}
