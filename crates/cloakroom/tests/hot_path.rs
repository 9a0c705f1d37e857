//! What a hit costs in memory, counted by the allocator: nothing for itself, and at most 200 bytes for what it hits.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use axum::response::IntoResponse as _;
use cloakroom::{Keep, LeaseTerms, Outcome, Sessions, Validation};
use cloakroom_core::coherence::{Continuity, Delta, FeedReply, Held, Horizon, Replica};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::time::{Steady, Timestamp};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::{PredictableRandom, Random as _};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

#[expect(clippy::unwrap_used, reason = "a helper of the tests below")]
async fn logged_in(sessions: &Sessions, subject: &str) -> HeaderMap {
    let attempt = sessions.begin().await.unwrap().keep(Keep::SignedIn);
    let response = attempt.issue(subject).await.unwrap().into_response();
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(cookie).unwrap())])
}

#[tokio::test]
async fn a_hit_allocates_nothing_and_waits_for_nothing() {
    let sessions = Sessions::builder().validation(Validation::Leased(LeaseTerms::default())).in_memory().unwrap();
    sessions.follow();
    let headers = logged_in(&sessions, "ada").await;
    while sessions.validation_counts().hits == 0 {
        assert!(matches!(sessions.validate(&headers).await, Outcome::Active(_)));
        tokio::task::yield_now().await; // until the first poll is there
    }
    let before = sessions.validation_counts().hits;
    let allocated = measure(|| {
        for _ in 0..1_000 {
            let outcome = pin!(sessions.validate(&headers)).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(outcome, Poll::Ready(Outcome::Active(_))));
        }
    });
    assert_eq!(sessions.validation_counts().hits, before + 1_000, "all of them were hits");
    assert_eq!((allocated.count_total, allocated.bytes_total), (0, 0));
}

#[test]
fn a_held_session_costs_at_most_200_bytes() {
    const NUMBER: u32 = 100_000;
    let random = PredictableRandom::from_seed(3);
    let now = Timestamp::from_millis(1_790_000_000_000);
    let record = |number: u32| SessionRecord {
        id: SessionId::new(now, &random).unwrap(),
        subject: Subject::new(format!("0199b7c2-0000-7000-8000-{number:012}")).unwrap(), // as long as a UUID
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        idle_timeout: None,
        absolute_expires_at: now,
        auth_method: AuthMethod::password(),
        client: ClientFacts::new(Some(&"Mozilla/5.0 ".repeat(20)), "192.0.2.1".parse().ok()),
    };
    let mut kept = None;
    let allocated = measure(|| {
        let replica = Replica::new(&LeaseTerms { capacity: NUMBER, ..LeaseTerms::default() });
        let poll = replica.begin_poll(Steady::from_nanos(1));
        let (continuity, horizon) = (Continuity::new("one"), Horizon::Position(0));
        replica.finish_poll(&poll, FeedReply { continuity, horizon, delta: Delta::Changes(Vec::new()) });
        for number in 0..NUMBER {
            let mut digest = [0; 32];
            random.fill(&mut digest).unwrap();
            let load = replica.begin_load(Steady::from_nanos(1));
            replica.finish_load(&load, Arc::new(Held::of(TokenDigest::from_bytes(digest), &record(number))));
        }
        kept = Some(replica);
    });
    let held = kept.as_ref().unwrap().counts().held;
    let bytes = u64::try_from(allocated.bytes_current).unwrap() / held;
    println!("{held} of {NUMBER} sessions held, {bytes} bytes each, the table included");
    assert!(held > u64::from(NUMBER) * 8 / 10, "{held}");
    assert!(bytes <= 200, "{bytes}");
}
