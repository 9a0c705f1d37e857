//! Clauses about what a login ends: the older sessions of its browser, and the oldest over the cap.

use super::trial::{ABSOLUTE, IDLE, Kept, Login, Trial, at, same, subject};
use crate::ending::EndReason;
use crate::session::SessionRecord;

pub(super) async fn a_login_ends_what_it_supersedes(trial: &Trial<'_>) -> Kept {
    let mut older = Vec::new();
    for created in 0..4 {
        older.push(trial.log_in("ada", created).await?);
    }
    let other_device = trial.log_in("ada", 4).await?;
    let digests: Vec<_> = older.iter().map(|login| login.digest).collect();
    let (login, over_cap) = trial.log_in_with(&trial.record("ada", 9), |issue| issue.supersedes = digests).await?;
    same("superseded sessions are not over the cap", &over_cap, &0)?;
    for old in &older {
        trial.ended("a superseded session is ended", old, EndReason::NewLogin, at(9)).await?;
    }
    trial.stands("another device is not superseded", &other_device).await?;
    trial.stands("the new session stands", &login).await
}

pub(super) async fn superseding_reaches_another_subject_in_the_same_browser(trial: &Trial<'_>) -> Kept {
    let (before, elsewhere) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?);
    let supersedes = vec![before.digest];
    let (login, _) = trial.log_in_with(&trial.record("eve", 5), |issue| issue.supersedes = supersedes).await?;
    trial.ended("who was logged in here before is logged out", &before, EndReason::NewLogin, at(5)).await?;
    trial.stands("what they have elsewhere stands", &elsewhere).await?;
    trial.stands("the new session stands", &login).await
}

pub(super) async fn superseding_what_is_gone_changes_nothing(trial: &Trial<'_>) -> Kept {
    let gone = trial.log_in("ada", 0).await?;
    trial.log_out(&gone, 1).await?;
    let supersedes = vec![gone.digest, trial.digest()];
    let (login, _) = trial.log_in_with(&trial.record("ada", 5), |issue| issue.supersedes = supersedes).await?;
    trial.stands("the new session stands", &login).await?;
    trial.ended("the first reason stays", &gone, EndReason::Logout, at(1)).await?;
    same("nothing ended twice", &trial.sessions.endings(subject("ada"), 10).await?.len(), &1)
}

pub(super) async fn superseded_sessions_do_not_count_towards_the_cap(trial: &Trial<'_>) -> Kept {
    let (kept, old) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 1).await?);
    let change = |issue: &mut crate::store::Issue| {
        (issue.supersedes, issue.max_per_subject) = (vec![old.digest], 2);
    };
    let (_, over_cap) = trial.log_in_with(&trial.record("ada", 2), change).await?;
    same("one was superseded, so none is over the cap", &over_cap, &0)?;
    trial.stands("the oldest stands", &kept).await
}

async fn log_in_capped(trial: &Trial<'_>, of: &str, created: i64, cap: u32) -> Kept<(Login, u32)> {
    trial.log_in_with(&trial.record(of, created), |issue| issue.max_per_subject = cap).await
}

pub(super) async fn the_cap_is_exact_and_the_oldest_goes(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for created in 0..3 {
        let (login, over_cap) = log_in_capped(trial, "ada", created, 3).await?;
        same("up to the cap nothing ends", &over_cap, &0)?;
        logins.push(login);
    }
    for created in 3..6 {
        let (login, over_cap) = log_in_capped(trial, "ada", created, 3).await?;
        same("over the cap one ends", &over_cap, &1)?;
        let oldest = logins.remove(0);
        trial.ended("the oldest goes", &oldest, EndReason::OverCap, at(created)).await?;
        logins.push(login);
        for login in &logins {
            trial.stands("the others stand", login).await?;
        }
    }
    Ok(())
}

pub(super) async fn the_oldest_is_the_oldest_login_not_the_least_used(trial: &Trial<'_>) -> Kept {
    let (oldest, newer) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 10).await?);
    same("a living session is touched", &trial.touch(oldest.digest, 50, 50).await?, &true)?;
    log_in_capped(trial, "ada", 60, 2).await?;
    trial.ended("the oldest login goes", &oldest, EndReason::OverCap, at(60)).await?;
    trial.stands("the newer stands", &newer).await
}

pub(super) async fn the_cap_is_per_subject(trial: &Trial<'_>) -> Kept {
    let (ada, eve) = (trial.log_in("ada", 0).await?, trial.log_in("eve", 0).await?);
    let (_, over_cap) = log_in_capped(trial, "eve", 1, 2).await?;
    same("another subject's sessions do not count", &over_cap, &0)?;
    log_in_capped(trial, "eve", 2, 1).await?;
    trial.gone("the cap ended one's own", eve.digest).await?;
    trial.stands("another subject's session stands", &ada).await
}

pub(super) async fn a_cap_of_one_leaves_the_new_session(trial: &Trial<'_>) -> Kept {
    let old = trial.log_in("ada", 0).await?;
    let (login, over_cap) = log_in_capped(trial, "ada", 1, 1).await?;
    same("the other one ends", &over_cap, &1)?;
    trial.ended("the older goes", &old, EndReason::OverCap, at(1)).await?;
    trial.stands("the new one stands", &login).await
}

pub(super) async fn a_lowered_cap_ends_all_that_is_over(trial: &Trial<'_>) -> Kept {
    for created in 0..5 {
        trial.log_in("ada", created).await?;
    }
    let (login, over_cap) = log_in_capped(trial, "ada", 9, 2).await?;
    same("four of six are over a cap of two", &over_cap, &4)?;
    let ids = trial.ids(Some("ada")).await?;
    same("two are left", &ids.len(), &2)?;
    same("the newest is the new one", &ids.first(), &Some(&login.record.id))
}

pub(super) async fn expired_sessions_do_not_count_towards_the_cap(trial: &Trial<'_>) -> Kept {
    let idle = trial.log_in("ada", 0).await?;
    let absolute = SessionRecord { idle_timeout: None, absolute_expires_at: at(IDLE), ..trial.record("ada", 1) };
    let absolute = trial.log_in_as(&absolute).await?;
    let living = trial.log_in("ada", 2).await?;
    let (_, over_cap) = log_in_capped(trial, "ada", IDLE, 2).await?;
    same("two ended by themselves in this very millisecond, so none is over the cap", &over_cap, &0)?;
    trial.stands("the living one stands", &living).await?;
    trial.stands("an expired one is left to the purge", &idle).await?;
    trial.stands("an expired one is left to the purge", &absolute).await
}

pub(super) async fn a_session_in_its_last_millisecond_counts_towards_the_cap(trial: &Trial<'_>) -> Kept {
    let idle = trial.log_in("ada", 0).await?;
    log_in_capped(trial, "ada", IDLE - 1, 1).await?;
    trial.ended("it was living", &idle, EndReason::OverCap, at(IDLE - 1)).await?;
    let absolute = SessionRecord { idle_timeout: None, ..trial.record("eve", 0) };
    let absolute = trial.log_in_as(&absolute).await?;
    log_in_capped(trial, "eve", ABSOLUTE - 1, 1).await?;
    trial.ended("it was living", &absolute, EndReason::OverCap, at(ABSOLUTE - 1)).await
}
