//! Clauses about replaced tokens (G3): the old one is unusable, the new one is the same session, and nobody comes back.

use super::trial::{ABSOLUTE, IDLE, Kept, Login, Trial, at, conflict, same, subject};
use crate::ending::EndReason;
use crate::session::SessionRecord;
use crate::store::{Replace, Target};

/// The same session under another token.
fn under(login: &Login, digest: crate::token::TokenDigest) -> Login {
    Login { digest, record: login.record.clone() }
}

pub(super) async fn a_replaced_token_is_unusable_and_the_new_one_is_the_same_session(trial: &Trial<'_>) -> Kept {
    let (login, other) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 0).await?);
    let new = trial.digest();
    same("a living token is replaced", &trial.replace(login.digest, new, 9).await?, &true)?;
    trial.gone("the old token is unusable", login.digest).await?;
    trial.stands("the new one is the same session in every field", &under(&login, new)).await?;
    trial.stands("another session keeps its token", &other).await?;
    same("there are as many sessions as before", &trial.ids(Some("ada")).await?.len(), &2)?;
    same("the old token again is refused", &trial.replace(login.digest, trial.digest(), 9).await?, &false)?;
    same("the old token is not touched", &trial.touch(login.digest, 10, 10).await?, &false)?;
    same("the new one is", &trial.touch(new, 10, 10).await?, &true)
}

pub(super) async fn replacing_is_no_ending(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let new = trial.digest();
    trial.replace(login.digest, new, 9).await?;
    same("a session that lives on has no ending", &trial.sessions.ending_of(login.digest).await?, &None)?;
    same("nor has its subject", &trial.sessions.endings(subject("ada"), 9).await?, &Vec::new())?;
    let by_old = trial.end(Target::Token(login.digest), EndReason::Logout, 10).await?;
    same("the old token ends nothing", &by_old, &0)?;
    trial.log_out(&under(&login, new), 11).await?;
    trial.ended("the new token ends it", &under(&login, new), EndReason::Logout, at(11)).await?;
    let wanted = vec![login.ending(EndReason::Logout, at(11))];
    same("and it ended once", &trial.sessions.endings(subject("ada"), 9).await?, &wanted)
}

pub(super) async fn replacing_the_unknown_leaves_no_row(trial: &Trial<'_>) -> Kept {
    let (old, new) = (trial.digest(), trial.digest());
    same("an unknown token is not replaced", &trial.replace(old, new, 1).await?, &false)?;
    trial.gone("and no session came of it (G3)", new).await?;
    same("in no list either", &trial.ids(None).await?, &Vec::new())
}

pub(super) async fn replacing_after_the_end_brings_nobody_back(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    trial.log_out(&login, 5).await?;
    for reauthenticated_until in [None, Some(at(ABSOLUTE))] {
        let replace = Replace { old: login.digest, new: trial.digest(), now: at(6), reauthenticated_until };
        same("an ended session is not replaced", &trial.sessions.replace(replace).await?, &false)?;
        trial.gone("and does not come back (G3)", replace.new).await?;
    }
    trial.ended("it stays ended", &login, EndReason::Logout, at(5)).await?;
    same("in no list either", &trial.ids(None).await?, &Vec::new())
}

pub(super) async fn replacing_after_expiry_brings_nobody_back(trial: &Trial<'_>) -> Kept {
    let idle = trial.log_in("ada", 0).await?;
    let absolute = SessionRecord { idle_timeout: None, ..trial.record("ada", 0) };
    let absolute = trial.log_in_as(&absolute).await?;
    for (login, end) in [(&idle, IDLE), (&absolute, ABSOLUTE)] {
        for reauthenticated_until in [None, Some(at(9 * ABSOLUTE))] {
            let replace = Replace { old: login.digest, new: trial.digest(), now: at(end), reauthenticated_until };
            same("an expired session is not replaced", &trial.sessions.replace(replace).await?, &false)?;
            trial.gone("under no new token", replace.new).await?;
            trial.stands("and is as before", login).await?;
        }
        let new = trial.digest();
        same("a millisecond before, it is", &trial.replace(login.digest, new, end - 1).await?, &true)?;
        trial.stands("the same session", &under(login, new)).await?;
    }
    Ok(())
}

pub(super) async fn a_taken_new_token_is_a_conflict(trial: &Trial<'_>) -> Kept {
    let (login, other) = (trial.log_in("ada", 0).await?, trial.log_in("eve", 0).await?);
    conflict("a new token that is taken", trial.replace(login.digest, other.digest, 1).await)?;
    trial.stands("the old token still works", &login).await?;
    trial.stands("whose token it was keeps it", &other).await
}

pub(super) async fn a_proof_restarts_both_timers(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    let (new, until) = (trial.digest(), at(500 + ABSOLUTE));
    let replace = Replace { old: login.digest, new, now: at(500), reauthenticated_until: Some(until) };
    same("a living session is replaced", &trial.sessions.replace(replace).await?, &true)?;
    let (authenticated_at, last_seen_at) = (at(500), at(500));
    let record = SessionRecord { authenticated_at, last_seen_at, absolute_expires_at: until, ..login.record.clone() };
    trial.stands("authenticated and last seen now, a new absolute expiry", &Login { digest: new, record }).await?;
    same("idle from now on", &trial.touch(new, IDLE + 499, IDLE + 499).await?, &true)
}

pub(super) async fn a_proof_never_moves_the_last_use_back(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    trial.touch(login.digest, 700, 700).await?;
    let new = trial.digest();
    let until = Some(at(ABSOLUTE));
    let replace = Replace { old: login.digest, new, now: at(500), reauthenticated_until: until };
    same("a living session is replaced", &trial.sessions.replace(replace).await?, &true)?;
    let record = SessionRecord { authenticated_at: at(500), last_seen_at: at(700), ..login.record.clone() };
    trial.stands("the last use stays", &Login { digest: new, record }).await
}
