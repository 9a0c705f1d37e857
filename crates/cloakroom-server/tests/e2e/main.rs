//! Several real processes: three instances, a PostgreSQL of their own, a real reverse proxy in front and a wire in between
//! that can be cut. One file for each thing that can happen to them.

#[cfg(test)]
#[path = "../server/client.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod client;
#[cfg(test)]
mod confirm;
#[cfg(test)]
mod cut;
#[cfg(test)]
mod delays;
#[cfg(test)]
#[path = "../server/document.rs"]
mod document;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod everywhere;
#[cfg(test)]
mod file;
#[cfg(test)]
mod flood;
#[cfg(test)]
#[path = "../server/leaks.rs"]
mod leaks;
#[cfg(test)]
mod leased;
#[cfg(test)]
mod lost;
#[cfg(test)]
mod outage;
#[cfg(test)]
mod pooler;
#[cfg(test)]
#[path = "../server/process.rs"]
#[expect(dead_code, reason = "tests of one server use the rest")]
mod process;
#[cfg(test)]
mod restarted;
#[cfg(test)]
mod site;
#[cfg(test)]
mod standby;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod stopped;
#[cfg(test)]
mod upgrade;
