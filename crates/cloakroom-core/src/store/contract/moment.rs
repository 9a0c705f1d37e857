//! Clauses about moments (G4): a login that began before everything of its subject was ended comes to nothing.

use super::trial::{Kept, Login, Trial, at, hash, holds, new_password, same, subject};
use crate::ending::EndReason;
use crate::store::{Changed, Issued, Moment, Target};

/// Issues for `of` from an earlier moment.
async fn late(trial: &Trial<'_>, moment: &Moment, of: &str) -> Kept<(Issued, Login)> {
    let issue = trial.issue(moment.clone(), &trial.record(of, 1_000));
    let login = Login { digest: issue.digest, record: issue.session.clone() };
    Ok((trial.sessions.issue(issue).await?, login))
}

async fn is_overtaken(trial: &Trial<'_>, moment: &Moment, of: &str) -> Kept {
    let (issued, login) = late(trial, moment, of).await?;
    same("a login that began before it (G4) is", &issued, &Issued::Overtaken)?;
    trial.gone("and has no session", login.digest).await?;
    same("and is in no list", &trial.ids(Some(of)).await?.contains(&login.record.id), &false)
}

async fn is_created(trial: &Trial<'_>, why: &str, moment: &Moment, of: &str) -> Kept {
    let (issued, login) = late(trial, moment, of).await?;
    same(why, &issued, &Issued::Created { over_cap: 0 })?;
    trial.stands(why, &login).await
}

/// A login that begins now is not overtaken.
async fn the_next_is_created(trial: &Trial<'_>, of: &str) -> Kept {
    let moment = trial.sessions.begin().await?;
    is_created(trial, "a login that begins afterwards is created", &moment, of).await
}

fn is_done(what: &str, changed: Changed) -> Kept {
    holds(what, matches!(changed, Changed::Done { .. }), changed)
}

pub(super) async fn ending_a_subject_overtakes_its_logins(trial: &Trial<'_>) -> Kept {
    trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, 500).await?;
    is_overtaken(trial, &moment, "ada").await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn ending_a_subject_without_sessions_overtakes_its_first_login(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    let ended = trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, 500).await?;
    same("there was nothing to end", &ended, &0)?;
    is_overtaken(trial, &moment, "ada").await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn ending_the_others_overtakes_logins_and_keeps_one(trial: &Trial<'_>) -> Kept {
    let (kept, other) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?);
    let moment = trial.sessions.begin().await?;
    let ended = trial.end(Target::Others(subject("ada"), kept.digest), EndReason::OtherDevice, 500).await?;
    same("one other was ended", &ended, &1)?;
    trial.gone("the other is gone", other.digest).await?;
    is_overtaken(trial, &moment, "ada").await?;
    trial.stands("the one to keep stands", &kept).await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn ending_others_that_are_none_overtakes_logins(trial: &Trial<'_>) -> Kept {
    let kept = trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Others(subject("ada"), kept.digest), EndReason::OtherDevice, 500).await?;
    is_overtaken(trial, &moment, "ada").await
}

pub(super) async fn ending_everyone_overtakes_every_login(trial: &Trial<'_>) -> Kept {
    trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Everyone, EndReason::Everyone, 500).await?;
    is_overtaken(trial, &moment, "ada").await?;
    is_overtaken(trial, &moment, "a subject nobody has seen").await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn a_password_change_overtakes_logins(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let kept = trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    let change = crate::store::PasswordChange { keep: Some(kept.digest), ..new_password("ada", 500) };
    is_done("the change is made", trial.accounts.change_password(change).await?)?;
    is_overtaken(trial, &moment, "ada").await?;
    trial.stands("the one to keep stands", &kept).await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn disabling_overtakes_logins(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let moment = trial.sessions.begin().await?;
    is_done("the account is disabled", trial.accounts.disable(subject("ada"), at(500)).await?)?;
    is_overtaken(trial, &moment, "ada").await?;
    is_done("the account is enabled", trial.accounts.enable(subject("ada")).await?)?;
    is_overtaken(trial, &moment, "ada").await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn removal_overtakes_logins(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let moment = trial.sessions.begin().await?;
    is_done("the account is removed", trial.accounts.remove(subject("ada"), at(500)).await?)?;
    is_overtaken(trial, &moment, "ada").await
}

pub(super) async fn every_earlier_moment_is_overtaken(trial: &Trial<'_>) -> Kept {
    let mut moments = Vec::new();
    for created in 0..3 {
        moments.push(trial.sessions.begin().await?);
        trial.log_in("ada", created).await?;
    }
    trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, 500).await?;
    let between = trial.sessions.begin().await?;
    trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, 600).await?;
    for moment in moments.iter().chain([&between]) {
        is_overtaken(trial, moment, "ada").await?;
    }
    the_next_is_created(trial, "ada").await
}

