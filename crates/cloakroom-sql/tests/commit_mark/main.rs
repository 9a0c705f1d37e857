//! Lookups that are answered out of memory while nothing is committed: every way of committing has to be noticed.
//!
//! Apart from the other tests on SQLite, because a process watches so many files in its life and no more.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod locks;
#[cfg(test)]
mod noticed;
#[cfg(test)]
mod replaced;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod shell;
#[cfg(test)]
#[path = "../sqlite/world.rs"]
mod world;
