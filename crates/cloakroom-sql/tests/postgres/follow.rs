//! Following the feed: polls name exactly what was committed, whoever wrote it and in whatever order it was committed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_core::coherence::{Change, Delta, FeedReply, Horizon, Loss};
use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{CHANGES_MAX, FeedReader, SessionStore, StoreError, Target};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use crate::world::{Hand, NOW, World, below, digest, seed};

/// One instance that follows.
pub(crate) struct Follower {
    pub(crate) reader: Box<dyn FeedReader>,
    pub(crate) seen: Option<FeedReply>,
}

impl Follower {
    /// One that has polled once.
    pub(crate) async fn of(sessions: &dyn SessionStore) -> Self {
        let mut follower = Self::within(sessions, Duration::from_secs(20));
        assert_eq!(follower.poll().await.unwrap(), Delta::Changes(Vec::new()));
        follower
    }

    /// One with a time limit, which has not polled yet.
    pub(crate) fn within(sessions: &dyn SessionStore, answer_max: Duration) -> Self {
        Self { reader: sessions.feed(answer_max), seen: None }
    }

    pub(crate) async fn poll(&mut self) -> Result<Delta, StoreError> {
        let since = self.seen.as_ref().map(|reply| &reply.horizon);
        let reply = self.reader.poll(since).await?;
        let delta = reply.delta.clone();
        self.seen = Some(reply);
        Ok(delta)
    }

    pub(crate) async fn changes(&mut self) -> Vec<Change> {
        match self.poll().await.unwrap() {
            Delta::Changes(changes) => changes,
            lost @ Delta::Lost(_) => panic!("{lost:?}"),
        }
    }

    /// The digests of what ended.
    pub(crate) async fn ended(&mut self) -> HashSet<TokenDigest> {
        let changes = self.changes().await;
        let ended = changes.iter().filter_map(|change| match change {
            Change::Ended { digest, .. } => Some(*digest),
            _ => None,
        });
        ended.collect()
    }

    pub(crate) fn continuity(&self) -> String {
        self.seen.as_ref().unwrap().continuity.to_string()
    }
}

pub(crate) fn digests(numbers: impl IntoIterator<Item = u64>) -> HashSet<TokenDigest> {
    numbers.into_iter().map(digest).collect()
}

pub(crate) async fn log_out(world: &World, n: u64) {
    assert_eq!(world.sessions.end(Target::Token(digest(n)), EndReason::Logout, NOW).await.unwrap(), 1);
}

#[tokio::test]
async fn what_is_typed_in_psql_is_named() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    for n in 1..=4 {
        world.log_in(if n == 1 { "ada" } else { "bob" }, n).await;
    }
    let mut follower = Follower::of(&*world.sessions).await;
    hand.run("DELETE FROM sessions WHERE subject = 'ada'").await;
    let changes = follower.changes().await;
    assert!(matches!(changes[..], [Change::Ended { digest: it, reason: EndReason::ByHand, .. }] if it == digest(1)));
    hand.run("UPDATE sessions SET absolute_expires_at = now() WHERE subject = 'bob'").await;
    let shortened: HashSet<_> = follower.changes().await.into_iter().filter_map(changed).collect();
    assert_eq!(shortened, digests(2..=4));
    hand.run("UPDATE sessions SET last_seen_at = last_seen_at + interval '1 s'").await;
    assert_eq!(follower.changes().await, []);
    hand.run("TRUNCATE sessions").await;
    let changes = follower.changes().await;
    assert!(matches!(changes[..], [Change::EveryoneEnded { reason: EndReason::ByHand, .. }]), "{changes:?}");
}

fn changed(change: Change) -> Option<TokenDigest> {
    if let Change::Changed { digest, .. } = change { Some(digest) } else { None }
}

