//! Clauses about filters: what matches is listed, counted and ended, in pages that say where to go on, and nothing else is.

use super::trial::{IDLE, Kept, Login, Running, Trial, at, auth_method, holds, join_all, same, subject};
use crate::ending::EndReason;
use crate::session::{ClientFacts, SessionId, SessionRecord};
use crate::store::{EndedPage, Issued, ListQuery, PAGE_MAX, Scrub, SessionFilter};

/// Why the sessions of these clauses end.
const REASON: EndReason = EndReason::Administrator;

/// Logs `of` in at `created`, with a browser from an address.
async fn log_in(trial: &Trial<'_>, of: &str, created: i64, agent: Option<&str>, ip: Option<&str>) -> Kept<Login> {
    let client = ClientFacts::new(agent, ip.and_then(|ip| ip.parse().ok()));
    trial.log_in_as(&SessionRecord { client, ..trial.record(of, created) }).await
}

/// Five sessions that no field has all of.
async fn five(trial: &Trial<'_>) -> Kept<[Login; 5]> {
    let passkey = SessionRecord {
        auth_method: auth_method("passkey"),
        client: ClientFacts::new(Some("Mozilla/5.0 Chrome/120"), "198.51.100.1".parse().ok()),
        ..trial.record("ada", 10)
    };
    Ok([
        log_in(trial, "ada", 0, Some("Mozilla/5.0 Firefox/128"), Some("203.0.113.7")).await?,
        trial.log_in_as(&passkey).await?,
        log_in(trial, "eve", 20, Some("Mozilla/5.0 FIREFOX/1"), Some("2001:db8::1")).await?,
        log_in(trial, "eve", 30, None, None).await?,
        log_in(trial, "Ada", 40, Some("curl/8.0"), Some("203.0.113.200")).await?,
    ])
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
fn from(network: &str) -> SessionFilter {
    SessionFilter { network: Some(network.parse().expect("a network")), ..SessionFilter::default() }
}

#[expect(clippy::expect_used, reason = "the texts are the suite's own")]
fn with(piece: &str) -> SessionFilter {
    SessionFilter { browser: Some(piece.parse().expect("a piece")), ..SessionFilter::default() }
}

fn before(ms: i64) -> SessionFilter {
    SessionFilter { created_before: Some(at(ms)), ..SessionFilter::default() }
}

fn by(method: &str) -> SessionFilter {
    SessionFilter { auth_method: Some(auth_method(method)), ..SessionFilter::default() }
}

/// What is listed, page by page to the end; newest first.
async fn listed(trial: &Trial<'_>, filter: &SessionFilter, limit: u32) -> Kept<Vec<SessionId>> {
    let (mut found, mut before) = (Vec::new(), None);
    for _ in 0..100 {
        let query = ListQuery { filter: filter.clone(), before, limit };
        let page = trial.sessions.list(query).await?;
        let is_forward = page.next.is_none_or(|next| before.is_none_or(|before| next < before));
        holds("a walk goes forward", is_forward, page.next)?;
        found.extend(page.sessions.iter().map(|session| session.id));
        before = page.next;
        if before.is_none() {
            return Ok(found);
        }
    }
    holds("a list comes to its end", false, "still more after 100 pages").map(|()| found)
}

/// How many living ones there are at `now`.
async fn counted(trial: &Trial<'_>, filter: &SessionFilter, now: i64) -> Kept<u64> {
    let (mut living, mut before) = (0, None);
    for _ in 0..100 {
        let page = trial.sessions.count_matching(filter.clone(), before, at(now)).await?;
        living += page.living;
        before = page.next;
        if before.is_none() {
            return Ok(living);
        }
    }
    holds("a count comes to its end", false, "still more after 100 pages").map(|()| living)
}

async fn end_chunk(
    trial: &Trial<'_>,
    filter: &SessionFilter,
    before: Option<SessionId>,
    chunk: u32,
    now: i64,
) -> Kept<EndedPage> {
    Ok(trial.sessions.end_matching(filter.clone(), before, chunk, REASON, at(now)).await?)
}

/// Ends all that match, in chunks.
async fn end_all(trial: &Trial<'_>, filter: &SessionFilter, chunk: u32, now: i64) -> Kept<u64> {
    let (mut ended, mut before) = (0, None);
    for _ in 0..200 {
        let page = end_chunk(trial, filter, before, chunk, now).await?;
        holds("a chunk ends no more than it may", page.ended <= u64::from(chunk.max(1)), page)?;
        ended += page.ended;
        before = page.next;
        if before.is_none() {
            return Ok(ended);
        }
    }
    holds("an end comes to its end", false, "still more after 200 chunks").map(|()| ended)
}

/// These of the five match.
async fn finds(trial: &Trial<'_>, all: &[Login; 5], filter: &SessionFilter, matching: &[usize]) -> Kept {
    let wanted: Vec<_> = matching.iter().rev().map(|index| all[*index].record.id).collect();
    for limit in [1, 2, PAGE_MAX] {
        same(&format!("pages of {limit} of {filter:?}"), &listed(trial, filter, limit).await?, &wanted)?;
    }
    same(&format!("a count of {filter:?}"), &counted(trial, filter, 50).await?, &(wanted.len() as u64))
}

pub(super) async fn each_field_of_a_filter_is_asked(trial: &Trial<'_>) -> Kept {
    let all = five(trial).await?;
    for (filter, matching) in [
        (SessionFilter::default(), &[0, 1, 2, 3, 4][..]),
        (SessionFilter::of(subject("ada")), &[0, 1]),
        (SessionFilter::of(subject("nobody")), &[]),
        (from("203.0.113.0/24"), &[0, 4]),
        (from("203.0.113.7"), &[0]),
        (from("2001:db8::/32"), &[2]),
        (from("0.0.0.0/0"), &[0, 1, 4]),
        (from("::/0"), &[2]),
        (from("10.0.0.0/8"), &[]),
        (before(30), &[0, 1, 2]),
        (before(31), &[0, 1, 2, 3]),
        (before(0), &[]),
        (by("passkey"), &[1]),
        (by("pass"), &[]),
        (with("fireFOX/1"), &[0, 2]),
        (with("curl"), &[4]),
        (with("%"), &[]),
        (with("_"), &[]),
    ] {
        finds(trial, &all, &filter, matching).await?;
    }
    Ok(())
}

pub(super) async fn fields_of_a_filter_are_asked_together(trial: &Trial<'_>) -> Kept {
    let all = five(trial).await?;
    for (filter, matching) in [
        (SessionFilter { network: from("0.0.0.0/0").network, ..with("Mozilla") }, &[0, 1][..]),
        (SessionFilter { subject: Some(subject("ada")), ..by("passkey") }, &[1]),
        (SessionFilter { subject: Some(subject("eve")), ..from("203.0.113.0/24") }, &[]),
        (SessionFilter { subject: Some(subject("eve")), ..before(30) }, &[2]),
        (SessionFilter { created_before: Some(at(20)), ..by("password") }, &[0]),
        (SessionFilter { subject: Some(subject("eve")), ..with("firefox") }, &[2]),
    ] {
        finds(trial, &all, &filter, matching).await?;
    }
    Ok(())
}

pub(super) async fn a_page_with_a_next_one_is_not_the_last(trial: &Trial<'_>) -> Kept {
    let all = five(trial).await?;
    for (limit, next) in [(3, Some(all[2].record.id)), (5, None), (6, None)] {
        let page = trial.sessions.list(ListQuery { limit, ..ListQuery::default() }).await?;
        same(&format!("of five, after {limit}"), &page.next, &next)?;
    }
    Ok(())
}

pub(super) async fn only_the_living_are_counted(trial: &Trial<'_>) -> Kept {
    let (old, new) = (trial.log_in("ada", 0).await?, trial.log_in("ada", IDLE).await?);
    same("in the last millisecond of the first", &counted(trial, &SessionFilter::default(), IDLE - 1).await?, &2)?;
    same("and a millisecond later", &counted(trial, &SessionFilter::default(), IDLE).await?, &1)?;
    same("that many living ones end", &end_all(trial, &SessionFilter::default(), 10, IDLE).await?, &1)?;
    for login in [&old, &new] {
        trial.ended("what had expired and was not purged ends too", login, REASON, at(IDLE)).await?;
    }
    Ok(())
}

pub(super) async fn a_count_begins_below_an_id(trial: &Trial<'_>) -> Kept {
    let all = five(trial).await?;
    for (index, living) in [(4, 4), (1, 1), (0, 0)] {
        let page = trial.sessions.count_matching(SessionFilter::default(), Some(all[index].record.id), at(50)).await?;
        same(&format!("below number {index}"), &page.living, &living)?;
    }
    Ok(())
}

pub(super) async fn a_filtered_end_ends_what_matches_and_says_why(trial: &Trial<'_>) -> Kept {
    let all = five(trial).await?;
    let mut left = vec![0, 1, 2, 3, 4];
    for (now, (filter, matching)) in (50..).zip([
        (from("10.0.0.0/8"), &[][..]),
        (SessionFilter { subject: Some(subject("Ada")), ..from("203.0.113.0/24") }, &[4]),
        (with("FIREFOX"), &[0, 2]),
        (before(30), &[1]),
        (SessionFilter::default(), &[3]),
    ]) {
        let wanted = matching.len() as u64;
        same(&format!("an end of {filter:?}"), &end_all(trial, &filter, 1, now).await?, &wanted)?;
        for index in matching {
            trial.ended("what matches is ended", &all[*index], REASON, at(now)).await?;
        }
        left.retain(|index| !matching.contains(index));
        for index in &left {
            trial.stands("what does not match stands", &all[*index]).await?;
        }
    }
    Ok(())
}

pub(super) async fn a_filtered_end_goes_in_chunks(trial: &Trial<'_>) -> Kept {
    for created in 0..14 {
        trial.log_in(if created % 2 == 0 { "ada" } else { "eve" }, created).await?;
    }
    let filter = SessionFilter { created_before: Some(at(100)), ..SessionFilter::of(subject("ada")) };
    let mut before = None;
    for (ended, is_more) in [(3, true), (3, true), (1, false)] {
        let page = end_chunk(trial, &filter, before, 3, 50).await?;
        same("a chunk of three, of seven", &page.ended, &ended)?;
        same("and whether there is more", &page.next.is_some(), &is_more)?;
        before = page.next;
    }
    let page = end_chunk(trial, &SessionFilter::default(), None, 0, 50).await?;
    same("a chunk of none is one of one", &page.ended, &1)?;
    same("and goes on", &page.next.is_some(), &true)
}

pub(super) async fn a_filtered_end_leaves_nothing_that_matches(trial: &Trial<'_>) -> Kept {
    let mut logins = Vec::new();
    for created in [0, 1, 2] {
        logins.push(trial.log_in("ada", created).await?);
    }
    for created in 0..6 {
        // Newer, and ended by themselves long before the others.
        let short = SessionRecord { absolute_expires_at: at(200), ..trial.record("ada", 100 + created) };
        logins.push(trial.log_in_as(&short).await?);
    }
    let other = trial.log_in("eve", 50).await?;
    let filter = SessionFilter { auth_method: by("password").auth_method, ..SessionFilter::of(subject("ada")) };
    same("the living ones end", &end_all(trial, &filter, 2, 300).await?, &3)?;
    same("nothing that matches is left", &listed(trial, &filter, 10).await?, &Vec::new())?;
    for login in &logins {
        trial.gone("each is gone", login.digest).await?;
    }
    trial.stands("what does not match stands", &other).await
}

pub(super) async fn a_filtered_end_overtakes_no_login(trial: &Trial<'_>) -> Kept {
    trial.log_in("ada", 0).await?;
    let moment = trial.sessions.begin().await?;
    same("one ends", &end_all(trial, &SessionFilter::of(subject("ada")), 10, 50).await?, &1)?;
    let issued = trial.sessions.issue(trial.issue(moment, &trial.record("ada", 60))).await?;
    same("a login that was under way is", &issued, &Issued::Created { over_cap: 0 })
}

/// What is scrubbed has no user agent any more. So each session is ended or scrubbed, never both.
pub(super) async fn what_matches_no_more_is_not_ended(trial: &Trial<'_>) -> Kept {
    for round in 0..3 {
        let mut logins = Vec::new();
        for created in 0..12 {
            logins.push(log_in(trial, "ada", created, Some("Firefox"), None).await?);
        }
        let filter = with("firefox");
        let end: Running<'_, Kept<u64>> = Box::pin(end_all(trial, &filter, 6, 50));
        let scrub: Running<'_, Kept<u64>> = Box::pin(async {
            let (mut scrubbed, mut after) = (0, None);
            loop {
                let done = trial.sessions.scrub(Scrub { created_before: at(40), after, chunk: 3 }).await?;
                (scrubbed, after) = (scrubbed + done.sessions, done.next);
                if after.is_none() {
                    return Ok(scrubbed);
                }
            }
        });
        let running = if round % 2 == 0 { vec![end, scrub] } else { vec![scrub, end] };
        let both: u64 = join_all(running).await.into_iter().sum::<Kept<u64>>()?;
        holds(&format!("round {round}: of 12, each is ended or scrubbed, not both"), both <= 12, both)?;
        end_all(trial, &SessionFilter::default(), 100, 50).await?;
    }
    Ok(())
}

pub(super) async fn concurrent_filtered_ends_count_each_session_once(trial: &Trial<'_>) -> Kept {
    for created in 0..40 {
        trial.log_in(if created % 2 == 0 { "ada" } else { "eve" }, created).await?;
    }
    let filters = [SessionFilter::default(), SessionFilter::of(subject("ada")), before(30), by("password")];
    let ends = filters.iter().map(|filter| -> Running<'_, Kept<u64>> { Box::pin(end_all(trial, filter, 7, 50)) });
    let ended: u64 = join_all(ends.collect()).await.into_iter().sum::<Kept<u64>>()?;
    same("all together end", &ended, &40)?;
    same("and the list is empty", &trial.ids(None).await?, &Vec::new())
}
