//! `cargo xtask ci`: what a submission has to pass, in the order of what is quickest to tell.

use std::time::{Duration, Instant};

use crate::run::{Outcome, cargo, output, to_end};
use crate::{bench, deny, fuzz, test, tidy};

/// A step's name and what it does.
type Step = (&'static str, fn() -> Outcome);

const STEPS: &[Step] = &[
    ("format", || {
        to_end(&mut cargo(["fmt", "--all", "--check"]))?;
        let beside = ["fuzz/Cargo.toml", "bench/ours/Cargo.toml", "bench/peers/Cargo.toml"];
        beside.into_iter().try_for_each(|manifest| {
            // Its own files only: `--all` would go on into the product's crates.
            to_end(&mut cargo(["fmt", "--manifest-path", manifest, "--check"]))
        })
    }),
    ("tidy", tidy::run),
    ("clippy", || {
        to_end(&mut cargo("clippy --workspace --all-targets --all-features --locked -- -D warnings".split(' ')))
    }),
    // The library without any database must stand by itself: applications bring their own store. And with each alone.
    ("features", || {
        ["", "sqlite", "postgres"].into_iter().try_for_each(|databases| {
            let mut clippy = cargo("clippy -p cloakroom --lib --no-default-features --locked".split(' '));
            to_end(clippy.args(["--features", databases, "--", "-D", "warnings"]))
        })?;
        // The server as it ships: without the export of traces, which everything else here is built with.
        let ships = "clippy -p cloakroom-server --all-targets --locked -- -D warnings";
        to_end(&mut cargo(ships.split(' ')))?;
        let tree = output(&mut cargo("tree -p cloakroom-server --edges normal --prefix none --locked".split(' ')))?;
        match tree.lines().find(|line| line.contains("opentelemetry")) {
            Some(line) => Err(format!("{line} is in the server as it ships; only the feature `otel` may bring it")),
            None => Ok(()),
        }
    }),
    ("test", || test::tests(&[])),
    // Without private items, as users see it: a public text linking to something private is an error.
    ("docs", || to_end(cargo("doc --workspace --no-deps --locked".split(' ')).env("RUSTDOCFLAGS", "-Dwarnings"))),
    ("deny", deny::run),
    ("fuzz", fuzz::seeds),
    ("bench", bench::compiles),
];

/// Runs the steps, stops at the first that fails, and closes with what each took.
#[expect(clippy::disallowed_methods, reason = "measures how long steps take; decides nothing")]
pub(crate) fn run() -> Outcome {
    let mut taken: Vec<(&str, Duration)> = Vec::new();
    let outcome = STEPS.iter().try_for_each(|(name, step)| {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = step();
        taken.push((name, start.elapsed()));
        outcome.map_err(|why| format!("{name}: {why}"))
    });
    println!("\n{}", table(&taken, STEPS, outcome.is_ok()));
    outcome
}

/// Step, result, seconds; the steps that were not reached too.
fn table(taken: &[(&str, Duration)], steps: &[Step], all_well: bool) -> String {
    let mut lines = vec![format!("{:<10} {:>8}", "step", "seconds")];
    for (index, (name, _)) in steps.iter().enumerate() {
        lines.push(match taken.get(index) {
            Some((_, time)) if all_well || index + 1 < taken.len() => format!("{name:<10} {:>8.1}", time.as_secs_f64()),
            Some((_, time)) => format!("{name:<10} {:>8.1}  FAILED", time.as_secs_f64()),
            None => format!("{name:<10} {:>8}", "not run"),
        });
    }
    let total: Duration = taken.iter().map(|(_, time)| *time).sum();
    lines.push(format!("{:<10} {:>8.1}", "total", total.as_secs_f64()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_names_the_failed_step_and_those_not_reached() {
        let steps: [Step; 3] = [("one", || Ok(())), ("two", || Ok(())), ("three", || Ok(()))];
        let taken = [("one", Duration::from_millis(1_500)), ("two", Duration::from_millis(250))];
        assert_eq!(
            table(&taken, &steps, false),
            "step        seconds\none             1.5\ntwo             0.2  FAILED\nthree       not run\ntotal           1.8"
        );
    }
}
