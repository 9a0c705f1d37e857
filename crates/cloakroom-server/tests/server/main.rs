//! The server as a stranger meets it: a real process, real HTTP, a real SQLite file. One file a noun.

#[cfg(test)]
mod account;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod backup;
#[cfg(test)]
mod bad_days;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod broken_database;
#[cfg(test)]
mod charts;
#[cfg(test)]
mod client;
#[cfg(test)]
mod confirm;
#[cfg(test)]
mod copy;
#[cfg(test)]
mod deploy;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod document;
#[cfg(test)]
mod farewell;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod language;
#[cfg(test)]
#[expect(dead_code, reason = "tests of several servers look through tables too")]
mod leaks;
#[cfg(test)]
mod log;
#[cfg(test)]
mod login;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod migration;
#[cfg(test)]
mod not_me;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod process;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod service;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod standards;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod supervisor;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod timeouts;
