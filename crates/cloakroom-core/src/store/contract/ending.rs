//! Clauses about endings (G2): they delete, count exactly, happen once, and the feed says why and when.

use super::trial::{IDLE, Kept, Login, Trial, at, holds, same, subject};
use crate::ending::EndReason;
use crate::store::Target;

/// Three sessions of ada's and one of eve's.
async fn four(trial: &Trial<'_>) -> Kept<[Login; 4]> {
    Ok([
        trial.log_in("ada", 0).await?,
        trial.log_in("ada", 1).await?,
        trial.log_in("ada", 2).await?,
        trial.log_in("eve", 3).await?,
    ])
}

/// Ends `target`: exactly these go, the rest stands, and the second time there is nothing to end.
async fn ends_exactly(trial: &Trial<'_>, target: Target, gone: &[&Login], rest: &[&Login]) -> Kept {
    let reason = EndReason::Administrator;
    let wanted = gone.len() as u64;
    same("an end counts what it ended", &trial.end(target.clone(), reason, 50).await?, &wanted)?;
    for login in gone {
        trial.ended("what it names is ended", login, reason, at(50)).await?;
    }
    for login in rest {
        trial.stands("what it does not name stands", login).await?;
        same("and has no ending", &trial.sessions.ending_of(login.digest).await?, &None)?;
    }
    same("the second time there is nothing to end", &trial.end(target, EndReason::Logout, 60).await?, &0)?;
    for login in gone {
        trial.ended("the first reason and time stay", login, reason, at(50)).await?;
    }
    let left: Vec<_> = rest.iter().rev().map(|login| login.record.id).collect();
    same("the list has what is left", &trial.ids(None).await?, &left)
}

pub(super) async fn ending_by_token_ends_that_session(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::Token(b.digest), &[&b], &[&a, &c, &eve]).await
}

pub(super) async fn ending_by_id_ends_that_session(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::Session(eve.record.id), &[&eve], &[&a, &b, &c]).await
}

pub(super) async fn ending_an_own_session_ends_no_other_subjects(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::OwnSession(eve.record.id, subject("ada")), &[], &[&a, &b, &c, &eve]).await?;
    ends_exactly(trial, Target::OwnSession(a.record.id, subject("ada")), &[&a], &[&b, &c, &eve]).await
}

pub(super) async fn ending_a_subject_ends_all_of_it(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::Subject(subject("ada")), &[&a, &b, &c], &[&eve]).await
}

pub(super) async fn ending_the_others_keeps_one(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::Others(subject("ada"), b.digest), &[&a, &c], &[&b, &eve]).await
}

pub(super) async fn ending_the_others_of_a_token_not_theirs_ends_all(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    let first = Target::Others(subject("ada"), eve.digest);
    ends_exactly(trial, first, &[&a, &b, &c], &[&eve]).await?;
    let again = trial.log_in("ada", 70).await?;
    ends_exactly(trial, Target::Others(subject("ada"), trial.digest()), &[&again], &[&eve]).await
}

pub(super) async fn ending_everyone_ends_all(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    ends_exactly(trial, Target::Everyone, &[&a, &b, &c, &eve], &[]).await
}

pub(super) async fn ending_the_unknown_ends_nothing(trial: &Trial<'_>) -> Kept {
    let [a, b, c, eve] = four(trial).await?;
    let unknown = trial.record("nobody", 0).id;
    for target in [
        Target::Token(trial.digest()),
        Target::Session(unknown),
        Target::OwnSession(unknown, subject("ada")),
        Target::Subject(subject("nobody")),
        Target::Others(subject("nobody"), a.digest),
    ] {
        ends_exactly(trial, target, &[], &[&a, &b, &c, &eve]).await?;
    }
    Ok(())
}

pub(super) async fn every_reason_reads_back(trial: &Trial<'_>) -> Kept {
    for (ms, reason) in (0..).zip(EndReason::ALL) {
        let login = trial.log_in("ada", ms).await?;
        same("one session ends", &trial.end(Target::Token(login.digest), *reason, ms).await?, &1)?;
        trial.ended(&format!("ended for {reason}"), &login, *reason, at(ms)).await?;
    }
    Ok(())
}

pub(super) async fn endings_are_newest_first_limited_and_per_subject(trial: &Trial<'_>) -> Kept {
    same("no endings yet", &trial.sessions.endings(subject("ada"), 10).await?, &Vec::new())?;
    let logins = four(trial).await?;
    for (ms, index) in [(50, 1), (60, 3), (70, 0), (80, 2)] {
        trial.log_out(&logins[index], ms).await?;
    }
    let wanted = [(2, 80), (0, 70), (1, 50)].map(|(index, ms)| logins[index].ending(EndReason::Logout, at(ms)));
    for (limit, count) in [(0, 0), (1, 1), (2, 2), (3, 3), (100, 3), (u32::MAX, 3)] {
        let found = trial.sessions.endings(subject("ada"), limit).await?;
        same(&format!("at most {limit} endings, newest first"), &found, &wanted[..count].to_vec())?;
    }
    Ok(())
}

pub(super) async fn an_expired_session_ends_once(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let now = 10 * IDLE;
    same("its row is ended", &trial.end(Target::Token(login.digest), EndReason::Logout, now).await?, &1)?;
    let purged = trial.purge(now, 10, now).await?;
    same("and is not there to purge", &purged.sessions, &0)?;
    same("nor to end again", &trial.end(login.subject(), EndReason::SubjectWide, now).await?, &0)?;
    let wanted = vec![login.ending(EndReason::Logout, at(now))];
    same("it ended once", &trial.sessions.endings(subject("ada"), 10).await?, &wanted)
}

pub(super) async fn an_ended_session_stays_ended(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    trial.log_out(&login, 5).await?;
    trial.touch(login.digest, 6, 6).await?;
    trial.replace(login.digest, trial.digest(), 7).await?;
    trial.log_in("ada", 8).await?;
    trial.purge(9, 10, 9).await?;
    trial.ended("whatever comes after", &login, EndReason::Logout, at(5)).await?;
    let ids = trial.ids(None).await?;
    holds("the list does not have it", !ids.contains(&login.record.id), ids)
}
