//! Whole schedules of several instances and a model database, from a seed.
