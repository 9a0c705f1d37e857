//! Clauses about what happens at once. Whatever the order turns out to be, it is one of those that could be.

use super::trial::{Kept, NO_CAP, Running, Trial, an_account, at, holds, join_all, new_password, same, subject};
use crate::ending::EndReason;
use crate::store::{Changed, Created, Issue, Issued, Precedence, StoreErrorKind, Target, Touch};
use crate::token::TokenDigest;

/// How many do the same thing at once.
const CROWD: usize = 12;

pub(super) async fn concurrent_logins_stay_within_the_cap(trial: &Trial<'_>) -> Kept {
    let logins = (0..24).map(|created| -> Running<'_, Kept<u32>> {
        Box::pin(async move {
            Ok(trial.log_in_with(&trial.record("ada", created), |issue| issue.max_per_subject = 5).await?.1)
        })
    });
    let mut over_cap = 0;
    for result in join_all(logins.collect()).await {
        over_cap += result?;
    }
    same("24 logins, a cap of 5: left are", &trial.ids(Some("ada")).await?.len(), &5)?;
    same("and over the cap were", &over_cap, &19)
}

pub(super) async fn of_concurrent_logins_with_one_digest_one_wins(trial: &Trial<'_>) -> Kept {
    let (moment, digest) = (trial.sessions.begin().await?, trial.digest());
    let logins = (0..CROWD)
        .map(|_| trial.sessions.issue(Issue { digest, ..trial.issue(moment.clone(), &trial.record("ada", 0)) }));
    let mut created = 0;
    for result in join_all(logins.collect()).await {
        match result {
            Ok(Issued::Created { .. }) => created += 1,
            Err(error) if *error.kind() == StoreErrorKind::Conflict => (),
            other => holds("each login is Created or a Conflict", false, other)?,
        }
    }
    same("one is created", &created, &1)?;
    same("and it is the only one", &trial.ids(None).await?.len(), &1)
}

pub(super) async fn of_concurrent_first_accounts_one_wins(trial: &Trial<'_>) -> Kept {
    let creations = (0..CROWD).map(|index| {
        let account = an_account(&format!("subject {index}"), &format!("name {index}"));
        trial.accounts.create(account, Precedence::First)
    });
    let mut won = 0;
    for created in join_all(creations.collect()).await {
        match created? {
            Created::Created => won += 1,
            other => same("the others are", &other, &Created::NotFirst)?,
        }
    }
    same("one is the first", &won, &1)?;
    same("and the only one", &trial.accounts.page(None, 100).await?.len(), &1)
}

pub(super) async fn of_concurrent_accounts_with_one_name_one_wins(trial: &Trial<'_>) -> Kept {
    let creations =
        (0..CROWD).map(|index| trial.accounts.create(an_account(&format!("subject {index}"), "ada"), Precedence::Any));
    let mut won = 0;
    for created in join_all(creations.collect()).await {
        match created? {
            Created::Created => won += 1,
            other => same("the others are", &other, &Created::Taken)?,
        }
    }
    same("one has the name", &won, &1)
}

pub(super) async fn of_concurrent_password_changes_one_wins(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let changes = (0..CROWD).map(|_| trial.accounts.change_password(new_password("ada", 5)));
    let mut won = 0;
    for changed in join_all(changes.collect()).await {
        match changed? {
            Changed::Done { .. } => won += 1,
            other => same("the others are", &other, &Changed::Conflict)?,
        }
    }
    same("one changed it", &won, &1)
}

