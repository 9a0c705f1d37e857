//! What tests and benchmarks run the real thing on. No test of its own product: nothing here ships.

pub mod postgres;
