//! `cloakroom sweep`: one purge now, the same that a server does in the background, in chunks.

use std::fmt::Display;
use std::io::{self, Write as _};

use clap::Args;
use cloakroom::world::SystemClock;
use cloakroom::{Sessions, Unavailable};
use cloakroom_core::event::{EVENTS_MAX, EventId};
use cloakroom_core::throttle::COUNTERS_MAX;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Cutoffs, Database, Due};
use serde_json::{Value, json};

use super::account::Consent;
use super::database::with_database;
use super::json;
use super::progress::Progress;
use super::voice::{Voice, number};
use crate::config::Config;
use crate::exit::Failure;
use crate::interrupt::Interrupt;
use crate::sweep;

#[derive(Debug, Args)]
pub(super) struct Sweep {
    #[arg(long)]
    dry_run: bool,
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
    pub(super) async fn run(self, config: &Config, voice: &Voice) -> Result<(), Failure> {
        with_database(config, async |database| {
            let rows = if self.dry_run { due(config, database).await? } else { purge(config, database, voice).await? };
            if self.json {
                return json::print(&as_json(rows));
            }
            let line = in_words(rows, self.dry_run, voice);
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
async fn purge(config: &Config, database: &Database, voice: &Voice) -> Result<Due, Failure> {
    let sessions = Sessions::builder().policy(config.policy.clone()).store(database.sessions());
    let sessions = sessions.map_err(Failure::new)?;
    let progress = Progress::new(voice, "sweep-purging", None);
    let mut run = Run { purged: Due::default(), progress, interrupt: Interrupt::listen()?, voice };
    let done = run.all(config, database, &sessions).await;
    run.progress.end();
    done.map(|()| run.purged)
}

/// One run.
struct Run<'v> {
    purged: Due,
    progress: Progress<'v>,
    interrupt: Interrupt,
    voice: &'v Voice,
}

impl Run<'_> {
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
            return Err(Failure::say("sweep-interrupted", &[("done", &in_words(self.purged, false, self.voice))]));
        }
        Ok(())
    }
}

fn unavailable(error: &Unavailable) -> Failure {
    Failure::say("sweep-unavailable", &[("cause", error)])
}

fn as_json(rows: Due) -> Value {
    let Due { sessions, endings, facts, counters, events } = rows;
    json!({ "sessions": sessions, "endings": endings, "client_facts": facts, "counters": counters, "events": events })
}

fn in_words(rows: Due, is_dry: bool, voice: &Voice) -> String {
    let Due { sessions, endings, facts, counters, events } = rows;
    let key = if is_dry { "sweep-would" } else { "sweep-done" };
    let [sessions, endings, facts, counters, events] = [sessions, endings, facts, counters, events].map(number);
    let values: [(&str, &dyn Display); 5] = [
        ("sessions", &sessions),
        ("endings", &endings),
        ("facts", &facts),
        ("counters", &counters),
        ("events", &events),
    ];
    voice.say(key, &values)
}
