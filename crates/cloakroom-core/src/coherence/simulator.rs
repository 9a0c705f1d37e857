//! Whole schedules of several instances and a model database, from a seed.
//!
//! Everything that can go wrong does: messages are late, lost and repeated, processes and machines stop in the middle of
//! a step, clocks drift and are set, connections break, databases restart, fail over and forget. What is *served* is
//! compared with what was true. Nothing here reads a clock, waits or asks a database: a seed gives the same schedule
//! every time.
//!
//! ```
//! use cloakroom_core::coherence::simulator::{AsWritten, run};
//!
//! let coverage = run(1, &|terms| Box::new(AsWritten::new(terms)))?;
//! assert!(coverage.hits > 100);
//! # Ok::<(), Box<cloakroom_core::coherence::simulator::Violation>>(())
//! ```

mod chance;
mod clock;
mod coverage;
mod database;
mod judge;
mod protocol;
mod world;

use std::fmt;

use crate::coherence::LeaseTerms;
use world::World;

pub use clock::Reading;
pub use coverage::Coverage;
pub use judge::Rule;
pub use protocol::{Answer, AsWritten, Look, Protocol, Question};

/// Makes an instance's side of the protocol.
pub type Make<'a> = &'a dyn Fn(&LeaseTerms) -> Box<dyn Protocol>;

/// A schedule in which something was served or refused that must not be.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Names the schedule.
    pub seed: u64,
    /// What was broken.
    pub rule: Rule,
    /// How.
    pub what: String,
    /// What had happened, the last of it.
    pub lines: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        write!(f, "seed {}: {}: {}", self.seed, self.rule, self.what)
    }
}

impl std::error::Error for Violation {}

/// Runs the schedule that `seed` names.
///
/// # Errors
/// At the first violation, with the schedule's last lines.
pub fn run(seed: u64, make: Make<'_>) -> Result<Coverage, Box<Violation>> {
    let Some(mut world) = World::new(seed, make, None) else { return Ok(Coverage::default()) };
    match world.run() {
        Ok(()) => Ok(world.coverage),
        // Once more, with somebody who writes it down.
        Err(violation) => {
            Err(World::new(seed, make, Some(LINES)).and_then(|mut world| world.run().err()).unwrap_or(violation))
        }
    }
}

/// Runs the schedule that `seed` names and tells all of it.
pub fn replay(seed: u64, make: Make<'_>) -> Vec<String> {
    let Some(mut world) = World::new(seed, make, Some(usize::MAX)) else { return Vec::new() };
    match world.run() {
        Ok(()) => world.into_lines(),
        Err(violation) => violation.lines,
    }
}

/// Lines of a schedule that a violation shows.
const LINES: usize = 80;
