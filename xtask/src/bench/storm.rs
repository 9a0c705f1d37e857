//! `cargo xtask bench storm`: ten times more logins than can be hashed, and what becomes of everybody else meanwhile.
//!
//! What is measured is the product as it is shipped, on a SQLite file. Logins come when they are due, whether or not others were answered:
//! a storm does not wait for its turn. Nothing here decides a test; the same is counted in the server's `credential/tests.rs`.

mod connection;
mod figures;
mod served;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::cost::Clock;
use super::processor::Processors;
use super::{USAGE, number};
use crate::need;
use crate::run::{Outcome, cargo, command, output, to_end};
use connection::{Answer, Connection};
use figures::{Latencies, Report};
use served::Served;

/// So many times what can be hashed is asked for.
const TIMES: f64 = 10.0;
/// Connections that log in: more than can wait for a hash, so that there is always one for the login that is due.
const CALLERS: u64 = 160;
/// Connections that find out how much can be hashed.
const SATURATING: u64 = 8;
/// How long it is looked at how much can be hashed, and how long an idle server answers.
const CALM: Duration = Duration::from_secs(10);
/// How often somebody who is logged in asks for something.
const PROBE_EVERY: Duration = Duration::from_millis(5);
/// How often the server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Measures it once.
pub(super) fn run(options: &[String]) -> Outcome {
    let seconds = match options {
        [] => 30,
        [option, value] if option == "--seconds" => number(option, value, 600)?,
        _ => return Err(format!("a storm takes `--seconds N` and nothing else: {USAGE}")),
    };
    need::program("taskset", "util-linux", "keeps the load apart from what it drives")?;
    to_end(&mut cargo(["build", "--release", "--locked", "--package", "cloakroom-server"]))?;
    let processors = Processors::divided(thread::available_parallelism().map_or(1, usize::from));
    let server = Served::start(&processors)?;
    processors.keep_load(std::process::id())?;
    // Where it may: what is measured late is not answered late. The server is started and keeps its place.
    drop(output(&mut command("renice", ["-n", "-20", "-p", &std::process::id().to_string()])));
    println!("\n{}", processors.shown());

    let token = log_in(&mut Connection::open(&server.address)?, 0)?.token.ok_or("the first login is refused")?;
    let is_over = AtomicBool::new(false);
    let idle = thread::scope(|scope| {
        let probe = scope.spawn(|| probe(&server, &token, &is_over));
        thread::sleep(CALM);
        is_over.store(true, Ordering::Relaxed);
        joined(probe)
    })?;
    let calm = logins(&server, SATURATING, |_, since| (since < CALM).then_some(Duration::ZERO))?;
    let capacity = per_second(calm.accepted.len(), calm.taken);
    println!("idle: {idle}\n{capacity:.0} logins a second can be hashed");

    let (how_long, rate) = (Duration::from_secs(seconds.into()), TIMES * capacity);
    let is_over = AtomicBool::new(false);
    let others = Others::begin(&server)?;
    let (storm, probed, memory_kib) = thread::scope(|scope| {
        let probe = scope.spawn(|| probe(&server, &token, &is_over));
        let memory = scope.spawn(|| memory(&server, &is_over));
        let storm = logins(&server, CALLERS, |number, _| {
            #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
            let due = Duration::from_secs_f64(number as f64 / rate);
            (due < how_long).then_some(due)
        });
        is_over.store(true, Ordering::Relaxed);
        Ok::<_, String>((storm?, joined(probe)?, joined(memory)?))
    })?;
    let others_share = others.share(&server)?;
    let mut real = 0;
    let mut connection = Connection::open(&server.address)?;
    for token in calm.accepted.iter().chain(&storm.accepted) {
        real += usize::from(connection.get("/api/v1/session", token)?.status == 200);
    }
    let report = Report {
        capacity,
        taken: storm.taken,
        accepted: storm.accepted.len(),
        refused: storm.refused,
        others: storm.others,
        acknowledged: calm.accepted.len() + storm.accepted.len(),
        real,
        idle,
        probed,
        memory_kib,
        others_share,
    };
    println!("\n{report}");
    Ok(())
}

