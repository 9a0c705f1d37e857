//! Copying between databases: what arrives, what an interruption leaves, what is refused, and who waits meanwhile.
//!
//! Real files and real servers, in each direction.

#[cfg(test)]
mod everything;
#[cfg(test)]
mod frozen;
#[cfg(test)]
mod refused;
#[cfg(test)]
mod resumed;
#[cfg(test)]
mod world;
