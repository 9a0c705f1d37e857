//! Clauses about accounts as they are stored: made once, found by name and subject, listed by name.

use super::trial::{Kept, Trial, an_account, at, hash, login_name, same, subject};
use crate::account::{Account, Role};
use crate::store::{Created, Precedence};

pub(super) async fn a_new_account_is_found_in_every_field(trial: &Trial<'_>) -> Kept {
    same("an empty store has none", &trial.accounts.any().await?, &false)?;
    let long = Account { role: Role::Administrator, ..an_account(&"漢".repeat(85), &"n".repeat(255)) };
    let times = Account {
        created_at: at(-1),
        password_changed_at: at(7),
        disabled_at: Some(at(19)),
        password_hash: hash('C'),
        ..an_account("7", "kim@example.org")
    };
    for account in [an_account("1", "ada"), long, times, an_account("2", "'; drop table accounts; --")] {
        let created = trial.accounts.create(account.clone(), Precedence::Any).await?;
        same("a new account is", &created, &Created::Created)?;
        let found = trial.accounts.by_login_name(account.login_name.clone()).await?;
        same("found by login name, in every field", &found, &Some(account.clone()))?;
        let found = trial.accounts.by_subject(account.subject.clone()).await?;
        same("found by subject, in every field", &found, &Some(account))?;
    }
    same("now there is one", &trial.accounts.any().await?, &true)
}

pub(super) async fn an_unknown_account_is_not_found(trial: &Trial<'_>) -> Kept {
    trial.accounts.create(an_account("1", "ada"), Precedence::Any).await.map(|_| ())?;
    for name in ["eve", "1", "ad", "adaa", "a%", "a_a"] {
        same("no such login name", &trial.accounts.by_login_name(login_name(name)).await?, &None)?;
    }
    for name in ["ada", "2", "11", "%"] {
        same("no such subject", &trial.accounts.by_subject(subject(name)).await?, &None)?;
    }
    Ok(())
}

pub(super) async fn a_taken_login_name_or_subject_is_refused(trial: &Trial<'_>) -> Kept {
    let ada = an_account("1", "ada");
    same("the first is", &trial.accounts.create(ada.clone(), Precedence::Any).await?, &Created::Created)?;
    for second in [an_account("2", "ada"), an_account("1", "eve"), ada.clone()] {
        let second = Account { role: Role::Administrator, password_hash: hash('B'), ..second };
        same("the second is", &trial.accounts.create(second, Precedence::Any).await?, &Created::Taken)?;
    }
    same("the first is unchanged", &trial.accounts.by_subject(subject("1")).await?, &Some(ada.clone()))?;
    same("and the only one", &trial.accounts.page(None, 10).await?, &vec![ada])
}

pub(super) async fn only_the_first_account_is_the_first(trial: &Trial<'_>) -> Kept {
    let first = trial.accounts.create(an_account("1", "ada"), Precedence::First).await?;
    same("the first account is", &first, &Created::Created)?;
    let second = trial.accounts.create(an_account("2", "eve"), Precedence::First).await?;
    same("a second first account is", &second, &Created::NotFirst)?;
    same("and not there", &trial.accounts.by_subject(subject("2")).await?, &None)?;
    let second = trial.accounts.create(an_account("2", "eve"), Precedence::Any).await?;
    same("a second account that need not be the first is", &second, &Created::Created)
}

pub(super) async fn accounts_are_listed_by_the_bytes_of_their_login_name(trial: &Trial<'_>) -> Kept {
    // Collations would put these in another order: UTF-16 the last two, most languages nearly all.
    let mut names = ["b", "a b", "a-b", "a_b", "ab", "é", "a", "z", "漢", "10", "9", "\u{e000}", "😀"];
    for (index, name) in names.iter().enumerate() {
        let created = trial.accounts.create(an_account(&index.to_string(), name), Precedence::Any).await?;
        same("a new account is", &created, &Created::Created)?;
    }
    names.sort_unstable();
    let listed = async |after: Option<&str>, limit| -> Kept<Vec<String>> {
        let page = trial.accounts.page(after.map(login_name), limit).await?;
        Ok(page.into_iter().map(|account| account.login_name.as_str().to_owned()).collect())
    };
    let wanted = |from: usize, to: usize| names[from..to].iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    same("all", &listed(None, 100).await?, &wanted(0, 13))?;
    for (limit, count) in [(0, 0), (1, 1), (12, 12), (u32::MAX, 13)] {
        same(&format!("the first {limit}"), &listed(None, limit).await?, &wanted(0, count))?;
    }
    same("after a name", &listed(Some(names[3]), 4).await?, &wanted(4, 8))?;
    same("after the last", &listed(Some(names[12]), 4).await?, &Vec::new())?;
    same("after a name that nobody has", &listed(Some("a a"), 2).await?, &wanted(3, 5))
}
