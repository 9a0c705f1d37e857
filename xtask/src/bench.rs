//! `cargo xtask bench strict` and `leased`: validation with the peers beside it, in one interleaved run. `storm` is by itself.
//!
//! Every mode is a server process of its own, built from `bench/`, with its own database and sessions. In each round
//! every mode gets its turn under the same load, so that a machine that grows slower slows all of them; ratios are
//! between turns of one round. Nothing here decides a test: it prints what was measured and whether a goal is met.

mod cost;
mod load;
mod mode;
mod processor;
mod server;
mod storm;
mod table;

use std::time::Duration;

use testbed::postgres::Cluster;

use crate::need;
use crate::run::{Outcome, cargo, command, to_end};
use load::Load;
use mode::{Comparison, MODES, Mode};
use processor::Processors;
use server::Server;
use table::{Sample, Turns};

const USAGE: &str = "cargo xtask bench strict|leased [--rounds N] [--seconds N] [--connections 8,64,256] [--only MODE,…], or storm [--seconds N]";
/// Sessions in each database, of which each request presents one at random.
const SESSIONS: u32 = 10_000;
/// How long each mode is warmed up before the first round.
const WARM_UP: Duration = Duration::from_secs(1);
/// What makes the throwaway cluster write as one that is kept would.
const DURABLE: [&str; 3] = [
    "ALTER SYSTEM SET fsync = on",
    "ALTER SYSTEM SET full_page_writes = on",
    "ALTER SYSTEM SET autovacuum_naptime = '1min'",
];

/// Measures what is named.
pub(crate) fn run(options: &[String]) -> Outcome {
    if let Some(("storm", rest)) = options.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return storm::run(rest);
    }
    let options = Options::read(options)?;
    need::program("wrk", "wrk", "drives the load")?;
    need::program("taskset", "util-linux", "keeps the load apart from what it drives")?;
    need::postgres()?;
    build()?;
    if options.comparison == Comparison::Leased {
        to_end(&mut command(&server::program("bench-ours"), ["in-process"]))?;
    }

    let cluster = Cluster::start().map_err(|error| format!("no PostgreSQL: {error}"))?;
    DURABLE.iter().try_for_each(|setting| sql(&cluster, setting).map(drop))?;
    cluster.stop("fast").and_then(|()| cluster.start_server()).map_err(|error| format!("PostgreSQL: {error}"))?;
    let database_pid = postmaster(&cluster)?;
    let processors = Processors::divided(std::thread::available_parallelism().map_or(1, usize::from));
    processors.keep(database_pid)?;
    let load = Load::new(processors.clone())?;
    let mut servers = Vec::new();
    for mode in &options.modes {
        println!("starting {}, with {SESSIONS} sessions", mode.name);
        let server = Server::start(mode, &cluster, SESSIONS)?;
        processors.keep(server.pid())?;
        servers.push(server);
    }
    sql(&cluster, "CHECKPOINT")?;
    for server in &servers {
        server.check()?;
        load.run(server, options.connections.first().copied().unwrap_or(1), WARM_UP)?;
    }

    println!("\n{}", machine(&cluster, &processors)?);
    for connections in &options.connections {
        let mut turns = Turns::of(&options.modes);
        for round in 1..=options.rounds {
            for server in &servers {
                let before = server.meter(database_pid)?;
                let driven = load.run(server, *connections, Duration::from_secs(options.seconds.into()))?;
                let used = server.meter(database_pid)?.since(&before);
                let sample = Sample::new(server.mode, &driven, &used);
                println!("  {connections} connections, round {round}: {}: {sample}", server.mode.name);
                turns.add(server.mode, sample);
            }
        }
        println!("\n{}", turns.table(*connections, options.rounds, options.seconds));
    }
    Ok(())
}

/// Both crates, as they would be shipped. Their lock files are their own.
fn build() -> Outcome {
    ["bench/ours/Cargo.toml", "bench/peers/Cargo.toml"].into_iter().try_for_each(|manifest| {
        let build = ["build", "--release", "--locked", "--manifest-path", manifest, "--target-dir", server::TARGET];
        to_end(&mut cargo(build)).map_err(|why| {
            format!("{why}\nis only its lock file behind? `cargo update --workspace --manifest-path {manifest}`")
        })
    })
}

