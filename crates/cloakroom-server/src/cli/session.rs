//! `cloakroom session`: who is logged in, and how an operator ends that.

mod end;
mod filter;

pub(super) use end::count;

use std::io;

use clap::Subcommand;
use cloakroom::world::SystemClock;
use cloakroom_core::account::LoginName;
use cloakroom_core::session::{SessionRecord, Subject};
use cloakroom_core::store::{ListQuery, PAGE_MAX};
use cloakroom_core::verdict::{Verdict, verdict};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::columns::Columns;
use super::database::with_database;
use super::json::Array;
use super::voice::{Voice, room};
use crate::config::Config;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List {
        #[command(flatten)]
        typed: filter::Typed,
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// End one session, a subject's, everybody's, or all that match; several filters have to match together
    End(end::End),
}

/// Lists or ends sessions.
///
/// # Errors
/// When the database cannot be used, there is no such session, consent is missing, or it was interrupted.
pub(super) async fn run(command: Command, config: &Config, voice: &Voice) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::List { typed, json } => list(typed, json, config, database, voice).await,
        Command::End(end) => end.run(config, database, voice).await,
    })
    .await
}

async fn list(
    typed: filter::Typed,
    as_json: bool,
    config: &Config,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let filter = typed.filter(database).await?;
    let titles = ["id", "subject", "created", "last-seen", "expires", "ip", "user-agent"];
    let titles = titles.map(|title| voice.say(&format!("column-{title}"), &[]));
    let mut columns = Columns::titled(titles).within(room());
    let mut array = Array::default();
    let mut before = None;
    let now = SystemClock.now();
    loop {
        let query = ListQuery { filter: filter.clone(), before, limit: PAGE_MAX };
        let page = database.sessions().list(query).await?;
        // The store also lists what expired and is not purged yet.
        let living = page.sessions.iter().filter(|session| verdict(*session, now, &config.policy) == Verdict::Usable);
        let mut out = io::stdout().lock();
        let written = if as_json {
            array.write(living.map(element), &mut out)
        } else {
            columns.write(living.map(|session| row(session, voice)), &mut out)
        };
        written.map_err(|error| Failure::output(&error))?;
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    if as_json {
        array.finish(&mut io::stdout().lock()).map_err(|error| Failure::output(&error))?;
    }
    Ok(())
}

fn element(session: &SessionRecord) -> Value {
    json!({
        "id": session.id.to_string(),
        "subject": session.subject.as_str(),
        "created_at": session.created_at.to_string(),
        "last_seen_at": session.last_seen_at.to_string(),
        "absolute_expires_at": session.absolute_expires_at.to_string(),
        "auth_method": session.auth_method.as_str(),
        "user_agent": session.client.user_agent(),
        "ip": session.client.ip().map(|ip| ip.to_string()),
    })
}

fn row(session: &SessionRecord, voice: &Voice) -> [String; 7] {
    [
        session.id.to_string(),
        session.subject.to_string(),
        voice.time(session.created_at),
        voice.time(session.last_seen_at),
        voice.time(session.absolute_expires_at),
        session.client.ip().map(|ip| ip.to_string()).unwrap_or_default(),
        session.client.user_agent().unwrap_or_default().to_owned(),
    ]
}

/// The subject of an account or, where no account has this login name, the text itself: an application that issues
/// sessions through the library has subjects without accounts.
pub(super) async fn subject_of(typed: &str, database: &Database) -> Result<Subject, Failure> {
    if let Ok(name) = LoginName::new(typed)
        && let Some(account) = database.accounts().by_login_name(name).await?
    {
        return Ok(account.subject);
    }
    Subject::new(typed).map_err(|error| Failure::say("subject-wrong", &[("cause", &error)]))
}
