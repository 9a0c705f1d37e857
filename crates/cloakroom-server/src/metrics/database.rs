//! What the database is asked, in how many statements and commits, and over which connections.

use std::fmt;

use cloakroom_sql::BatchCounts;

use super::text::{Text, number};
use crate::app::App;

pub(super) fn show(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let database = app.database();
    let (lookups, writer, pools) = (database.lookup_counts(), database.writer_counts(), database.pool_counts());
    for (name, help, value) in [
        ("lookups", "Token digests looked up.", lookups.lookups),
        ("lookup_statements", "Statements that looked them up.", lookups.statements),
        ("writer_commits", "Transactions of SQLite's writer.", writer.commits),
        ("writer_jobs", "Jobs those transactions had.", writer.jobs),
        ("writer_reopened", "Times SQLite's writer had to open the file again.", writer.reopened),
    ] {
        to.counter(name, help, value)?;
    }
    batches("lookup_batch_size", "Token digests a statement looked up; PostgreSQL only.", &lookups.batches, to)?;
    batches("writer_batch_size", "Jobs that shared a commit; SQLite only.", &writer.batches, to)?;
    let taken = pools.iter().map(|pool| ([("pool", pool.name)], pool.taken));
    to.counters("pool_taken", "Times a connection was taken for a statement or a transaction.", taken)?;
    let states = pools.iter().flat_map(|pool| {
        let states = [("in_use", pool.in_use), ("idle", pool.idle)];
        states.map(|(state, value)| ([("pool", pool.name), ("state", state)], number(value)))
    });
    to.gauges("pool_connections", "Open connections, by what they are for and whether they are at work.", states)?;
    let waiting = pools.iter().filter_map(|pool| Some(([("pool", pool.name)], number(pool.waiting?))));
    to.gauges("pool_waiting", "Who waits for one.", waiting)
}

fn batches(name: &str, help: &str, counts: &BatchCounts, to: &mut Text<'_>) -> fmt::Result {
    // None is larger than the last bound.
    let buckets = counts.by_size().map(|(size, counted)| (number(size), counted)).chain([(f64::INFINITY, 0)]);
    to.sizes(name, help, buckets, number(counts.sum()))
}