pub(super) async fn an_earlier_end_hides_no_later_one(trial: &Trial<'_>) -> Kept {
    let (ada, everyone) = (Target::Subject(subject("ada")), Target::Everyone);
    for [first, second] in [[&ada, &everyone], [&everyone, &ada], [&everyone, &everyone]] {
        trial.end(first.clone(), EndReason::Administrator, 500).await?;
        let moment = trial.sessions.begin().await?;
        trial.end(second.clone(), EndReason::Administrator, 500).await?;
        is_overtaken(trial, &moment, "ada").await?;
        the_next_is_created(trial, "ada").await?;
    }
    Ok(())
}

pub(super) async fn an_overtaken_login_ends_nothing(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, 1).await?;
    let (ada, eve) = (trial.log_in("ada", 2).await?, trial.log_in("eve", 2).await?);
    let mut issue = trial.issue(moment, &trial.record("ada", 3));
    (issue.supersedes, issue.max_per_subject) = (vec![eve.digest], 1);
    same("the login is", &trial.sessions.issue(issue).await?, &Issued::Overtaken)?;
    trial.stands("an overtaken login supersedes nothing", &eve).await?;
    trial.stands("an overtaken login ends nothing over the cap", &ada).await
}

pub(super) async fn ending_another_subject_overtakes_nothing(trial: &Trial<'_>) -> Kept {
    for name in ["eve", "bob", "kim"] {
        trial.account(name).await?;
        trial.log_in(name, 0).await?;
    }
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Subject(subject("eve")), EndReason::SubjectWide, 1).await?;
    is_done("the password is changed", trial.accounts.change_password(new_password("bob", 1)).await?)?;
    is_done("the account is disabled", trial.accounts.disable(subject("kim"), at(1)).await?)?;
    is_created(trial, "another subject's end overtakes nothing", &moment, "ada").await
}

pub(super) async fn ending_single_sessions_overtakes_nothing(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for created in 0..3 {
        logins.push(trial.log_in("ada", created).await?);
    }
    let moment = trial.sessions.begin().await?;
    let [one, two, three] = &logins[..] else { return Ok(()) };
    for target in
        [Target::Token(one.digest), Target::Session(two.record.id), Target::OwnSession(three.record.id, subject("ada"))]
    {
        same("one session ends", &trial.end(target, EndReason::OtherDevice, 5).await?, &1)?;
    }
    is_created(trial, "ending single sessions overtakes nothing", &moment, "ada").await
}

pub(super) async fn what_revokes_nothing_overtakes_nothing(trial: &Trial<'_>) -> Kept {
    trial.account("ada").await?;
    let login = trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    let (replaced, missing) = (trial.digest(), subject("nobody"));
    trial.touch(login.digest, 5, 5).await?;
    same("a living token is replaced", &trial.replace(login.digest, replaced, 6).await?, &true)?;
    let refused = crate::store::PasswordChange { expected: Some(hash('C')), ..new_password("ada", 7) };
    same("a stale change is", &trial.accounts.change_password(refused).await?, &Changed::Conflict)?;
    same("a rehash is made", &trial.accounts.rehash(subject("ada"), hash('A'), hash('B')).await?, &true)?;
    is_done("enabling is fine", trial.accounts.enable(subject("ada")).await?)?;
    same("nobody is", &trial.accounts.disable(missing, at(8)).await?, &Changed::Missing)?;
    trial.purge(9, 10, 9).await?;
    trial.log_in_with(&trial.record("ada", 10), |issue| issue.max_per_subject = 1).await?;
    is_created(trial, "nothing here revokes everything of the subject", &moment, "ada").await
}

pub(super) async fn the_order_of_commits_decides_not_the_clock(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    trial.end(Target::Subject(subject("ada")), EndReason::SubjectWide, -3_600_000).await?;
    is_overtaken(trial, &moment, "ada").await?;
    trial.end(Target::Everyone, EndReason::Everyone, 3_600_000).await?;
    the_next_is_created(trial, "ada").await
}

pub(super) async fn one_moment_serves_every_login_that_nothing_overtook(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    for created in 0..3 {
        let login = trial.log_in("ada", created).await?;
        trial.log_out(&login, created).await?;
    }
    is_created(trial, "other logins and logouts overtake nothing", &moment, "ada").await?;
    is_created(trial, "a moment is not used up", &moment, "eve").await
}
