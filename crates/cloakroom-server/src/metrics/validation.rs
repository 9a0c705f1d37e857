//! How requests were validated, what ended, and how far behind the database this instance is.

use std::fmt;

use cloakroom::{FollowCounts, Validation};

use super::text::{Text, number};
use crate::app::App;

pub(super) fn show(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let validation = app.sessions().validation_counts();
    let requests = validation.requests.iter();
    let requests = requests.map(|request| ([("mode", request.mode), ("outcome", request.outcome)], request.count));
    to.counters("validations", "Requests validated, by how and what came of it.", requests)?;
    let help = "How long the database kept a request waiting for its validation; what memory answers is not in it.";
    to.latency("validation_seconds", help, &validation.latency)?;
    for (name, help, value) in [
        ("validation_hits", "Requests answered from memory.", validation.hits),
        ("validation_loads", "Times the database was asked for what memory could not answer.", validation.loads),
        ("validation_joined", "Requests that waited for a load another had begun.", validation.joined),
    ] {
        to.counter(name, help, value)?;
    }
    let others = [("unknown", validation.unknown), ("unavailable", validation.unavailable)];
    let refused = validation.refused.iter().map(|(reason, value)| (reason.as_str(), *value)).chain(others);
    let refused = refused.map(|(reason, value)| ([("reason", reason)], value));
    to.counters("validation_refused", "Requests refused, by why.", refused)?;
    follow(app, to)
}

fn follow(app: &App, to: &mut Text<'_>) -> fmt::Result {
    let follow = app.sessions().follow_counts();
    let ended = follow.ended.iter().map(|(reason, value)| ([("reason", reason.as_str())], *value));
    let help = "Sessions seen to end in the feed, by why. Every instance sees all of them: take one's, not the sum.";
    to.counters("ended_sessions", help, ended)?;
    for (name, help, value) in [
        ("feed_polls", "Polls of the feed that were answered.", follow.polls),
        ("feed_poll_errors", "Polls of the feed that failed or took too long.", follow.errors),
        ("feed_emptied", "Times everything held in memory was dropped.", follow.emptied),
    ] {
        to.counter(name, help, value)?;
    }
    let seconds = follow.lease_age.map_or(f64::INFINITY, |age| age.as_secs_f64());
    let lease = match app.sessions().validation() {
        Validation::Leased(terms) => terms.lease.as_secs_f64(),
        Validation::Strict => 0.0,
    };
    let help = "How long ago the poll began that renewed the lease; infinite before the first.";
    to.gauge("lease_age_seconds", help, seconds)?;
    to.gauge("lease_seconds", "How long a lease lasts; 0 under strict validation.", lease)?;
    to.gauge("held_sessions", "Sessions held in memory.", number(follow.held))?;
    let help = "Open connections that wait for the end of their session.";
    to.gauge("waiting_connections", help, number(follow.waiting))?;
    delays(&follow, to)
}

fn delays(follow: &FollowCounts, to: &mut Text<'_>) -> fmt::Result {
    let bound = |ms: Option<u64>| ms.map_or(f64::INFINITY, |ms| number(ms) / 1_000.0);
    let buckets = follow.delays.iter().map(|(ms, counted)| (bound(*ms), *counted));
    let help = "From an ending to the time it was seen here, between the two clocks.";
    to.sizes("revocation_delay_seconds", help, buckets, number(follow.delays_sum_ms) / 1_000.0)
}
