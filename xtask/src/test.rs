//! `cargo xtask test`: every test there is, and an error when there was none.

use crate::run::{Outcome, cargo, watching};
use crate::{need, tidy};

/// Unit, integration, example and documentation tests, then tidy. With filters: only the tests whose names contain one.
pub(crate) fn run(filters: &[String]) -> Outcome {
    tests(filters)?;
    if filters.is_empty() { tidy::run() } else { Ok(()) }
}

/// The tests without tidy.
pub(crate) fn tests(filters: &[String]) -> Outcome {
    need::program("sqlite3", "sqlite3", "tests look into the database from outside")?;
    need::program("curl", "curl", "a test types what README says")?;
    need::program("openssl", "openssl", "tests serve over TLS with a certificate of their own")?;
    need::postgres()?;
    need::program("chromium", "chromium", "tests look at the pages in a browser")?;
    need::program("chromedriver", "chromium-driver", "tests drive the browser with it")?;
    need::japanese_letters();
    need::daemon("haproxy", "tests share the work over several instances")?;
    need::daemon("pgbouncer", "tests put a pooler before PostgreSQL")?;
    let scanner = need::scanner();
    if let Err(why) = &scanner {
        println!("NOT RUN: the published header checker, which could not be fetched: {why}");
    }
    let schemathesis = need::schemathesis();
    if let Err(why) = &schemathesis {
        println!("NOT RUN: schemathesis, which could not be fetched: {why}");
    }
    let accessibility = need::accessibility();
    if let Err(why) = &accessibility {
        println!("NOT RUN: the accessibility checker, which could not be fetched: {why}");
    }
    let promtool = need::program("promtool", "prometheus", "tests hold the alert rules against Prometheus");
    if let Err(why) = &promtool {
        println!("NOT RUN: Prometheus' check of the example's expressions, which could not be fetched: {why}");
    }
    let mut total = Tally::default();
    let outcome = [&["--all-targets"][..], &["--doc"]].into_iter().try_for_each(|kind| {
        // With what exports traces, which is nothing to whoever configures no collector: one build tests the server and its traces.
        let workspace = ["test", "--workspace", "--features", "cloakroom-server/otel", "--locked"];
        let mut command = cargo(workspace.into_iter().chain(kind.iter().copied()));
        if scanner.is_err() {
            command.env("CLOAKROOM_WITHOUT_SCANNER", "1");
        }
        if schemathesis.is_err() {
            command.env("CLOAKROOM_WITHOUT_SCHEMATHESIS", "1");
        }
        if accessibility.is_err() {
            command.env("CLOAKROOM_WITHOUT_AXE", "1");
        }
        if promtool.is_err() {
            command.env("CLOAKROOM_WITHOUT_PROMTOOL", "1");
        }
        if !filters.is_empty() {
            command.arg("--").args(filters);
        }
        watching(&mut command, |line| total.add(line))
    });
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.ignored);
    outcome?;
    if total.passed == 0 {
        return Err(match filters {
            [] => "no test ran: the workspace has lost its tests".to_owned(),
            _ => format!("no test ran: no test's name contains {}", filters.join(" or ")),
        });
    }
    Ok(())
}

/// Sum of the closing lines of the test runners.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`; other lines count nothing.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let words: Vec<&str> = result.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match *what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_closing_lines_only() {
        let mut tally = Tally::default();
        for line in [
            "running 4 tests",
            "test a::b ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "",
            "test result: FAILED. 2 passed; 5 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ] {
            tally.add(line);
        }
        assert_eq!(tally, Tally { passed: 5, failed: 5, ignored: 1 });
    }
}
