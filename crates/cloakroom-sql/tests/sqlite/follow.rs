//! Following the feed of a file: whoever writes it, whatever is removed from it, and whichever file is there.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use cloakroom_core::coherence::{Change, Delta, FeedReply, Horizon, Loss};
use cloakroom_core::ending::EndReason;
use cloakroom_core::store::{CHANGES_MAX, FeedReader, Purge, SessionStore, StoreError, Target};
use cloakroom_core::token::TokenDigest;
use cloakroom_sql::Scope;
use tokio::time::Instant;

use crate::world::{NOW, World, digest};

const LOST: Delta = Delta::Lost(Loss::Purged);

/// One instance that follows.
struct Follower {
    reader: Box<dyn FeedReader>,
    seen: Option<FeedReply>,
}

impl Follower {
    /// One that has polled once.
    async fn of(sessions: &dyn SessionStore) -> Self {
        let mut follower = Self { reader: sessions.feed(Duration::from_secs(20)), seen: None };
        assert_eq!(follower.poll().await.unwrap(), Delta::Changes(Vec::new()));
        follower
    }

    async fn poll(&mut self) -> Result<Delta, StoreError> {
        let since = self.seen.as_ref().map(|reply| &reply.horizon);
        let reply = self.reader.poll(since).await?;
        let delta = reply.delta.clone();
        self.seen = Some(reply);
        Ok(delta)
    }

    /// The digests named; that the history goes on is demanded too.
    async fn named(&mut self) -> HashSet<TokenDigest> {
        let before = self.seen.clone().unwrap();
        let delta = self.poll().await.unwrap();
        assert_eq!(self.seen.as_ref().unwrap().continuity, before.continuity);
        assert!(self.seen.as_ref().unwrap().horizon.continues(&before.horizon));
        let Delta::Changes(changes) = delta else { panic!("{delta:?}") };
        let digest = |change| match change {
            Change::Ended { digest, .. } | Change::Changed { digest, .. } => digest,
            Change::EveryoneEnded { .. } => panic!("no statement of SQLite's says that"),
        };
        changes.into_iter().map(digest).collect()
    }

    /// Whether a poll tells that what was seen is not to be built on: another history, or one that went back.
    async fn breaks(&mut self) -> bool {
        let before = self.seen.clone().unwrap();
        let delta = self.poll().await.unwrap();
        let now = self.seen.as_ref().unwrap();
        delta == LOST || now.continuity != before.continuity || !now.horizon.continues(&before.horizon)
    }
}

fn digests(numbers: impl IntoIterator<Item = u8>) -> HashSet<TokenDigest> {
    numbers.into_iter().map(digest).collect()
}

async fn log_in_and_out(world: &World, n: u8) {
    let _issued = world.log_in("ada", n).await.unwrap();
    assert_eq!(world.sessions.end(Target::Token(digest(n)), EndReason::Logout, NOW).await.unwrap(), 1);
}

/// What an operator types.
fn shell(file: &Path, text: &str) -> String {
    let output = Command::new("sqlite3").arg("-bail").arg(file).arg(text).output();
    let output = output.expect("the sqlite3 shell is needed: `cargo xtask test` installs it");
    assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_is_typed_in_the_shell_is_named() {
    let world = World::new().await;
    for n in 1..=4 {
        let _issued = world.log_in("ada", n).await.unwrap();
    }
    let mut follower = Follower::of(&*world.sessions).await;
    let of = |n: u8| format!("WHERE token_digest = x'{}'", format!("{n:02x}").repeat(32));
    shell(&world.path(), &format!("DELETE FROM sessions {}", of(1)));
    assert_eq!(follower.named().await, digests([1]));
    shell(&world.path(), &format!("UPDATE sessions SET absolute_expires_at = 0 {}", of(2)));
    assert_eq!(follower.named().await, digests([2]));
    shell(&world.path(), "UPDATE sessions SET last_seen_at = last_seen_at + 1");
    assert_eq!(follower.named().await, digests([]));
    shell(&world.path(), &format!("REPLACE INTO sessions SELECT * FROM sessions {}", of(3)));
    assert_eq!(follower.named().await, digests([3]));
    shell(&world.path(), "DELETE FROM sessions");
    assert_eq!(follower.named().await, digests([2, 3, 4]));
}

#[tokio::test]
async fn an_entry_that_names_nobody_stops_no_poll() {
    let world = World::new().await;
    let mut follower = Follower::of(&*world.sessions).await;
    let insert = |values: &str| {
        format!(
            "INSERT INTO session_feed (kind, subject, at, reason, session_id, token_digest) VALUES ('ended', 'ada', {values})"
        )
    };
    shell(&world.path(), &insert("0, 'idle', NULL, NULL"));
    assert_eq!(follower.poll().await.unwrap(), LOST, "it might have been anybody's");
    let id = "'01890a5d-ac96-774b-bcce-b302099a8057'";
    shell(&world.path(), &insert(&format!("0, 'of a later version', {id}, zeroblob(32)")));
    let delta = follower.poll().await.unwrap();
    assert!(
        matches!(&delta, Delta::Changes(changes) if matches!(changes[..], [Change::Ended { reason: EndReason::ByHand, .. }])),
        "{delta:?}"
    );
    shell(&world.path(), &insert("0, 'idle', 'no id', zeroblob(32)"));
    assert_eq!(follower.poll().await.unwrap(), LOST);
    assert_eq!(follower.named().await, digests([]));
}

#[tokio::test]
async fn more_than_a_reply_carries_is_lost() {
    let world = World::new().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for (entries, is_lost) in [(CHANGES_MAX, false), (CHANGES_MAX + 1, true)] {
        shell(
            &world.path(),
            &format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {entries}) \
                 INSERT INTO session_feed (kind, token_digest, session_id, subject, at) \
                 SELECT 'changed', randomblob(32), '01890a5d-ac96-774b-bcce-b302099a8057', 'ada', 0 FROM n"
            ),
        );
        match follower.poll().await.unwrap() {
            Delta::Changes(changes) => assert!(!is_lost && changes.len() == entries, "{}", changes.len()),
            lost @ Delta::Lost(_) => assert!(is_lost && lost == Delta::Lost(Loss::TooMany), "{lost:?}"),
        }
        assert_eq!(follower.named().await, digests([]), "that was all");
    }
}

