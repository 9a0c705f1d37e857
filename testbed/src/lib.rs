//! What tests and benchmarks run the real thing on. No test of its own product: nothing here ships.

pub mod balancer;
pub mod guard;
pub mod pooler;
pub mod postgres;
pub mod wire;
