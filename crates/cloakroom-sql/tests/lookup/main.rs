//! Lookups on PostgreSQL: what they share, what they must not share, and what one of them may cost the others.
//!
//! Every test has its own schema, in which `sessions` can be slowed down or broken from outside.

#[cfg(test)]
mod lane;
#[cfg(test)]
mod world;
