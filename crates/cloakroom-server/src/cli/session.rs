//! `cloakroom session`: who is logged in, and how an operator ends that.

use std::io;

use clap::{Args, Subcommand};
use cloakroom::world::SystemClock;
use cloakroom_core::account::LoginName;
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::EventKind;
use cloakroom_core::session::{SessionId, SessionRecord, Subject};
use cloakroom_core::store::{ListQuery, PAGE_MAX, Target};
use cloakroom_core::verdict::{Verdict, verdict};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::account::Consent;
use super::columns::Columns;
use super::database::with_database;
use super::json::Array;
use super::text::escaped;
use super::voice::{Voice, room};
use super::{event, everywhere};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List {
        #[arg(long, value_name = "S")]
        subject: Option<String>,
        #[arg(long)]
        json: bool,
    },
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
    #[arg(value_name = "ID")]
    id: Option<SessionId>,
    #[arg(long, value_name = "S")]
    subject: Option<String>,
    #[arg(long)]
    everyone: bool,
}

/// Lists or ends sessions.
///
/// # Errors
/// When the database cannot be used, there is no such session, or consent is missing.
pub(super) async fn run(command: Command, config: &Config, voice: &Voice) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::List { subject, json } => list(subject, json, config, database, voice).await,
        Command::End { which, consent } => end(which, consent, config, database, voice).await,
    })
    .await
}

async fn list(
    subject: Option<String>,
    as_json: bool,
    config: &Config,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let subject = match subject {
        Some(typed) => Some(subject_of(&typed, database).await?),
        None => None,
    };
    let titles = ["id", "subject", "created", "last-seen", "expires", "ip", "user-agent"];
    let titles = titles.map(|title| voice.say(&format!("column-{title}"), &[]));
    let mut columns = Columns::titled(titles).within(room());
    let mut array = Array::default();
    let mut before = None;
    let now = SystemClock.now();
    loop {
        let query = ListQuery { subject: subject.clone(), before, limit: PAGE_MAX };
        let page = database.sessions().list(query).await?;
        // The store also lists what expired and is not purged yet.
        let living = page.iter().filter(|session| verdict(*session, now, &config.policy) == Verdict::Usable);
        let mut out = io::stdout().lock();
        let written = if as_json {
            array.write(living.map(element), &mut out)
        } else {
            columns.write(living.map(|session| row(session, voice)), &mut out)
        };
        written.map_err(|error| Failure::output(&error))?;
        if page.len() < PAGE_MAX as usize {
            break;
        }
        before = page.last().map(|session| session.id);
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

async fn end(
    which: Which,
    consent: Consent,
    config: &Config,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let (target, reason, (key, whose)) = match which {
        Which { id: Some(id), .. } => (Target::Session(id), EndReason::Administrator, ("session-ended", String::new())),
        Which { subject: Some(typed), .. } => {
            let subject = subject_of(&typed, database).await?;
            (Target::Subject(subject), EndReason::Administrator, ("session-ended-of", escaped(&typed).into_owned()))
        }
        Which { id: None, subject: None, .. } => {
            voice.confirm(consent.yes, "session-everyone-question", &[])?;
            (Target::Everyone, EndReason::Everyone, ("session-ended-everyone", String::new()))
        }
    };
    let revoked = Happened::new(EventKind::TokenRevoked).because("operator");
    let revoked = match &target {
        Target::Session(id) => revoked.session(*id),
        Target::Subject(subject) => revoked.to(subject),
        _ => revoked,
    };
    let ended = database.sessions().end(target, reason, SystemClock.now()).await?;
    if let (Some(id), 0) = (which.id, ended) {
        return Err(Failure::say("session-missing", &[("id", &id)]));
    }
    event::record(revoked, database, voice).await;
    voice.print(key, &[("sessions", &voice.sessions(ended)), ("subject", &whose)])?;
    everywhere::wait_and_say(config, database, voice).await
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