#[tokio::test]
async fn an_entry_that_names_nobody_stops_no_poll() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    let entry = |columns: &str, values: &str| {
        format!("INSERT INTO session_feed (kind, subject{columns}) VALUES ('ended', 'ada'{values})")
    };
    hand.run(&entry(", at", ", now()")).await;
    assert_eq!(follower.poll().await.unwrap(), Delta::Lost(Loss::Purged), "it might have been anybody's");
    let named = ", token_digest, session_id, reason, at";
    hand.run(&entry(named, ", sha256('1'), gen_random_uuid(), 'of a later version', now()")).await;
    let changes = follower.changes().await;
    assert!(matches!(changes[..], [Change::Ended { reason: EndReason::ByHand, .. }]), "{changes:?}");
    for at in ["infinity", "-infinity", "294276-12-31", "4713-01-01 BC"] {
        hand.run(&entry(named, &format!(", sha256('1'), gen_random_uuid(), 'idle', '{at}'"))).await;
        assert_eq!(follower.changes().await.len(), 1, "{at}");
    }
}

#[tokio::test]
async fn more_than_a_reply_carries_is_lost() {
    let world = World::new().await;
    let mut hand = world.hand().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for (entries, is_lost) in [(CHANGES_MAX, false), (CHANGES_MAX + 1, true)] {
        hand.run(&format!(
            "INSERT INTO session_feed (kind, token_digest, session_id, subject, at) \
             SELECT 'changed', sha256(int8send(n)), gen_random_uuid(), 'ada', now() FROM generate_series(1, {entries}) n"
        ))
        .await;
        match follower.poll().await.unwrap() {
            Delta::Changes(changes) => assert!(!is_lost && changes.len() == entries, "{}", changes.len()),
            lost @ Delta::Lost(_) => assert!(is_lost && lost == Delta::Lost(Loss::TooMany), "{lost:?}"),
        }
        assert_eq!(follower.changes().await, [], "that was all");
    }
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_named_then_and_once() {
    let world = World::new().await;
    for n in 1..=3 {
        world.log_in("ada", n).await;
    }
    let (mut early, mut late) = (world.hand().await, world.hand().await);
    early.run("BEGIN; DELETE FROM sessions WHERE created_at < to_timestamp(1790000000.0015)").await;
    let mut follower = Follower::of(&*world.sessions).await;
    late.run("BEGIN; SAVEPOINT one; DELETE FROM sessions WHERE created_at = to_timestamp(1790000000.002)").await;
    log_out(&world, 3).await;
    assert_eq!(follower.ended().await, digests([3]));
    late.run("RELEASE one; COMMIT").await;
    assert_eq!(follower.ended().await, digests([2]), "its position is lower than one that was seen");
    early.run("COMMIT").await;
    assert_eq!(follower.ended().await, digests([1]), "it had begun before the first poll");
    assert_eq!(follower.changes().await, []);
}

/// What writers do until they are told to stop: transactions of many lengths, with savepoints, some of them taken back.
async fn write(url: &str, random: PredictableRandom, is_over: &AtomicBool, numbers: &AtomicU64) -> Vec<u64> {
    let mut hand = Hand::at(url).await;
    let mut committed = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        hand.run("BEGIN").await;
        let mut written = Vec::new();
        for _ in 0..=below(&random, 3) {
            let n = numbers.fetch_add(1, Ordering::Relaxed);
            let is_taken_back = below(&random, 4) == 0;
            let end = if is_taken_back { "ROLLBACK TO one" } else { "RELEASE one" };
            hand.run(&format!(
                "SAVEPOINT one; INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at) \
                 VALUES ('ended', int8send({n}) || int8send(0) || int8send(0) || int8send(0), gen_random_uuid(), 'ada', \
                 'logout', now()); {end}"
            ))
            .await;
            if !is_taken_back {
                written.push(n);
            }
            if below(&random, 20) == 0 {
                hand.run(&format!("SELECT pg_sleep(0.002 * {})", below(&random, 30))).await;
            }
        }
        if below(&random, 5) == 0 {
            hand.run("ROLLBACK").await;
        } else {
            hand.run("COMMIT").await;
            committed.append(&mut written);
        }
    }
    committed
}

