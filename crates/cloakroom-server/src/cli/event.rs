//! `cloakroom event`: what happened, as it was recorded; and the record of what the command line itself does.

use std::io;

use clap::Subcommand;
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::event::{EventId, EventReason, SecurityEvent};
use cloakroom_core::session::ClientFacts;
use cloakroom_core::store::{EventQuery, PAGE_MAX};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::columns::Columns;
use super::database::with_database;
use super::json::Array;
use super::session::subject_of;
use super::voice::{Voice, room};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::{Failure, complain};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List {
        #[arg(long, value_name = "S")]
        subject: Option<String>,
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        #[arg(long)]
        json: bool,
    },
}

/// Lists events.
///
/// # Errors
/// When the database cannot be used.
pub(super) async fn run(command: Command, config: &Config, voice: &Voice) -> Result<(), Failure> {
    let Command::List { subject, limit, json } = command;
    with_database(config, async |database| list(subject, limit, json, database, voice).await).await
}

async fn list(
    subject: Option<String>,
    mut limit: u32,
    as_json: bool,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let subject = match subject {
        Some(typed) => Some(subject_of(&typed, database).await?),
        None => None,
    };
    let titles = ["at", "event", "reason", "subject", "ip", "session", "user-agent", "request"];
    let titles = titles.map(|title| voice.say(&format!("column-{title}"), &[]));
    let mut columns = Columns::titled(titles).within(room());
    let mut array = Array::default();
    let mut before = None;
    while limit > 0 {
        let query = EventQuery { subject: subject.clone(), before, limit: limit.min(PAGE_MAX) };
        let page = database.accounts().events(query).await?;
        let mut out = io::stdout().lock();
        let written = if as_json {
            array.write(page.iter().map(element), &mut out)
        } else {
            columns.write(page.iter().map(|event| row(event, voice)), &mut out)
        };
        written.map_err(|error| Failure::output(&error))?;
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        limit = limit.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
    }
    if as_json {
        array.finish(&mut io::stdout().lock()).map_err(|error| Failure::output(&error))?;
    }
    Ok(())
}

fn element(event: &SecurityEvent) -> Value {
    json!({
        "id": event.id.to_string(),
        "at": event.at.to_string(),
        "event": event.kind.as_str(),
        "outcome": if event.kind.is_success() { "success" } else { "failure" },
        "reason": event.reason.as_ref().map(EventReason::as_str),
        "subject": event.subject.as_ref().map(cloakroom::Subject::as_str),
        "session": event.session.map(|id| id.to_string()),
        "ip": event.client.ip().map(|ip| ip.to_string()),
        "user_agent": event.client.user_agent(),
        "request_id": event.request.map(|id| id.to_string()),
    })
}

/// Events and reasons are codes, the same in every language and in the log.
fn row(event: &SecurityEvent, voice: &Voice) -> [String; 8] {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        voice.time(event.at),
        event.kind.to_string(),
        text(event.reason.as_ref().map(EventReason::as_str)),
        text(event.subject.as_ref().map(cloakroom::Subject::as_str)),
        event.client.ip().map(|ip| ip.to_string()).unwrap_or_default(),
        event.session.map(|id| id.to_string()).unwrap_or_default(),
        text(event.client.user_agent()),
        event.request.map(|id| id.to_string()).unwrap_or_default(),
    ]
}

/// Records what an operator did. It is done by now: where the record fails, that is said and changes nothing.
pub(super) async fn record(happened: Happened, database: &Database, voice: &Voice) {
    let at = SystemClock.now();
    let recorded = match EventId::new(at, &SystemRandom) {
        Ok(id) => {
            let event = happened.event(at, id, ClientFacts::default(), None);
            database.accounts().record(vec![event]).await.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = recorded {
        complain(voice.say("event-not-recorded", &[("cause", &error)]));
    }
}