/// That our side still compiles against the product, for `cargo xtask ci`. The peers do not change by themselves.
pub(crate) fn compiles() -> Outcome {
    let check = ["check", "--locked", "--manifest-path", "bench/ours/Cargo.toml", "--target-dir", server::TARGET];
    to_end(&mut cargo(check))
        .map_err(|why| format!("{why}\nonly its lock file? `cargo update --workspace --manifest-path {}`", check[3]))
}

fn sql(cluster: &Cluster, sql: &str) -> Result<String, String> {
    cluster.psql("postgres", sql).map_err(|error| format!("PostgreSQL refused `{sql}`: {error}"))
}

/// The server's first process, whose children serve the connections.
fn postmaster(cluster: &Cluster) -> Result<u32, String> {
    let file = sql(cluster, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)")?;
    file.trim().parse().map_err(|_| format!("`{file}` is no process id"))
}

/// What was measured on, in a line.
fn machine(cluster: &Cluster, processors: &Processors) -> Result<String, String> {
    let processors = processors.shown();
    let version = sql(cluster, "SHOW server_version")?;
    Ok(format!(
        "{processors}; PostgreSQL {version}; {SESSIONS} sessions, one \
         at random per request; what is set how: bench/README.md"
    ))
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Options {
    comparison: Comparison,
    rounds: u32,
    seconds: u32,
    connections: Vec<u32>,
    modes: Vec<&'static Mode>,
}

impl Options {
    fn read(options: &[String]) -> Result<Self, String> {
        let (mut rounds, mut seconds) = (3, 3);
        let comparison = match options.first().map(String::as_str) {
            Some("strict") => Comparison::Strict,
            Some("leased") => Comparison::Leased,
            _ => return Err(format!("what is to be measured? {USAGE}")),
        };
        let mut connections = vec![8, 64, 256];
        let mut modes = MODES.iter().filter(|mode| mode.comparisons.contains(&comparison)).collect();
        let mut rest = options.iter().skip(1);
        while let Some(option) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("`{option}` wants a value: {USAGE}"))?;
            match option.as_str() {
                "--rounds" => rounds = number(option, value, 100)?,
                "--seconds" => seconds = number(option, value, 60)?,
                "--connections" => {
                    let each = value.split(',').map(|text| number(option, text, 1_000));
                    connections = each.collect::<Result<_, _>>()?;
                }
                "--only" => modes = value.split(',').map(mode::named).collect::<Result<_, _>>()?,
                _ => return Err(format!("there is no `{option}`: {USAGE}")),
            }
        }
        Ok(Self { comparison, rounds, seconds, connections, modes })
    }
}

fn number(option: &str, text: &str, max: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (1..=max).contains(number))
        .ok_or_else(|| format!("`{option}` wants 1 to {max}, not `{text}`: {USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str) -> Result<Options, String> {
        Options::read(&options.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_and_their_defaults() {
        let all = read("strict").unwrap();
        assert_eq!((all.rounds, all.seconds, &all.connections[..]), (3, 3, &[8, 64, 256][..]));
        assert!(all.modes.len() > 5 && all.modes.len() < MODES.len());
        let leased = read("leased").unwrap();
        assert_eq!(leased.modes[0].name, "bare", "what everything is compared with has its turn first");
        assert_eq!(leased.modes.len(), 5);
        let some = read("strict --only cloakroom-sqlite,bare --connections 64 --seconds 1 --rounds 5").unwrap();
        assert_eq!((some.rounds, some.seconds, &some.connections[..]), (5, 1, &[64][..]));
        assert_eq!(some.modes.iter().map(|mode| mode.name).collect::<Vec<_>>(), ["cloakroom-sqlite", "bare"]);
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        for wrong in [
            "",
            "loose",
            "strict --rounds",
            "strict --rounds 0",
            "strict --seconds 61",
            "strict --connections 8,x",
            "strict --only nobody",
            "strict --fast 1",
        ] {
            assert!(read(wrong).unwrap_err().contains("cargo xtask bench strict|leased"), "accepted {wrong}");
        }
    }
}