#[tokio::test]
async fn entries_removed_by_hand_are_missed_and_positions_never_come_again() {
    let world = World::new().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for (n, removal) in [
        (1, "DELETE FROM session_feed"),
        (2, "DELETE FROM session_feed WHERE position = (SELECT max(position) FROM session_feed)"),
        (3, "DELETE FROM session_feed; DELETE FROM session_feed; VACUUM"),
    ] {
        log_in_and_out(&world, n).await;
        shell(&world.path(), removal);
        assert_eq!(follower.poll().await.unwrap(), LOST, "{removal}");
        log_in_and_out(&world, n + 10).await;
        assert_eq!(follower.named().await, digests([n + 10]), "{removal}");
    }
    // Of two the first one.
    log_in_and_out(&world, 21).await;
    log_in_and_out(&world, 22).await;
    shell(&world.path(), "DELETE FROM session_feed WHERE position = (SELECT max(position) - 1 FROM session_feed)");
    assert_eq!(follower.poll().await.unwrap(), LOST);
}

#[tokio::test]
async fn a_purge_of_what_was_seen_is_not_missed() {
    let world = World::new().await;
    let (mut early, mut late) = (Follower::of(&*world.sessions).await, Follower::of(&*world.sessions).await);
    log_in_and_out(&world, 1).await;
    assert_eq!(late.named().await, digests([1]));
    let everything = Purge { ended_before: NOW, feed_before: NOW.plus(Duration::from_millis(1)), chunk: 9, at: NOW };
    assert_eq!(world.sessions.purge(everything).await.unwrap().feed, 1);
    log_in_and_out(&world, 2).await;
    assert_eq!(early.poll().await.unwrap(), LOST);
    assert_eq!(late.named().await, digests([2]));
}

#[tokio::test]
async fn a_file_that_was_replaced_has_another_history() {
    let (world, other) = (World::new().await, World::new().await);
    log_in_and_out(&world, 1).await;
    log_in_and_out(&other, 1).await;
    log_in_and_out(&other, 2).await;
    let mut follower = Follower::of(&*world.sessions).await;
    let before = follower.seen.clone().unwrap().continuity;
    other.database.close().await;
    std::fs::rename(other.path(), world.path()).unwrap();
    for log in ["cloakroom.db-wal", "cloakroom.db-shm"] {
        std::fs::remove_file(world.dir.path().join(log)).ok(); // there may be none
    }
    follower.poll().await.unwrap();
    assert_ne!(follower.seen.clone().unwrap().continuity, before);
    assert_eq!(follower.seen.clone().unwrap().horizon, Horizon::Position(2));
    log_in_and_out(&world, 3).await;
    assert_eq!(follower.named().await, digests([3]));
    std::fs::remove_file(world.path()).unwrap();
    assert!(follower.poll().await.is_err(), "there is none");
}

