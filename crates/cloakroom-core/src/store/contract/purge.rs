//! Clauses about the purge: it takes what ended by itself, in chunks, with its reason, and never what lives.

use super::trial::{ABSOLUTE, IDLE, Kept, Login, Trial, at, holds, same, subject};
use crate::ending::EndReason;
use crate::session::SessionRecord;
use crate::store::{Purge, Purged};

async fn without_idle(trial: &Trial<'_>, of: &str) -> Kept<Login> {
    let record = SessionRecord { idle_timeout: None, ..trial.record(of, 0) };
    trial.log_in_as(&record).await
}

/// Purges until there is no more; the sessions and feed entries deleted.
async fn purge_all(trial: &Trial<'_>, purge: Purge) -> Kept<(u64, u64)> {
    let (mut sessions, mut feed) = (0, 0);
    for _ in 0..1_000 {
        let purged = trial.sessions.purge(purge).await?;
        let chunk = u64::from(purge.chunk);
        holds("a purge deletes at most a chunk of each", purged.sessions.max(purged.feed) <= chunk, purged)?;
        (sessions, feed) = (sessions + purged.sessions, feed + purged.feed);
        if !purged.more {
            return Ok((sessions, feed));
        }
    }
    holds("a purge comes to its end", false, "still more after 1,000 chunks")?;
    Ok((sessions, feed))
}

pub(super) async fn purging_takes_what_ended_before_a_time(trial: &Trial<'_>) -> Kept {
    for (login, end, reason) in [
        (trial.log_in("ada", 0).await?, IDLE, EndReason::Idle),
        (without_idle(trial, "ada").await?, ABSOLUTE, EndReason::Absolute),
    ] {
        for before in [end - 1, end] {
            same("what did not end before this time", &trial.purge(before, 10, end + 9).await?.sessions, &0)?;
            trial.stands("stands", &login).await?;
        }
        same("what ended a millisecond before", &trial.purge(end + 1, 10, end + 9).await?.sessions, &1)?;
        trial.ended("is deleted, with its reason", &login, reason, at(end + 9)).await?;
        same("and is not listed", &trial.ids(Some("ada")).await?.contains(&login.record.id), &false)?;
    }
    Ok(())
}

pub(super) async fn purging_never_takes_the_living(trial: &Trial<'_>) -> Kept {
    let (used, no_idle) = (trial.log_in("ada", 0).await?, without_idle(trial, "ada").await?);
    let mut last = 0;
    while last < 5 * IDLE {
        last += IDLE - 1;
        same("a living session is touched", &trial.touch(used.digest, last, last).await?, &true)?;
    }
    let now = last + IDLE - 1;
    same("nothing ended", &trial.purge(now, 10, now).await?, &Purged::default())?;
    let record = SessionRecord { last_seen_at: at(last), ..used.record.clone() };
    trial.stands("a session in use stands", &Login { digest: used.digest, record }).await?;
    trial.stands("a session without idle timeout stands", &no_idle).await
}

pub(super) async fn the_earlier_timeout_ends_a_session(trial: &Trial<'_>) -> Kept {
    let record = SessionRecord { absolute_expires_at: at(IDLE / 2), ..trial.record("ada", 0) };
    let login = trial.log_in_as(&record).await?;
    let before = IDLE / 2 + 1;
    same("it ended absolutely, not idle", &trial.purge(before, 10, before).await?.sessions, &1)?;
    trial.ended("and the reason is that", &login, EndReason::Absolute, at(before)).await
}

pub(super) async fn purging_goes_in_chunks_and_says_whether_there_is_more(trial: &Trial<'_>) -> Kept {
    for created in 0..7 {
        trial.log_in("ada", created).await?;
    }
    let living = trial.log_in("ada", 5 * IDLE).await?;
    let first = trial.purge(3 * IDLE, 3, 5 * IDLE).await?;
    same("a chunk of three, and more", &first, &Purged { sessions: 3, feed: 0, more: true })?;
    same("the rest stands", &trial.ids(None).await?.len(), &5)?;
    let purge = Purge { ended_before: at(3 * IDLE), feed_before: at(0), chunk: 3, at: at(5 * IDLE) };
    same("four more until there is no more", &purge_all(trial, purge).await?, &(4, 0))?;
    same("nothing left to purge", &trial.sessions.purge(purge).await?, &Purged::default())?;
    trial.stands("the living one stands", &living).await?;
    same("each end is in the feed once", &trial.sessions.endings(subject("ada"), 50).await?.len(), &7)
}

pub(super) async fn purging_an_empty_store_does_nothing(trial: &Trial<'_>) -> Kept {
    let purge = Purge { ended_before: at(5), feed_before: at(5), chunk: 10, at: at(5) };
    same("nothing", &trial.sessions.purge(purge).await?, &Purged::default())
}

pub(super) async fn the_feed_forgets_what_is_older_than_its_retention(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for ended in [10, 20, 30] {
        let login = trial.log_in("ada", 0).await?;
        trial.log_out(&login, ended).await?;
        logins.push(login);
    }
    let purge = Purge { ended_before: at(0), feed_before: at(20), chunk: 10, at: at(100) };
    let wanted = Purged { sessions: 0, feed: 1, more: false };
    same("only the entry from before this time goes", &trial.sessions.purge(purge).await?, &wanted)?;
    same("the ending is forgotten", &trial.sessions.ending_of(logins[0].digest).await?, &None)?;
    trial.ended("one of this very time is not", &logins[1], EndReason::Logout, at(20)).await?;
    let left: Vec<_> = [(2, 30), (1, 20)].map(|(i, ms)| logins[i].ending(EndReason::Logout, at(ms))).to_vec();
    same("the others are remembered", &trial.sessions.endings(subject("ada"), 10).await?, &left)?;
    trial.gone("what is forgotten does not come back", logins[0].digest).await
}

pub(super) async fn the_feed_is_purged_in_chunks(trial: &Trial<'_>) -> Kept {
    for ended in 10..17 {
        let login = trial.log_in("ada", 0).await?;
        trial.log_out(&login, ended).await?;
    }
    let purge = Purge { ended_before: at(0), feed_before: at(16), chunk: 4, at: at(100) };
    let first = trial.sessions.purge(purge).await?;
    same("a chunk of four, and more", &first, &Purged { sessions: 0, feed: 4, more: true })?;
    let left: Vec<_> = trial.sessions.endings(subject("ada"), 10).await?.iter().map(|ending| ending.at).collect();
    same("the oldest went first", &left, &vec![at(16), at(15), at(14)])?;
    same("two more until there is no more", &purge_all(trial, purge).await?, &(0, 2))?;
    same("one is left", &trial.sessions.endings(subject("ada"), 10).await?.len(), &1)
}

pub(super) async fn forgetting_an_ending_does_not_let_a_late_login_in(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    let login = trial.log_in("ada", 0).await?;
    trial.end(login.subject(), EndReason::SubjectWide, 10).await?;
    let purge = Purge { ended_before: at(50), feed_before: at(50), chunk: 10, at: at(100) };
    same("no session is purged", &purge_all(trial, purge).await?.0, &0)?;
    same("the ending is forgotten", &trial.sessions.ending_of(login.digest).await?, &None)?;
    let late = trial.issue(moment, &trial.record("ada", 200));
    same("a login from before is", &trial.sessions.issue(late).await?, &crate::store::Issued::Overtaken)?;
    trial.log_in("ada", 201).await?;
    Ok(())
}