fn number(digest: &TokenDigest) -> u64 {
    u64::from_be_bytes(digest.as_bytes()[..8].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_many_writers_each_change_is_named_once() {
    let (world, seed) = (World::alone().await, seed());
    let (is_over, numbers) = (AtomicBool::new(false), AtomicU64::new(1));
    let mut follower = Follower::of(&*world.sessions).await;
    let mut naive = world.hand().await;
    let following = async {
        let (mut named, mut by_position, mut last) = (HashMap::new(), HashSet::new(), 0);
        let (begun, mut polls) = (Instant::now(), 0_u64);
        loop {
            // Decided before the poll, so that the last one comes after every commit.
            let is_last = begun.elapsed() > Duration::from_secs(4);
            if begun.elapsed() > Duration::from_secs(3) {
                is_over.store(true, Ordering::Relaxed);
            }
            for digest in follower.ended().await {
                *named.entry(number(&digest)).or_insert(0_u32) += 1;
            }
            polls += 1;
            let beyond = format!(
                "SELECT position || ' ' || ltrim(encode(substring(token_digest, 1, 8), 'hex'), '0') FROM session_feed \
                 WHERE position > {last} ORDER BY position"
            );
            for row in naive.texts(&beyond).await {
                let (position, n) = row.split_once(' ').unwrap();
                last = position.parse::<i64>().unwrap();
                by_position.insert(u64::from_str_radix(n, 16).unwrap());
            }
            if is_last {
                return (named, by_position, polls);
            }
        }
    };
    let random = |n| PredictableRandom::from_seed(seed * 100 + n);
    let writers = join_all((0..10).map(|n| write(&world.url, random(n), &is_over, &numbers)));
    let ((named, by_position, polls), committed) = join(following, writers).await;
    let committed: HashSet<_> = committed.into_iter().flatten().collect();
    let missed = committed.iter().filter(|n| !named.contains_key(n)).count();
    let (repeated, invented) =
        (named.values().filter(|times| **times > 1).count(), named.keys().filter(|n| !committed.contains(n)).count());
    let missed_by_position = committed.difference(&by_position).count();
    println!(
        "{} changes, {polls} polls: {missed} missed, {repeated} repeated, {invented} invented; by position {missed_by_position} missed",
        committed.len()
    );
    assert_eq!((missed, repeated, invented), (0, 0, 0));
    assert!(missed_by_position > 0, "the schedule was too tame to show anything");
}

#[tokio::test]
async fn the_plan_uses_the_index_on_a_large_feed() {
    let world = World::alone().await;
    let mut hand = world.hand().await;
    // With the server's own settings and a feed of which it has no statistics.
    hand.run(
        "INSERT INTO session_feed (kind, token_digest, session_id, subject, reason, at) SELECT 'ended', sha256(int8send(n)), \
         gen_random_uuid(), 'ada', 'logout', now() FROM generate_series(1, 200000) n",
    )
    .await;
    for statistics in ["", "ANALYZE session_feed"] {
        hand.run(statistics).await;
        for which in
            ["xid >= '900' AND xid < pg_snapshot_xmax(pg_current_snapshot())", "xid = ANY('{899,898}'::xid8[])"]
        {
            let of_all =
                which.replace("900", &hand.texts("SELECT (pg_current_xact_id()::text::bigint + 1)::text").await[0]);
            let plan =
                hand.texts(&format!("EXPLAIN (COSTS OFF) SELECT * FROM session_feed WHERE {of_all} LIMIT 9")).await;
            assert!(plan.join(" ").contains("session_feed_by_xid"), "{statistics}: {plan:?}");
        }
    }
    let mut follower = Follower::of(&*world.sessions).await;
    let blocks = "SELECT (heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit)::bigint \
         FROM pg_statio_user_tables WHERE relname = 'session_feed'";
    hand.run("SELECT pg_stat_reset()").await;
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(follower.changes().await, []);
    }
    println!("a poll of an idle feed took {:?}", begun.elapsed() / 100);
    drop(follower);
    world.database.close().await;
    hand.is_alone().await; // only then is what it read counted
    let read = hand.number(blocks).await;
    // About a dozen each; whatever the autovacuum read of the new rows meanwhile counts too. A scan reads thousands each.
    assert!(read < 100 * 200, "100 polls of a feed of thousands of blocks looked at {read}");
}

#[tokio::test]
async fn a_poll_from_a_horizon_of_another_kind_is_lost() {
    let world = World::new().await;
    let reply = world.sessions.feed(Duration::from_secs(20)).poll(Some(&Horizon::Position(3))).await.unwrap();
    assert_eq!(reply.delta, Delta::Lost(Loss::Purged));
}
