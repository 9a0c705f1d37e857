//! Random schedules: writers of this process and another one, maintenance, and lookups all the while. No lookup shows a state
//! older than the last commit that was done before it began (G5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use cloakroom_core::store::Touch;
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::PredictableRandom;
use tokio::task::{JoinSet, spawn_blocking};

use crate::shell::Shell;
use crate::world::{NOW, World, digest};

/// Few, so that they are read and written at the same time; and kept together: of the same remainder by sixteen.
const SESSIONS: [u8; 4] = [0, 16, 32, 48];
const STEPS: u32 = 150;
const ADVANCE: &str =
    "UPDATE sessions SET last_seen_at = last_seen_at + 1 WHERE token_digest = $1 RETURNING last_seen_at";

/// For each session the latest use that somebody was told is committed. Uses only advance.
#[derive(Default)]
struct Done {
    latest: [AtomicI64; SESSIONS.len()],
    is_over: AtomicBool,
}

impl Done {
    fn latest(&self, number: u8) -> &AtomicI64 {
        &self.latest[usize::from(number / 16)]
    }

    fn is_committed(&self, number: u8, last_seen_at: i64) {
        self.latest(number).fetch_max(last_seen_at, Ordering::SeqCst);
    }
}

fn one_of(dice: &PredictableRandom) -> u8 {
    SESSIONS[usize::try_from(dice.next() % 4).unwrap()]
}

/// Another process, which also does what an administrator might.
fn of_a_shell(world: &World, done: &Done, dice: &PredictableRandom) {
    let mut shell = Shell::open(&world.path());
    assert_eq!(shell.line("PRAGMA synchronous = OFF; SELECT 'ready';"), "ready");
    for _ in 0..STEPS {
        match dice.next() % 24 {
            0 => drop(shell.line("PRAGMA wal_checkpoint(PASSIVE);")),
            1 => drop(shell.line("PRAGMA wal_checkpoint(RESTART);")),
            2 => drop(shell.line("PRAGMA wal_checkpoint(TRUNCATE);")),
            3 => drop(shell.line("VACUUM; SELECT 'done';")),
            _ => {
                let number = one_of(dice);
                let statement = ADVANCE.replace("$1", &format!("X'{}'", format!("{number:02X}").repeat(32)));
                done.is_committed(number, shell.line(&format!("{statement};")).parse().unwrap());
            }
        }
    }
}

async fn of_another_connection(world: &World, done: &Done, dice: &PredictableRandom) {
    let mut hand = world.somebody_else().await;
    sqlx::query("PRAGMA synchronous = OFF").execute(&mut hand).await.unwrap();
    for _ in 0..STEPS {
        let number = one_of(dice);
        let advance = sqlx::query_scalar(ADVANCE).bind(vec![number; 32]);
        done.is_committed(number, advance.fetch_one(&mut hand).await.unwrap());
    }
}

async fn of_the_writer(world: &World, done: &Done, dice: &PredictableRandom) {
    for _ in 0..STEPS {
        let number = one_of(dice);
        let used_at = Timestamp::from_millis(done.latest(number).load(Ordering::SeqCst) + 1);
        let refused = world.sessions.touch(vec![Touch { digest: digest(number), used_at }], NOW).await.unwrap();
        assert_eq!(refused, Vec::new());
        done.is_committed(number, used_at.as_millis());
    }
}

async fn look_up(world: &World, done: &Done, dice: &PredictableRandom, seed: u64) {
    while !done.is_over.load(Ordering::SeqCst) {
        let number = one_of(dice);
        let last = done.latest(number).load(Ordering::SeqCst);
        let session = world.sessions.find(digest(number)).await.unwrap().unwrap();
        let shown = session.last_seen_at.as_millis();
        if shown < last {
            done.is_over.store(true, Ordering::SeqCst);
            panic!("seed {seed}: session {number} was last used at {last}, and a later lookup shows {shown}");
        }
        tokio::task::yield_now().await;
    }
}

async fn run(seed: u64) {
    let (world, done) = (Arc::new(World::new().await), Arc::new(Done::default()));
    for number in SESSIONS {
        let _ = world.log_in("ada", number).await.unwrap();
    }
    let dice = PredictableRandom::from_seed(seed);
    let (mut writers, mut lookups) = (JoinSet::new(), JoinSet::new());
    for _ in 0..3 {
        let (world, done, dice) = (Arc::clone(&world), Arc::clone(&done), PredictableRandom::from_seed(dice.next()));
        lookups.spawn(async move { look_up(&world, &done, &dice, seed).await });
    }
    for kind in 0..3 {
        let (world, done, dice) = (Arc::clone(&world), Arc::clone(&done), PredictableRandom::from_seed(dice.next()));
        writers.spawn(async move {
            match kind {
                0 => spawn_blocking(move || of_a_shell(&world, &done, &dice)).await.unwrap(),
                1 => of_another_connection(&world, &done, &dice).await,
                _ => of_the_writer(&world, &done, &dice).await,
            }
        });
    }
    let written = writers.join_all();
    let outcome = tokio::time::timeout(Duration::from_mins(2), written).await;
    done.is_over.store(true, Ordering::SeqCst);
    lookups.join_all().await;
    outcome.unwrap_or_else(|_| panic!("seed {seed}: the writers do not come to an end"));
    let counts = world.database.lookup_counts();
    println!("seed {seed}: {} lookups, {} statements", counts.lookups, counts.statements);
    assert!(counts.statements < counts.lookups, "seed {seed}: some are answered out of memory");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn no_lookup_shows_less_than_was_committed_before_it_began() {
    for seed in 1..=4 {
        run(seed).await;
    }
}