pub(super) async fn of_concurrent_replacements_one_wins(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let new: Vec<TokenDigest> = (0..CROWD).map(|_| trial.digest()).collect();
    let attempts = new.iter().map(|new| -> Running<'_, _> { Box::pin(trial.replace(login.digest, *new, 5)) });
    let results = join_all(attempts.collect()).await;
    let mut usable = 0;
    for (new, won) in new.iter().zip(results) {
        let found = trial.sessions.find(*new).await?.is_some();
        same("a new token works if its replacement said so", &found, &won?)?;
        usable += usize::from(found);
    }
    same("one token works", &usable, &1)?;
    trial.gone("the old one does not", login.digest).await
}

pub(super) async fn concurrent_endings_count_each_session_once(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for created in 0..CROWD {
        logins.push(trial.log_in("ada", i64::try_from(created).unwrap_or(0)).await?);
    }
    let singles = logins.iter().map(|login| Target::Token(login.digest));
    let ids = logins.iter().map(|login| Target::Session(login.record.id));
    let targets = singles.chain(ids).chain([Target::Subject(subject("ada")), Target::Everyone]);
    let ends = targets.map(|target| trial.sessions.end(target, EndReason::Logout, at(50)));
    let mut ended = 0;
    for count in join_all(ends.collect()).await {
        ended += count?;
    }
    same("together they ended each session once", &ended, &(CROWD as u64))?;
    let endings = trial.sessions.endings(subject("ada"), 100).await?;
    same("and the feed has each once", &endings.len(), &CROWD)
}

/// Logins, touches, replacements and endings at once; afterwards what was ended is nowhere.
pub(super) async fn what_was_ended_is_nowhere_whatever_else_was_going_on(trial: &Trial<'_>) -> Kept {
    for round in 0..4 {
        let mut logins = Vec::new();
        for created in 0..CROWD {
            logins.push(trial.log_in("ada", i64::try_from(created).unwrap_or(0)).await?);
        }
        let new: Vec<TokenDigest> = logins.iter().map(|_| trial.digest()).collect();
        let mut running: Vec<Running<'_, Kept>> = Vec::new();
        for (index, (login, new)) in logins.iter().zip(&new).enumerate() {
            let mut batch: Vec<_> =
                logins.iter().map(|login| Touch { digest: login.digest, used_at: at(40) }).collect();
            // Rows locked in the order of the batch would wait for each other in a circle.
            batch.rotate_left(index);
            if index % 2 == 0 {
                batch.reverse();
            }
            running.push(Box::pin(async move { Ok(trial.sessions.touch(batch, at(40)).await.map(|_| ())?) }));
            running.push(Box::pin(async move { Ok(trial.replace(login.digest, *new, 41).await.map(|_| ())?) }));
            running.push(Box::pin(async move {
                trial.end(Target::Session(login.record.id), EndReason::OtherDevice, 42).await.map(|_| ())
            }));
        }
        join_all(running).await.into_iter().collect::<Kept<Vec<()>>>()?;
        for digest in logins.iter().map(|login| login.digest).chain(new) {
            trial.gone(&format!("round {round}: every session was ended (G2), so no token works (G3)"), digest).await?;
        }
        same("and the list is empty", &trial.ids(None).await?, &Vec::new())?;
    }
    Ok(())
}

/// Runs `revoke` in the middle of a crowd of logins that all began before it; none of them may be left (G4).
async fn leaves_none<'a, T: Send + 'a>(trial: &'a Trial<'a>, revoke: Running<'a, Kept<T>>) -> Kept<T> {
    let moment = trial.sessions.begin().await?;
    let login = |created| -> Running<'a, Kept<Option<T>>> {
        let issue = Issue { max_per_subject: NO_CAP, ..trial.issue(moment.clone(), &trial.record("ada", created)) };
        Box::pin(async move { Ok(trial.sessions.issue(issue).await.map(|_: Issued| None)?) })
    };
    let mut running: Vec<_> = (0..6).map(login).collect();
    running.push(Box::pin(async move { Ok(Some(revoke.await?)) }));
    running.extend((6..12).map(login));
    let results = join_all(running).await.into_iter().collect::<Kept<Vec<_>>>()?;
    same("a login that began before is ended or overtaken (G4)", &trial.ids(Some("ada")).await?, &Vec::new())?;
    let answer = results.into_iter().flatten().next();
    answer.ok_or_else(|| super::Broken::new("an answer", "none"))
}

pub(super) async fn no_concurrent_login_outlives_the_end_of_its_subject(trial: &Trial<'_>) -> Kept {
    for _ in 0..4 {
        let target = Target::Subject(subject("ada"));
        leaves_none(trial, Box::pin(trial.end(target, EndReason::SubjectWide, 50))).await?;
    }
    Ok(())
}

pub(super) async fn no_concurrent_login_outlives_the_end_of_everyone(trial: &Trial<'_>) -> Kept {
    for _ in 0..4 {
        leaves_none(trial, Box::pin(trial.end(Target::Everyone, EndReason::Everyone, 50))).await?;
    }
    Ok(())
}

pub(super) async fn no_concurrent_login_outlives_what_happens_to_its_account(trial: &Trial<'_>) -> Kept {
    let ada = || subject("ada");
    for _ in 0..3 {
        trial.account("ada").await?;
        let change = Box::pin(async { Ok(trial.accounts.change_password(new_password("ada", 50)).await?) });
        let changed: Changed = leaves_none(trial, change).await?;
        holds("the password is changed", matches!(changed, Changed::Done { .. }), changed)?;
        let disable = Box::pin(async { Ok(trial.accounts.disable(ada(), at(50)).await?) });
        let changed: Changed = leaves_none(trial, disable).await?;
        holds("the account is disabled", matches!(changed, Changed::Done { .. }), changed)?;
        let remove = Box::pin(async { Ok(trial.accounts.remove(ada(), at(50)).await?) });
        let changed: Changed = leaves_none(trial, remove).await?;
        holds("the account is removed", matches!(changed, Changed::Done { .. }), changed)?;
    }
    Ok(())
}
