//! Clauses about scrubbing: client facts are forgotten after their time, and nothing else of a session is.

use super::trial::{IDLE, Kept, Login, Trial, at, holds, same, subject};
use crate::session::{ClientFacts, SessionRecord};
use crate::store::Scrub;

/// Walks to the end; how many sessions were scrubbed.
async fn scrub_all(trial: &Trial<'_>, created_before: i64, chunk: u32) -> Kept<u64> {
    let (mut scrubbed, mut after) = (0, None);
    for _ in 0..1_000 {
        let done = trial.sessions.scrub(Scrub { created_before: at(created_before), after, chunk }).await?;
        holds("a chunk scrubs no more than it looks at", done.sessions <= u64::from(chunk), done)?;
        holds("the walk goes forward", done.next.is_none_or(|next| after.is_none_or(|after| next > after)), done)?;
        scrubbed += done.sessions;
        after = done.next;
        if after.is_none() {
            return Ok(scrubbed);
        }
    }
    holds("a walk comes to its end", false, "still more after 1,000 chunks")?;
    Ok(scrubbed)
}

fn without_facts(login: &Login) -> Login {
    let record = SessionRecord { client: ClientFacts::default(), ..login.record.clone() };
    Login { record, ..login.clone() }
}

pub(super) async fn client_facts_are_forgotten_after_their_time(trial: &Trial<'_>) -> Kept {
    let (old, young) = (trial.log_in("ada", 0).await?, trial.log_in("ada", 100).await?);
    same("nobody's time has come", &scrub_all(trial, 0, 10).await?, &0)?;
    trial.stands("the older keeps its facts until then", &old).await?;
    same("the older's time has come", &scrub_all(trial, 100, 10).await?, &1)?;
    trial.stands("the older has lost its client facts and nothing else", &without_facts(&old)).await?;
    trial.stands("one created at this very time keeps them", &young).await?;
    same("what is scrubbed is not scrubbed again", &scrub_all(trial, 100, 10).await?, &0)
}

pub(super) async fn a_scrubbed_session_lives_on(trial: &Trial<'_>) -> Kept {
    let login = trial.log_in("ada", 0).await?;
    same("one is scrubbed", &scrub_all(trial, 1, 10).await?, &1)?;
    same("scrubbing is no ending", &trial.sessions.endings(subject("ada"), 10).await?, &Vec::new())?;
    same("it can still be touched", &trial.touch(login.digest, IDLE - 1, IDLE - 1).await?, &true)?;
    trial.log_out(&login, IDLE).await?;
    trial.gone("and is gone after its logout", login.digest).await?;
    same("what is gone is not brought back", &scrub_all(trial, IDLE, 10).await?, &0)?;
    trial.gone("by scrubbing", login.digest).await
}

pub(super) async fn scrubbing_goes_in_chunks_over_everybody(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for (created, of) in (0..7).zip(["ada", "eve", "bob"].into_iter().cycle()) {
        logins.push(trial.log_in(of, created).await?);
    }
    let first = trial.sessions.scrub(Scrub { created_before: at(9), after: None, chunk: 3 }).await?;
    same("a chunk of three", &first.sessions, &3)?;
    holds("and there is more", first.next.is_some(), first)?;
    same("the other four", &scrub_all(trial, 9, 2).await?, &4)?;
    for login in &logins {
        trial.stands("each has lost its client facts", &without_facts(login)).await?;
    }
    Ok(())
}
