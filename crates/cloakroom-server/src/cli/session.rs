//! `cloakroom session …`

use clap::{Args, Subcommand};
use cloakroom::world::SystemClock;
use cloakroom::{EndReason, SessionId, Target};
use cloakroom_core::store::{ListQuery, PAGE_MAX};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::json;

use crate::cli::database::{failed, open, print, subject};
use crate::cli::text::{escaped, escaped_json};
use crate::config::Config;
use crate::exit::Failure;

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List sessions, newest first
    List {
        /// Only those of this login name or subject
        #[arg(long, value_name = "S")]
        subject: Option<String>,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// End one session, a subject's, or everybody's
    End(End),
}

#[derive(Debug, Args)]
#[group(id = "which", required = true, multiple = false)]
struct Which {
    /// Id of one session
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// All of this login name or subject
    #[arg(long, value_name = "S")]
    subject: Option<String>,
    /// Everybody's
    #[arg(long)]
    everyone: bool,
}

/// Which sessions to end.
#[derive(Debug, Args)]
pub(super) struct End {
    #[command(flatten)]
    which: Which,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// One line that says why and what to do.
pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failure> {
    let database = open(config).await?;
    let done = match command {
        Command::List { subject, json } => list(&database, subject.as_deref(), json).await,
        Command::End(which) => end(&database, which).await,
    };
    database.close().await;
    done
}

async fn end(database: &Database, End { which, yes }: End) -> Result<(), Failure> {
    let one = which.id.is_some();
    let (target, reason) = match (which.id, which.subject) {
        (Some(id), _) => (Target::Session(id.parse::<SessionId>().map_err(Failure::new)?), EndReason::Administrator),
        (None, Some(typed)) => (Target::Subject(subject(database, &typed).await?), EndReason::Administrator),
        (None, None) if !yes => {
            return Err(Failure::new("this signs everybody out, on every device: repeat with --yes"));
        }
        (None, None) => (Target::Everyone, EndReason::Everyone),
    };
    let ended = database.sessions().end(target, reason, SystemClock.now()).await.map_err(failed)?;
    if one && ended == 0 {
        return Err(Failure::new("there is no session with this id: see `cloakroom session list`"));
    }
    print(&format!("sessions ended: {ended}\n"))
}

async fn list(database: &Database, typed: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let subject = match typed {
        Some(typed) => Some(subject(database, typed).await?),
        None => None,
    };
    let (now, mut before, mut is_first) = (SystemClock.now(), None, true);
    if as_json {
        print("[")?;
    }
    loop {
        let query = ListQuery { subject: subject.clone(), before, limit: PAGE_MAX };
        let page = database.sessions().list(query).await.map_err(failed)?;
        // What has expired and is not purged yet is no session any more.
        for record in page.iter().filter(|record| record.is_living(now)) {
            let line = if as_json {
                let shown = json!({
                    "id": record.id.to_string(), "subject": record.subject.as_str(),
                    "created_at": record.created_at.to_string(), "last_seen_at": record.last_seen_at.to_string(),
                    "absolute_expires_at": record.absolute_expires_at.to_string(),
                    "user_agent": record.client.user_agent(), "ip": record.client.ip().map(|ip| ip.to_string()),
                });
                format!("{}\n {}", if is_first { "" } else { "," }, escaped_json(&shown.to_string()))
            } else {
                let client = record.client.user_agent().unwrap_or("-");
                format!(
                    "{}  {:<36}  {}  {}\n",
                    record.id,
                    escaped(record.subject.as_str()),
                    record.last_seen_at,
                    escaped(client)
                )
            };
            print(&line)?;
            is_first = false;
        }
        before = page.last().map(|record| record.id);
        if page.len() < PAGE_MAX as usize {
            break;
        }
    }
    if as_json { print("\n]\n") } else { Ok(()) }
}
