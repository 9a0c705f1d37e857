//! The server as a stranger meets it: a real process, real HTTP, a real SQLite file. One file a noun.

mod account;
mod bad_input;
mod broken_database;
mod client;
mod kill;
mod login;
mod logout;
mod pages;
mod process;
mod revocation;
mod secrets;
mod setup;
mod timeouts;
