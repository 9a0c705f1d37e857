//! `cargo xtask simulate`: seeded schedules of leased validation on every processor, until the time is over or something
//! was served that must not be.
//!
//! Built optimised, by calling itself once more: in a debug build there are ten times fewer schedules.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use cloakroom_core::coherence::simulator::{AsWritten, Coverage, Violation, run as schedule};

use crate::run::{Outcome, cargo, to_end};

const USAGE: &str = "cargo xtask simulate [--seconds N] [--seed S]";
/// How long it runs unless told otherwise.
const SECONDS: u32 = 60;
/// How often it says how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs schedules from a seed on; with the same seed the same ones.
pub(crate) fn run(options: &[String]) -> Outcome {
    let Options { seconds, seed } = Options::read(options)?;
    if cfg!(debug_assertions) {
        let mut again = cargo(["run", "--quiet", "--release", "--locked", "--package", "xtask", "--", "simulate"]);
        again.args(["--seconds", &seconds.to_string()]);
        return to_end(again.args(seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()])));
    }
    let first = seed.unwrap_or_else(another_seed);
    let all = Simulation { first, next: AtomicU64::new(first), ..Simulation::default() };
    println!("schedules from seed {first} on, for {seconds} s");
    let start = now();
    let end = start + Duration::from_secs(seconds.into());
    std::thread::scope(|scope| {
        let (works, at_work) = mpsc::channel::<()>();
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (works, all) = (works.clone(), &all);
            scope.spawn(move || {
                all.work(end);
                drop(works);
            });
        }
        drop(works);
        while at_work.recv_timeout(PROGRESS) == Err(RecvTimeoutError::Timeout) {
            println!("{}", all.progress(start));
        }
    });
    println!("{}\n{}", all.progress(start), all.table());
    match all.violation.into_inner() {
        Ok(None) => Ok(()),
        Ok(Some(violation)) => Err(format!("{violation}\nagain: cargo xtask simulate --seed {}", violation.seed)),
        Err(_) => Err("a schedule panicked: its message is above".to_owned()),
    }
}

#[expect(clippy::disallowed_methods, reason = "says how long it has been at it; decides nothing of a schedule")]
fn now() -> Instant {
    Instant::now()
}

/// Another one every time, and short enough to be typed.
#[expect(clippy::disallowed_methods, reason = "a seed that nobody chose; it is printed")]
fn another_seed() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs() % 1_000_000_000)
        * 1_000
}

/// What all processors share.
#[derive(Default)]
struct Simulation {
    first: u64,
    next: AtomicU64,
    is_over: AtomicBool,
    coverage: Mutex<Coverage>,
    violation: Mutex<Option<Violation>>,
}

impl Simulation {
    fn work(&self, end: Instant) {
        while now() < end && !self.is_over.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            match schedule(seed, &|terms| Box::new(AsWritten::new(terms))) {
                Ok(more) => {
                    if let Ok(mut coverage) = self.coverage.lock() {
                        coverage.add(&more);
                    }
                }
                Err(found) => {
                    self.is_over.store(true, Ordering::Relaxed);
                    if let Ok(mut violation) = self.violation.lock() {
                        violation.get_or_insert(*found);
                    }
                }
            }
        }
    }

    fn progress(&self, start: Instant) -> String {
        let seconds = start.elapsed().as_secs().max(1);
        let coverage = self.coverage.lock().map(|coverage| coverage.clone()).unwrap_or_default();
        let Coverage { schedules, requests, hits, races, pauses, failovers, .. } = coverage;
        format!(
            "{seconds:>5} s  {schedules} schedules ({}/s)  {requests} requests  {hits} hits  {races} races  \
             {pauses} pauses  {failovers} failovers",
            schedules / seconds
        )
    }

    fn table(&self) -> String {
        let coverage = self.coverage.lock().map(|coverage| coverage.clone()).unwrap_or_default();
        let line = |(name, count): (&str, u64)| format!("{:<18} {count:>14}", name.replace('_', " "));
        let lines: Vec<String> = coverage.counters().into_iter().map(line).collect();
        format!("\n{}\nseeds {} to {}", lines.join("\n"), self.first, self.next.load(Ordering::Relaxed) - 1)
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Options {
    seconds: u32,
    seed: Option<u64>,
}

impl Options {
    fn read(options: &[String]) -> Result<Self, String> {
        let mut read = Self { seconds: SECONDS, seed: None };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let value = options.next().ok_or_else(|| format!("`{option}` wants a value: {USAGE}"))?;
            let number =
                || value.parse::<u64>().map_err(|_| format!("`{option}` wants a number, not `{value}`: {USAGE}"));
            match option.as_str() {
                "--seconds" => {
                    let seconds = u32::try_from(number()?).ok().filter(|seconds| *seconds > 0);
                    read.seconds = seconds.ok_or_else(|| format!("`--seconds` wants 1 to {}: {USAGE}", u32::MAX))?;
                }
                "--seed" => read.seed = Some(number()?),
                _ => return Err(format!("there is no `{option}`: {USAGE}")),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str) -> Result<Options, String> {
        Options::read(&options.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_their_defaults() {
        assert_eq!(read(""), Ok(Options { seconds: SECONDS, seed: None }));
        assert_eq!(read("--seed 7 --seconds 5"), Ok(Options { seconds: 5, seed: Some(7) }));
        for wrong in ["--seconds", "--seconds 0", "--seconds x", "--seed -1", "--fast 1", "7"] {
            assert!(read(wrong).is_err_and(|why| why.contains(USAGE)), "accepted {wrong}");
        }
    }

    #[test]
    fn schedules_are_counted_and_none_breaks_anything() {
        let all = Simulation { first: 5, next: AtomicU64::new(5), ..Simulation::default() };
        all.work(now() + Duration::from_millis(50));
        let schedules = all.coverage.lock().map(|coverage| coverage.schedules).unwrap();
        assert_eq!(schedules, all.next.load(Ordering::Relaxed) - 5);
        assert!(schedules > 0 && all.table().contains("hits") && all.violation.lock().unwrap().is_none());
    }
}
