//! What a login session is: tokens, records, verdicts, policies, accounts, passwords and the contract
//! every store must keep.
//!
//! Nothing here reads a clock, a random generator, a file or a socket, and nothing here spawns:
//! time, randomness and storage come in as arguments. If a decision about who is logged in needs
//! a database to be tested, it is in the wrong crate.

pub mod account;
pub mod client_address;
pub mod coherence;
pub mod ending;
pub mod event;
pub mod login;
pub mod measurement;
pub mod origin;
pub mod password;
pub mod policy;
pub mod problem;
pub mod return_target;
mod secret;
pub mod service_token;
pub mod session;
pub mod skew;
pub mod store;
pub mod throttle;
pub mod time;
pub mod token;
pub mod verdict;
pub mod world;
