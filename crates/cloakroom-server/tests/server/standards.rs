//! Requirements of the standards that nothing else here proves, each over HTTP against the real process. `docs/standards.md` names
//! these tests; a tidy rule makes sure that they exist.

mod breached;
mod client_address;
mod cookies;
mod enumeration;
mod events;
mod forms;
mod headers;
mod passwords;
mod requests;
mod scanner;
mod schemathesis;
mod sessions;
mod throttling;
mod transport;