/// What became of many logins.
#[derive(Debug, Default)]
struct Logins {
    /// The tokens of those that were answered with 200.
    accepted: Vec<String>,
    /// How long those took that were answered with 503.
    refused: Latencies,
    /// Any other answer.
    others: Vec<u16>,
    taken: Duration,
}

/// Logs in on so many connections. `due` says when the login of a number has to be sent, and `None` when there are no more.
fn logins(
    server: &Served,
    connections: u64,
    due: impl Fn(u64, Duration) -> Option<Duration> + Sync,
) -> Result<Logins, String> {
    let (next, start) = (AtomicU64::new(0), now());
    let caller = || {
        let mut connection = Connection::open(&server.address)?;
        let mut logins = Logins::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(due) = due(number, start.elapsed()) else { return Ok::<_, String>(logins) };
            thread::sleep(due.saturating_sub(start.elapsed()));
            let since = now();
            match log_in(&mut connection, number)? {
                Answer { status: 200, token: Some(token) } => logins.accepted.push(token),
                Answer { status: 503, .. } => logins.refused.add(since.elapsed()),
                Answer { status, .. } => logins.others.push(status),
            }
        }
    };
    let mut all = thread::scope(|scope| {
        let callers: Vec<_> = (0..connections).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().try_fold(Logins::default(), |mut all, caller| {
            let logins = joined(caller)?;
            all.accepted.extend(logins.accepted);
            all.others.extend(logins.others);
            all.refused.extend(logins.refused);
            Ok::<_, String>(all)
        })
    })?;
    all.taken = start.elapsed();
    Ok(all)
}

fn log_in(connection: &mut Connection, number: u64) -> Result<Answer, String> {
    let name = served::NAMES[usize::try_from(number).unwrap_or(0) % served::NAMES.len()];
    connection.post("/api/v1/login", &format!(r#"{{"login_name":"{name}","password":"{}"}}"#, served::PASSWORD))
}

/// What else runs on the machine: nobody can tell its share of a long answer from the server's own.
#[derive(Debug)]
struct Others {
    clock: Clock,
    since: Instant,
    used: Duration,
}

impl Others {
    fn begin(server: &Served) -> Result<Self, String> {
        let clock = Clock::read()?;
        Ok(Self { clock, since: now(), used: Self::used(clock, server)? })
    }

    /// What they used since then, in processors.
    fn share(&self, server: &Served) -> Result<f64, String> {
        let used = Self::used(self.clock, server)?.saturating_sub(self.used);
        Ok(used.as_secs_f64() / self.since.elapsed().as_secs_f64())
    }

    fn used(clock: Clock, server: &Served) -> Result<Duration, String> {
        let ours = clock.of_process(server.pid())? + clock.of_process(std::process::id())?;
        Ok(clock.of_everybody()?.saturating_sub(ours))
    }
}

/// Asks as somebody who is logged in, every few milliseconds, until it is over.
fn probe(server: &Served, token: &str, is_over: &AtomicBool) -> Result<Latencies, String> {
    let mut connection = Connection::open(&server.address)?;
    let mut latencies = Latencies::default();
    let mut due = now();
    while !is_over.load(Ordering::Relaxed) {
        due += PROBE_EVERY;
        thread::sleep(due.saturating_duration_since(now()));
        let since = now();
        let status = connection.get("/api/v1/session", token)?.status;
        latencies.add(since.elapsed());
        if status != 200 {
            return Err(format!("somebody who is logged in got {status}: nothing was measured"));
        }
    }
    Ok(latencies)
}

fn memory(server: &Served, is_over: &AtomicBool) -> Result<Vec<u64>, String> {
    let mut kib = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        kib.push(server.memory_kib()?);
        thread::sleep(LOOK_EVERY);
    }
    Ok(kib)
}

fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T, String>>) -> Result<T, String> {
    thread.join().map_err(|_| "a thread of the load broke down".to_owned())?
}

#[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
fn per_second(number: usize, taken: Duration) -> f64 {
    number as f64 / taken.as_secs_f64()
}

#[expect(clippy::disallowed_methods, reason = "measures how long answers take; decides nothing")]
fn now() -> Instant {
    Instant::now()
}
