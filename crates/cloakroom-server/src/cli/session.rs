//! `cloakroom session`: who is logged in, and how an operator ends that.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use cloakroom::world::SystemClock;
use cloakroom_core::account::LoginName;
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::EventKind;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{ListQuery, PAGE_MAX, SessionFilter, Target};
use cloakroom_core::verdict::{Verdict, verdict};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::account::Consent;
use super::columns::Columns;
use super::database::with_database;
use super::json::Array;
use super::text::escaped;
use super::{event, everywhere};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List living sessions, newest first
    List {
        /// Only those of this login name or, if there is no such account, of this subject
        #[arg(long, value_name = "S")]
        subject: Option<String>,
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// End one session, a subject's, or everybody's
    End {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// The session of this id
    #[arg(value_name = "ID")]
    id: Option<SessionId>,
    /// All of this login name or, if there is no such account, of this subject
    #[arg(long, value_name = "S")]
    subject: Option<String>,
    /// Everybody's; needs --yes
    #[arg(long)]
    everyone: bool,
}

/// Lists or ends sessions.
///
/// # Errors
/// When the database cannot be used, there is no such session, or consent is missing.
pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::List { subject, json } => list(subject, json, config, database).await,
        Command::End { which, consent } => end(which, consent, config, database).await,
    })
    .await
}

async fn list(subject: Option<String>, as_json: bool, config: &Config, database: &Database) -> Result<(), Failure> {
    let subject = match subject {
        Some(typed) => Some(subject_of(&typed, database).await?),
        None => None,
    };
    let mut columns = Columns::titled(["id", "subject", "created", "last seen", "expires", "ip", "user agent"]);
    let mut array = Array::default();
    let mut before = None;
    let now = SystemClock.now();
    loop {
        let filter = SessionFilter { subject: subject.clone(), ..SessionFilter::default() };
        let page = database.sessions().list(ListQuery { filter, before, limit: PAGE_MAX }).await?;
        // The store also lists what expired and is not purged yet.
        let living = page.sessions.iter().filter(|session| verdict(*session, now, &config.policy) == Verdict::Usable);
        let mut out = io::stdout().lock();
        let written =
            if as_json { array.write(living.map(element), &mut out) } else { columns.write(living.map(row), &mut out) };
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
        "user_agent": session.client.user_agent(),
        "ip": session.client.ip().map(|ip| ip.to_string()),
    })
}

fn row(session: &SessionRecord) -> [String; 7] {
    [
        session.id.to_string(),
        session.subject.to_string(),
        session.created_at.to_string(),
        session.last_seen_at.to_string(),
        session.absolute_expires_at.to_string(),
        session.client.ip().map(|ip| ip.to_string()).unwrap_or_default(),
        session.client.user_agent().unwrap_or_default().to_owned(),
    ]
}

async fn end(which: Which, consent: Consent, config: &Config, database: &Database) -> Result<(), Failure> {
    let (target, reason, whose) = match which {
        Which { id: Some(id), .. } => (Target::Session(id), EndReason::Administrator, String::new()),
        Which { subject: Some(typed), .. } => {
            let subject = subject_of(&typed, database).await?;
            (Target::Subject(subject), EndReason::Administrator, format!(" of {}", escaped(&typed)))
        }
        Which { id: None, subject: None, .. } if !consent.yes => {
            return Err(Failure::new("no session was ended: repeat it with --yes to log everybody out"));
        }
        Which { id: None, subject: None, .. } => (Target::Everyone, EndReason::Everyone, " of everyone".to_owned()),
    };
    let revoked = Happened::new(EventKind::TokenRevoked).because("operator");
    let revoked = match &target {
        Target::Session(id) => revoked.session(*id),
        Target::Subject(subject) => revoked.to(subject),
        _ => revoked,
    };
    let ended = database.sessions().end(target, reason, SystemClock.now()).await?;
    if let (Some(id), 0) = (which.id, ended) {
        return Err(Failure::new(format_args!("no session {id}: see `cloakroom session list`")));
    }
    event::record(revoked, database).await;
    writeln!(io::stdout().lock(), "ended {}{whose}", counted(ended)).map_err(|error| Failure::output(&error))?;
    everywhere::wait(config, database).await
}

/// The subject of an account or, where no account has this login name, the text itself: an application that issues
/// sessions through the library has subjects without accounts.
pub(super) async fn subject_of(typed: &str, database: &Database) -> Result<Subject, Failure> {
    if let Ok(name) = LoginName::new(typed)
        && let Some(account) = database.accounts().by_login_name(name).await?
    {
        return Ok(account.subject);
    }
    Subject::new(typed).map_err(Failure::new)
}

/// Such as "1 session".
pub(super) fn counted(sessions: u64) -> String {
    if sessions == 1 { "1 session".to_owned() } else { format!("{sessions} sessions") }
}
