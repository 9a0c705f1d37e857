//! The SQLite store on real files. What every store must do is in the core's contract; here is what only SQLite does.

#[cfg(test)]
mod follow;
#[cfg(test)]
mod lookup;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod model;
#[cfg(test)]
mod open;
#[cfg(test)]
mod purge;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod session;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod world;
#[cfg(test)]
mod writer;
