//! `cargo xtask`: every habit of the project as one command. Its parts are one file each; here is only who is called.
//!
//! Nothing that ships may depend on this crate.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people: it talks to the terminal")]

mod bench;
mod ci;
mod demo;
mod deny;
mod fuzz;
mod need;
mod run;
mod simulate;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [FILTER…]                 every test of the workspace; with FILTER only those whose names contain it
  ci                             everything a submission has to pass, with the seconds of each step
  demo                           three instances, a balancer and a PostgreSQL to play with, until Ctrl-C
  tidy                           the house rules no compiler checks (CONTRIBUTING.md)
  fuzz [TARGET] [--seconds N]    feed one or all of fuzz/fuzz_targets with what breaks parsers (60 s each)
  bench strict [OPTION…]         strict validation beside its peers, as a table; OPTION: --rounds, --seconds, --connections, --only
  bench storm [--seconds N]      ten times more logins than can be hashed, and what becomes of everybody else meanwhile
  simulate [OPTION…]             schedules of leased validation with everything that can go wrong; OPTION: --seconds, --seed
  deny                           dependencies: bans, licences, sources, and advisories where they can be fetched
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((command, rest)) => dispatch(command, rest),
        None => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, rest: &[String]) -> run::Outcome {
    match (command, rest) {
        ("test", filters) => test::run(filters),
        ("ci", []) => ci::run(),
        ("tidy", []) => tidy::run(),
        ("demo", []) => demo::run(),
        ("deny", []) => deny::run(),
        ("fuzz", options) => fuzz::run(options),
        ("bench", options) => bench::run(options),
        ("simulate", options) => simulate::run(options),
        ("help" | "--help" | "-h", _) => {
            println!("{USAGE}");
            Ok(())
        }
        ("ci" | "demo" | "tidy" | "deny", [extra, ..]) => {
            Err(format!("`cargo xtask {command}` takes no `{extra}`\n\n{USAGE}"))
        }
        _ => Err(format!("there is no `cargo xtask {command}`\n\n{USAGE}")),
    }
}
