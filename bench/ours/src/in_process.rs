//! Single validations on one thread, without a server: a hit under a lease beside the verification of an HS256 JWT, from
//! the same headers, in alternating rounds.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use cloakroom::world::SystemClock;
use cloakroom::{LeaseTerms, Outcome, SessionId, SessionRecord, Subject, Timestamp, Validation};
use cloakroom_core::coherence::{Continuity, Delta, FeedReply, Held, Horizon, Replica};
use cloakroom_core::session::{AuthMethod, ClientFacts};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::{Clock as _, PredictableRandom, Random as _};

use crate::jwt::Jwt;
use crate::{Failed, seed, set_up};

const ROUNDS: usize = 11;
const EACH: usize = 200_000;
/// Sessions of which each validation takes one at random.
const SESSIONS: usize = 10_000;
/// Sessions held where it is about many.
const MANY: u32 = 1_000_000;

/// Prints what was measured.
pub async fn measure() -> Result<(), Failed> {
    let lease = Duration::from_secs(60); // one poll is enough for a round
    let terms = LeaseTerms { lease, ..LeaseTerms::default() };
    let sessions = set_up().validation(Validation::Leased(terms)).store(Arc::new(MemoryStore::new()))?;
    sessions.follow();
    let cookies = seed(&sessions, SESSIONS).await?;
    let ours = cookies.lines().map(headers).collect::<Result<Vec<_>, _>>()?;
    for headers in &ours {
        if !matches!(sessions.validate(headers).await, Outcome::Active(_)) {
            return Err("a session that was just issued is refused".into());
        }
    }
    let jwt = Jwt::new()?;
    let theirs =
        (0..SESSIONS).map(|user| headers(&jwt.cookie(u32::try_from(user)?)?)).collect::<Result<Vec<_>, Failed>>()?;

    let order = random_order(SESSIONS)?;
    let (mut hits, mut verifications) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for at in order.iter().cycle().take(EACH) {
            black_box(sessions.validate(&ours[*at]).await);
        }
        hits.push(began.elapsed());
        let began = Instant::now();
        for at in order.iter().cycle().take(EACH) {
            black_box(jwt.subject(&theirs[*at]));
        }
        verifications.push(began.elapsed());
    }
    if sessions.validation_counts().hits < (ROUNDS * EACH) as u64 {
        return Err("not every validation was a hit".into());
    }
    let (hit, verification) = (nanos(hits), nanos(verifications));
    println!("in process, one thread, {SESSIONS} sessions, {ROUNDS} rounds × {EACH}, median:");
    println!("  hot leased validation, cookie to principal  {hit:.0} ns");
    println!("  HS256 verification, cookie to subject       {verification:.0} ns");
    let met = if hit <= verification / 2.0 { "met" } else { "NOT MET" };
    println!("  {:.2} of it; at most 0.50 is the goal: {met}", hit / verification);
    many()
}

/// A million held sessions, found at random.
fn many() -> Result<(), Failed> {
    let terms = LeaseTerms { capacity: MANY + MANY / 2, lease: Duration::from_secs(60), ..LeaseTerms::default() };
    let (replica, clock, random) = (Replica::new(&terms), SystemClock, PredictableRandom::from_seed(1));
    let poll = replica.begin_poll(clock.steady());
    let (continuity, horizon) = (Continuity::new("one"), Horizon::Position(0));
    replica.finish_poll(&poll, FeedReply { continuity, horizon, delta: Delta::Changes(Vec::new()) });
    let before = resident()?;
    let mut digests = Vec::new();
    for user in 0..MANY {
        let mut digest = [0; 32];
        random.fill(&mut digest)?;
        let load = replica.begin_load(clock.steady());
        let held = Held::of(TokenDigest::from_bytes(digest), &record(user, &random)?);
        replica.finish_load(&load, Arc::new(held));
        digests.push(TokenDigest::from_bytes(digest));
    }
    let held = replica.counts().held;
    let bytes = (resident()?.saturating_sub(before)).saturating_sub(u64::from(MANY) * 32) / held;
    let order = random_order(digests.len())?;
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        for at in &order {
            black_box(replica.find(&digests[*at], &clock));
        }
        rounds.push(began.elapsed() * u32::try_from(EACH)? / MANY);
    }
    println!("with {held} sessions held, found in random order, cache misses included: {:.0} ns each", nanos(rounds));
    println!("  {bytes} bytes of resident memory each, the table included; at most 200 is the goal");
    Ok(())
}

fn record(user: u32, random: &PredictableRandom) -> Result<SessionRecord, Failed> {
    let now = Timestamp::from_millis(1_790_000_000_000);
    Ok(SessionRecord {
        id: SessionId::new(now, random)?,
        subject: Subject::new(format!("0199b7c2-0000-7000-8000-{user:012}"))?, // as long as a UUID
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        idle_timeout: None,
        absolute_expires_at: now,
        auth_method: AuthMethod::password(),
        client: ClientFacts::default(),
    })
}

fn headers(cookie: &str) -> Result<HeaderMap, Failed> {
    Ok(HeaderMap::from_iter([(COOKIE, HeaderValue::try_from(cookie)?)]))
}

fn random_order(number: usize) -> Result<Vec<usize>, Failed> {
    let random = PredictableRandom::from_seed(7);
    let mut order: Vec<usize> = (0..number).collect();
    for at in (1..number).rev() {
        order.swap(at, usize::try_from(random.next() % (at as u64 + 1))?);
    }
    Ok(order)
}

/// Of one validation, in the median round.
fn nanos(mut rounds: Vec<Duration>) -> f64 {
    rounds.sort_unstable();
    rounds[rounds.len() / 2].as_nanos() as f64 / EACH as f64
}

/// Bytes of memory this process has.
fn resident() -> Result<u64, Failed> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse::<u64>()? * 1024)
}
