//! The protocol as it is written breaks nothing in any schedule; every wrong variant of it is found.

mod broken;
mod exhaustive;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use broken::{Broken, FAULTS, Fault};
use cloakroom_core::coherence::simulator::{AsWritten, Coverage, Violation, replay, run};

/// Schedules in which the protocol as written must not break anything.
const SCHEDULES: u64 = 1_000;
/// Within how many every wrong variant has to be found.
const SCHEDULES_FOR_A_FAULT: u64 = 2_000;

/// Runs `work` on every processor there is, with a number that counts the workers.
fn on_all_processors(work: impl Fn() + Sync) {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(&work);
        }
    });
}

#[test]
fn the_protocol_as_written_has_no_violation() {
    let (next, coverage) = (AtomicU64::new(0), Mutex::new(Coverage::default()));
    let violations: Mutex<Vec<Violation>> = Mutex::default();
    on_all_processors(|| {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SCHEDULES {
                return;
            }
            match run(seed, &|terms| Box::new(AsWritten::new(terms))) {
                Ok(more) => coverage.lock().unwrap().add(&more),
                Err(violation) => violations.lock().unwrap().push(*violation),
            }
        }
    });
    let violations = violations.into_inner().unwrap();
    assert!(violations.is_empty(), "{}\nreplay it: CLOAKROOM_SEED={}", violations[0], violations[0].seed);
    let coverage = coverage.into_inner().unwrap();
    println!("{coverage}");
    let never: Vec<_> = coverage.counters().into_iter().filter(|(_, count)| *count == 0).collect();
    assert!(never.is_empty(), "schedules came past everything but {never:?}");
}

#[test]
fn every_broken_variant_is_found() {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    on_all_processors(|| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((fault, rule)) = FAULTS.get(index) else { return };
            let seed =
                (0..SCHEDULES_FOR_A_FAULT).find(|seed| violation(*fault, *seed).is_some_and(|it| it.rule == *rule));
            found.lock().unwrap().insert(index, seed);
        }
    });
    let found = found.into_inner().unwrap();
    let mut missed = Vec::new();
    for ((fault, rule), seed) in FAULTS.iter().zip(found.values()) {
        match seed {
            Some(seed) => println!("{fault:?} breaks {rule}: seed {seed}"),
            None => missed.push(fault),
        }
    }
    assert!(missed.is_empty(), "not found within {SCHEDULES_FOR_A_FAULT} schedules: {missed:?}");
}

fn violation(fault: Fault, seed: u64) -> Option<Box<Violation>> {
    run(seed, &|terms| Box::new(Broken::new(fault, terms))).err()
}

/// What the faults are put into must itself be right.
#[test]
fn without_a_fault_nothing_is_found() {
    for seed in 0..60 {
        run(seed, &|terms| Box::new(Broken::new(Fault::Nothing, terms))).unwrap();
    }
}

#[test]
fn a_violation_tells_its_schedule_and_a_seed_tells_it_again() {
    let wrong = |seed| violation(Fault::HitsNeedNoLease, seed);
    let violation = (0..SCHEDULES_FOR_A_FAULT).find_map(wrong).unwrap();
    let text = violation.to_string();
    assert!(text.contains("BROKEN") && text.contains(&format!("seed {}", violation.seed)), "{text}");
    assert_eq!(wrong(violation.seed).unwrap().to_string(), text);
}

/// The seed of the environment variable `CLOAKROOM_SEED`, or 1; shown with `--nocapture`.
#[test]
fn the_schedule_of_a_seed_of_your_choice() {
    let seed = std::env::var("CLOAKROOM_SEED").map_or(1, |text| text.parse().expect("CLOAKROOM_SEED is a number"));
    let lines = replay(seed, &|terms| Box::new(AsWritten::new(terms)));
    println!("{}", lines.join("\n"));
    assert!(lines.len() > 100 && !lines.iter().any(|line| line.contains("BROKEN")), "{}", lines.join("\n"));
}

#[test]
fn in_a_small_world_every_order_of_steps_is_tried() {
    let explore = |is_held| {
        let explored = exhaustive::explore(&|terms| Box::new(AsWritten::new(terms)), is_held);
        println!("held {is_held}: {} states, {} steps, {} ends", explored.states, explored.steps, explored.ends);
        assert_eq!(explored.violation, None);
        assert!(explored.ends > 0);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| explore(true));
        explore(false);
    });
    for (fault, is_held) in [
        (Fault::LeaseCountsFromTheReply, true),
        (Fault::HitsNeedNoLease, true),
        (Fault::LoadsNeedNoLease, true),
        (Fault::RacedLoadsAreKept, true),
        (Fault::LeaseIsReadAfterTheEntry, true),
        (Fault::LateReplyCountsForTheNextPoll, true),
        (Fault::OnlyWhatIsHeldCounts, false),
    ] {
        let found = exhaustive::explore(&|terms| Box::new(Broken::new(fault, terms)), is_held);
        let way = found.violation.unwrap_or_else(|| panic!("{fault:?} is not found"));
        println!("{fault:?}: {}", way.join(", "));
    }
}
