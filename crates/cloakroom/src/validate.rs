//! From the tokens of a request to an outcome. Strict validation asks the store for every one of them.

pub(crate) mod strict;
