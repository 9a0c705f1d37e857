//! `cloakroom sweep`: one purge now, the same that a server does in the background, in chunks.

use std::io::{self, Write as _};

use clap::Args;
use cloakroom::world::SystemClock;
use cloakroom::{Sessions, Unavailable};
use cloakroom_core::event::{EVENTS_MAX, EventId};
use cloakroom_core::throttle::COUNTERS_MAX;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Cutoffs, Database, Due};
use serde_json::json;

use super::account::Consent;
use super::database::with_database;
use super::progress::Progress;
use crate::config::Config;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::sweep;

#[derive(Debug, Args)]
pub(super) struct Sweep {
    /// Purge nothing: say how many rows it would be
    #[arg(long)]
    dry_run: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
    // There is nothing to ask: a server purges the same by itself.
    #[command(flatten)]
    _consent: Consent,
}

impl Sweep {
    /// Purges, and says how many rows that was.
    ///
    /// # Errors
    /// When the database cannot be used, or it was interrupted: what was purged by then is purged.
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        with_database(config, async |database| {
            let rows = if self.dry_run { due(config, database).await? } else { purge(config, database).await? };
            let line = if self.json { as_json(rows) } else { in_words(rows, self.dry_run) };
            writeln!(io::stdout().lock(), "{line}").map_err(|error| Failure::output(&error))
        })
        .await
    }
}

/// How much there is.
async fn due(config: &Config, database: &Database) -> Result<Due, Failure> {
    let (now, policy) = (SystemClock.now(), &config.policy);
    let cutoffs = Cutoffs {
        ended_before: now.minus(policy.retention),
        feed_before: now.minus(policy.feed_retention),
        facts_before: now.minus(policy.client_retention),
        at: now,
        counters_max: COUNTERS_MAX,
        events_before: EventId::first_of(now.minus(config.events_retention)),
        events_max: EVENTS_MAX,
    };
    Ok(database.count_due(cutoffs).await?)
}

/// Purges everything there is, a chunk at a time. Beside a server, or another one of these, each does a part of it.
async fn purge(config: &Config, database: &Database) -> Result<Due, Failure> {
    let sessions = Sessions::builder().policy(config.policy.clone()).store(database.sessions());
    let sessions = sessions.map_err(Failure::new)?;
    let mut run =
        Run { purged: Due::default(), progress: Progress::new("purging", None), interrupt: Interrupt::listen()? };
    let done = run.all(config, database, &sessions).await;
    run.progress.end();
    done.map(|()| run.purged)
}

/// One run.
struct Run {
    purged: Due,
    progress: Progress,
    interrupt: Interrupt,
}

impl Run {
    async fn all(&mut self, config: &Config, database: &Database, sessions: &Sessions) -> Result<(), Failure> {
        let accounts = database.accounts();
        loop {
            let chunk = sessions.purge().await.map_err(|error| unavailable(&error))?;
            self.purged.sessions += chunk.sessions;
            self.purged.endings += chunk.feed;
            self.between().await?;
            if !chunk.more {
                break;
            }
        }
        let mut after = None;
        loop {
            let chunk = sessions.scrub(after).await.map_err(|error| unavailable(&error))?;
            self.purged.facts += chunk.sessions;
            self.between().await?;
            after = chunk.next;
            if after.is_none() {
                break;
            }
        }
        loop {
            let counters = sweep::counters(&*accounts, SystemClock.now()).await?;
            let events = sweep::events(&*accounts, SystemClock.now(), config.events_retention).await?;
            self.purged.counters += counters;
            self.purged.events += events;
            self.between().await?;
            if counters + events == 0 {
                return Ok(());
            }
        }
    }

    /// Between two chunks, where it can be stopped.
    async fn between(&mut self) -> Result<(), Failure> {
        let Due { sessions, endings, facts, counters, events } = self.purged;
        self.progress.set(sessions + endings + facts + counters + events);
        if self.interrupt.has_come().await {
            let done = in_words(self.purged, false);
            return Err(Failure::new(format_args!("stopped: {done}; repeat it to purge the rest")));
        }
        Ok(())
    }
}

fn unavailable(error: &Unavailable) -> Failure {
    Failure::new(format_args!("{error}: see `cloakroom migrate status`"))
}

fn as_json(rows: Due) -> String {
    let Due { sessions, endings, facts, counters, events } = rows;
    json!({ "sessions": sessions, "endings": endings, "client_facts": facts, "counters": counters, "events": events })
        .to_string()
}

fn in_words(rows: Due, is_dry: bool) -> String {
    let Due { sessions, endings, facts, counters, events } = rows;
    let would = if is_dry { "would purge" } else { "purged" };
    format!(
        "{would}: expired sessions {sessions}, endings {endings}, client facts of sessions {facts}, counters of attempts \
         {counters}, security events {events}"
    )
}
