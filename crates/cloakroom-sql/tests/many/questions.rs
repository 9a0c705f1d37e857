//! What is asked of many sessions, and what every database must answer.
//!
//! Row `n` of them was created `n` seconds after [`START`]. Every tenth is the subject's `service`, the others have many subjects; each
//! thousandth began with a passkey, each hundredth in Firefox; and the oldest alone in `Rare/1.0` and from 203.0.113.7.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::ending::EndReason;
use cloakroom_core::session::{AuthMethod, SessionId, Subject};
use cloakroom_core::store::{LOOKED_AT_MAX, ListQuery, PAGE_MAX, SessionFilter, SessionStore};
use cloakroom_core::time::Timestamp;
use tokio::time::Instant;

/// When row 0 was created.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// How many sessions a page shows.
const SHOWN: u32 = 50;

/// How many rows there are.
pub(crate) fn rows() -> u64 {
    let rows =
        std::env::var("CLOAKROOM_ROWS").map_or(100_000, |text| text.parse().expect("CLOAKROOM_ROWS is a number"));
    println!("CLOAKROOM_ROWS={rows}");
    rows
}

/// When all of them are living.
pub(crate) fn now(rows: u64) -> Timestamp {
    START.plus(Duration::from_secs(rows))
}

/// The id of row `n`.
fn id(n: u64) -> SessionId {
    let millis = u128::try_from(START.as_millis()).unwrap() + u128::from(n) * 1000;
    SessionId::from_uuid(uuid::Uuid::from_u128(millis << 80 | 0x7 << 76 | 0x8 << 60 | u128::from(n)))
}

/// One question: a filter, and how many rows match it.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) filter: SessionFilter,
    /// Rows there are of it, of so many.
    matching: fn(u64) -> u64,
}

pub(crate) fn questions(rows: u64) -> Vec<Question> {
    let question = |name, filter, matching| Question { name, filter, matching };
    let all = SessionFilter::default;
    let of = |text: &str| SessionFilter::of(Subject::new(text).unwrap());
    let from = |text: &str| SessionFilter { network: Some(text.parse().unwrap()), ..all() };
    let with = |text: &str| SessionFilter { browser: Some(text.parse().unwrap()), ..all() };
    let passkey = Some(AuthMethod::new("passkey").unwrap());
    let half = Some(START.plus(Duration::from_secs(rows / 2)));
    vec![
        question("all", all(), |rows| rows),
        question("one subject", of("s7"), |rows| (rows - 7).div_ceil(rows / 20)),
        question("a subject with a tenth", of("service"), |rows| rows / 10),
        question(
            "a subject and a rare browser",
            SessionFilter { browser: with("rare").browser, ..of("service") },
            |_| 1,
        ),
        question("created before the middle", SessionFilter { created_before: half, ..all() }, |rows| rows / 2),
        question("a method of a thousandth", SessionFilter { auth_method: passkey, ..all() }, |rows| rows / 1000),
        question("a browser of a hundredth", with("FireFox"), |rows| rows / 100),
        question("a browser of the oldest alone", with("rare/1"), |_| 1),
        question("a network of nearly all", from("10.0.0.0/8"), |rows| rows - 1),
        question("an address of the oldest alone", from("203.0.113.7"), |_| 1),
        question("a network of nobody", from("2001:db8::/32"), |_| 0),
    ]
}

/// Asks everything, prints how long it took, and checks that each answer is whole and each page bounded. Ends the most of them at last.
pub(crate) async fn ask(store: &Arc<dyn SessionStore>, rows: u64) {
    for Question { name, filter, matching } in questions(rows) {
        let wanted = matching(rows);
        let first = timed(async || list(store, &filter, None).await).await;
        let middle = timed(async || list(store, &filter, Some(id(rows / 2))).await).await;
        let count = timed(async || store.count_matching(filter.clone(), None, now(rows)).await.unwrap()).await;
        println!("{name:32} first page {first:>8.1?}  from the middle {middle:>8.1?}  count {count:>8.1?}");
        let (found, list_pages) = walk(&filter, async |before| {
            let page = store.list(ListQuery { filter: filter.clone(), before, limit: 500 }).await.unwrap();
            assert!(page.sessions.is_sorted_by(|newer, older| newer.id > older.id), "{name}");
            (page.sessions.len() as u64, page.next)
        })
        .await;
        let (counted, count_pages) = walk(&filter, async |before| {
            let page = store.count_matching(filter.clone(), before, now(rows)).await.unwrap();
            (page.living, page.next)
        })
        .await;
        assert_eq!((found, counted), (wanted, wanted), "{name}");
        // A subject's sessions are looked at a page at a time; `service` has a tenth of all.
        let looked_at = if filter.subject.is_some() { u64::from(PAGE_MAX) * 10 } else { u64::from(LOOKED_AT_MAX) };
        let most = rows.div_ceil(looked_at) + 1;
        assert!(list_pages <= most + found / 500, "{name}: {list_pages} pages for {found}");
        assert!(count_pages <= most, "{name}: {count_pages} pages");
    }
    for (name, ended) in
        [("an address of the oldest alone", 1), ("a method of a thousandth", rows / 1000), ("all", 500)]
    {
        let Question { filter, .. } = questions(rows).into_iter().find(|question| question.name == name).unwrap();
        let (mut slowest, mut done, mut before) = (Duration::ZERO, 0, None);
        loop {
            let began = Instant::now();
            let page = store.end_matching(filter.clone(), before, 500, EndReason::Administrator, now(rows)).await;
            slowest = slowest.max(began.elapsed());
            let page = page.unwrap();
            (done, before) = (done + page.ended, page.next);
            if before.is_none() || name == "all" {
                break;
            }
        }
        println!("{name:32} ended, slowest chunk {slowest:>8.1?}");
        assert_eq!(done, ended, "{name}");
    }
}

async fn list(store: &Arc<dyn SessionStore>, filter: &SessionFilter, before: Option<SessionId>) {
    let page = store.list(ListQuery { filter: filter.clone(), before, limit: SHOWN }).await.unwrap();
    assert!(page.sessions.len() <= SHOWN as usize);
}

/// The least of some times: what else runs on the machine can only add to it.
async fn timed<T>(ask: impl AsyncFn() -> T) -> Duration {
    let mut times = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        ask().await;
        times.push(began.elapsed());
    }
    times.into_iter().min().unwrap()
}

/// Goes from page to page; returns the sum and how many there were. No page passes over more rows than it may look at.
async fn walk(filter: &SessionFilter, page: impl AsyncFn(Option<SessionId>) -> (u64, Option<SessionId>)) -> (u64, u64) {
    let (mut sum, mut pages, mut before) = (0, 0, None);
    loop {
        let (more, next) = page(before).await;
        (sum, pages) = (sum + more, pages + 1);
        let Some(next) = next else { return (sum, pages) };
        if filter.subject.is_none() {
            let passed = before.map_or(0, |before| row_of(before) - row_of(next));
            assert!(passed <= u64::from(LOOKED_AT_MAX), "a page passed over {passed} rows");
        }
        before = Some(next);
    }
}

fn row_of(id: SessionId) -> u64 {
    u64::try_from(id.as_uuid().as_u128() & 0xffff_ffff_ffff).unwrap()
}
