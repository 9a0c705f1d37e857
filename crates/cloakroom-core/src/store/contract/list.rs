//! Clauses about the list of sessions: newest first, in pages, of one subject or of all.

use super::trial::{IDLE, Kept, NO_CAP, Trial, at, join_all, same, subject};
use crate::ending::EndReason;
use crate::session::{SessionId, SessionRecord};
use crate::store::{ListQuery, PAGE_MAX, SessionFilter, Target};

async fn page(trial: &Trial<'_>, of: Option<&str>, before: Option<SessionId>, limit: u32) -> Kept<Vec<SessionRecord>> {
    let filter = SessionFilter { subject: of.map(subject), ..SessionFilter::default() };
    Ok(trial.sessions.list(ListQuery { filter, before, limit }).await?.sessions)
}

/// Logs in five times each, by turns and not in the order of time; the records, newest first.
async fn ten(trial: &Trial<'_>) -> Kept<Vec<SessionRecord>> {
    let mut records = Vec::new();
    for created in [7, 2, 9, 0, 4, 1, 8, 3, 6, 5] {
        let of = if created % 2 == 0 { "ada" } else { "eve" };
        records.push(trial.log_in(of, created * 10).await?.record);
    }
    records.sort_by_key(|record| std::cmp::Reverse(record.id));
    Ok(records)
}

pub(super) async fn a_list_is_newest_first_and_whole(trial: &Trial<'_>) -> Kept {
    same("an empty store has an empty list", &page(trial, None, None, 10).await?, &Vec::new())?;
    let all = ten(trial).await?;
    same("all, newest first, in every field", &page(trial, None, None, 100).await?, &all)
}

pub(super) async fn a_list_of_a_subject_has_its_sessions_only(trial: &Trial<'_>) -> Kept {
    let all = ten(trial).await?;
    for of in ["ada", "eve"] {
        let own: Vec<_> = all.iter().filter(|record| record.subject.as_str() == of).cloned().collect();
        same(&format!("the sessions of {of}"), &page(trial, Some(of), None, 100).await?, &own)?;
        let rest: Vec<_> = own.iter().skip(2).cloned().collect();
        same(&format!("the next page of {of}"), &page(trial, Some(of), Some(own[1].id), 100).await?, &rest)?;
    }
    same("of nobody", &page(trial, Some("nobody"), None, 100).await?, &Vec::new())
}

pub(super) async fn a_list_is_limited(trial: &Trial<'_>) -> Kept {
    let all = ten(trial).await?;
    for (limit, count) in [(0, 0), (1, 1), (3, 3), (10, 10), (11, 10), (PAGE_MAX, 10), (u32::MAX, 10)] {
        let found = page(trial, None, None, limit).await?;
        same(&format!("the newest of at most {limit}"), &found, &all[..count].to_vec())?;
    }
    Ok(())
}

pub(super) async fn pages_follow_each_other_without_gap_or_overlap(trial: &Trial<'_>) -> Kept {
    let all = ten(trial).await?;
    for limit in [1, 3, 4] {
        let mut found = Vec::new();
        let mut before = None;
        for _ in 0..=all.len() {
            let page = trial.sessions.list(ListQuery { before, limit, ..ListQuery::default() }).await?;
            found.extend(page.sessions);
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        same(&format!("all pages of {limit} together"), &found, &all)?;
    }
    Ok(())
}

pub(super) async fn a_page_starts_below_an_id_that_is_gone(trial: &Trial<'_>) -> Kept {
    let all = ten(trial).await?;
    same("one session ends", &trial.end(Target::Session(all[4].id), EndReason::Logout, 500).await?, &1)?;
    same("the page after it", &page(trial, None, Some(all[4].id), 100).await?, &all[5..].to_vec())
}

pub(super) async fn expired_sessions_are_listed_until_they_are_purged(trial: &Trial<'_>) -> Kept {
    let (old, new) = (trial.log_in("ada", 0).await?, trial.log_in("ada", IDLE + 5).await?);
    same("both", &trial.ids(Some("ada")).await?, &vec![new.record.id, old.record.id])?;
    trial.purge(IDLE + 1, 10, IDLE + 5).await?;
    same("the living one", &trial.ids(Some("ada")).await?, &vec![new.record.id])
}

pub(super) async fn no_page_is_longer_than_the_longest(trial: &Trial<'_>) -> Kept {
    let moment = trial.sessions.begin().await?;
    for _ in 0..10 {
        let logins = (0..51).map(|created| {
            let issue = crate::store::Issue {
                max_per_subject: NO_CAP,
                ..trial.issue(moment.clone(), &trial.record("ada", created))
            };
            trial.sessions.issue(issue)
        });
        for issued in join_all(logins.collect()).await {
            same("a login is", &issued?, &crate::store::Issued::Created { over_cap: 0 })?;
        }
    }
    for limit in [PAGE_MAX, PAGE_MAX + 1, u32::MAX] {
        let found = page(trial, Some("ada"), None, limit).await?;
        same(&format!("of 510 sessions, asked for {limit}"), &found.len(), &(PAGE_MAX as usize))?;
    }
    same("all of them end", &trial.end(Target::Everyone, EndReason::Everyone, 100).await?, &510)?;
    for limit in [PAGE_MAX, PAGE_MAX + 1, u32::MAX] {
        let found = trial.sessions.endings(subject("ada"), limit).await?;
        same(&format!("of 510 endings, asked for {limit}"), &found.len(), &(PAGE_MAX as usize))?;
        same("each says when", &found.iter().all(|ending| ending.at == at(100)), &true)?;
    }
    Ok(())
}