#[tokio::test]
async fn a_backup_restored_in_place_breaks_the_history() {
    let world = World::new().await;
    let backup = world.dir.path().join("backup.db");
    log_in_and_out(&world, 1).await;
    shell(&world.path(), &format!(".backup {}", backup.display()));
    log_in_and_out(&world, 2).await;
    let mut follower = Follower::of(&*world.sessions).await;
    shell(&world.path(), &format!(".restore {}", backup.display()));
    assert!(follower.breaks().await, "there is less than was seen");
    assert!(!follower.breaks().await);

    // As far as it was, by another way.
    let _issued = world.log_in("ada", 3).await.unwrap();
    assert_eq!(follower.named().await, digests([]));
    shell(&world.path(), &format!(".backup {}", backup.display()));
    let mut other = Follower::of(&*world.sessions).await;
    log_in_and_out(&world, 4).await;
    assert_eq!((follower.named().await, other.named().await), (digests([4]), digests([4])));
    shell(&world.path(), &format!(".restore {}", backup.display()));
    world.sessions.end(Target::Token(digest(3)), EndReason::Logout, NOW).await.unwrap();
    assert!(follower.breaks().await, "the last row is another one");
    log_in_and_out(&world, 5).await;
    assert!(other.breaks().await, "the last row that was seen is another one");
    log_in_and_out(&world, 6).await;
    assert_eq!(other.named().await, digests([6]));
}

/// As a dump that is read back into the tables there are.
#[tokio::test]
async fn rows_that_were_taken_back_and_positions_given_out_again_break_the_history() {
    let world = World::new().await;
    log_in_and_out(&world, 1).await;
    let (mut one, mut other) = (Follower::of(&*world.sessions).await, Follower::of(&*world.sessions).await);
    log_in_and_out(&world, 2).await;
    assert_eq!((one.named().await, other.named().await), (digests([2]), digests([2])));
    shell(
        &world.path(),
        "DELETE FROM session_feed WHERE position = 2; UPDATE sqlite_sequence SET seq = 1 WHERE name = 'session_feed'",
    );
    log_in_and_out(&world, 3).await;
    assert!(one.breaks().await, "as far as it was, by another way");
    log_in_and_out(&world, 4).await;
    assert!(other.breaks().await, "further than it was, by another way");
    assert_eq!(one.named().await, digests([4]));
}

#[tokio::test]
async fn tables_that_were_dropped_and_made_again_have_another_history() {
    let world = World::new().await;
    log_in_and_out(&world, 1).await;
    let mut follower = Follower::of(&*world.sessions).await;
    let before = follower.seen.clone().unwrap().continuity;
    world.database.roll_back(Scope::Everything).await.unwrap();
    assert!(follower.poll().await.is_err(), "there are none");
    world.database.migrate(Scope::Everything).await.unwrap();
    log_in_and_out(&world, 2).await;
    follower.poll().await.unwrap();
    assert_ne!(follower.seen.clone().unwrap().continuity, before);
}

#[tokio::test]
async fn what_an_uncommitted_transaction_wrote_is_not_named_yet() {
    let world = World::new().await;
    let _issued = world.log_in("ada", 1).await.unwrap();
    let mut follower = Follower::of(&*world.sessions).await;
    let mut hand = world.somebody_else().await;
    for (end, wanted) in [("ROLLBACK", digests([])), ("COMMIT", digests([1]))] {
        for statement in ["BEGIN", "DELETE FROM sessions"] {
            sqlx::query(statement).execute(&mut hand).await.unwrap();
        }
        assert_eq!(follower.named().await, digests([]), "and nobody waits for it");
        sqlx::query(end).execute(&mut hand).await.unwrap();
        assert_eq!(follower.named().await, wanted, "{end}");
    }
}

#[tokio::test]
async fn a_poll_that_is_given_up_leaves_no_half_answer_and_no_old_one() {
    let world = World::new().await;
    let mut follower = Follower::of(&*world.sessions).await;
    for n in 1..=40 {
        let horizon = follower.seen.as_ref().unwrap().horizon.clone();
        let asking = follower.reader.poll(Some(&horizon));
        drop(tokio::time::timeout(Duration::from_micros(20 * u64::from(n / 2)), asking).await);
        if n % 2 == 0 {
            tokio::task::yield_now().await; // so that what was asked is read before what comes now
        }
        log_in_and_out(&world, n).await;
        assert_eq!(follower.named().await, digests([n]));
    }
}

#[tokio::test]
async fn an_idle_file_is_not_read() {
    let world = World::new().await;
    log_in_and_out(&world, 1).await;
    let mut follower = Follower::of(&*world.sessions).await;
    let begun = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(follower.poll().await.unwrap(), Delta::Changes(Vec::new()));
    }
    println!("a poll of an idle file took {:?}", begun.elapsed() / 1_000);
    assert!(futures_util::FutureExt::now_or_never(follower.reader.hinted()).is_none());
    world.sessions.hint().await.unwrap();
    world.database.close().await;
    assert!(follower.poll().await.is_err());
}
