//! `cloakroom session end`: one session, a subject's, everybody's, or those that a filter matches, in chunks.

use std::io::{self, IsTerminal as _};

use clap::Args;
use cloakroom::world::SystemClock;
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::EventKind;
use cloakroom_core::session::SessionId;
use cloakroom_core::store::{ListQuery, SessionFilter, StoreError, Target};
use cloakroom_core::verdict::{Verdict, verdict};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::json;

use super::filter::Typed;
use crate::cli::account::Consent;
use crate::cli::progress::Progress;
use crate::cli::text::escaped;
use crate::cli::voice::{Voice, number};
use crate::cli::{event, everywhere, json};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;
use crate::interrupt::Interrupt;

/// Most sessions ended in one transaction: some milliseconds, in which logins wait for the single writer or for a row.
const CHUNK: u32 = 200;

#[derive(Debug, Args)]
pub(in crate::cli) struct End {
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["everyone", "subject", "ip", "before", "browser", "method"],
        conflicts_with_all = ["everyone", "subject", "ip", "before", "browser", "method"]
    )]
    id: Option<SessionId>,
    #[arg(long, conflicts_with_all = ["subject", "ip", "before", "browser", "method"])]
    everyone: bool,
    #[command(flatten)]
    typed: Typed,
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What is to end, and how that is written.
enum Which {
    /// At once: a session, a subject's, everybody's.
    At(Target),
    /// In chunks: what matches.
    Matching(SessionFilter),
}

/// What was ended, and why no more, if somebody or something stopped it.
struct Done {
    ended: u64,
    stopped: Option<Failure>,
}

impl End {
    /// Ends sessions, records that once, and waits until every instance refuses them.
    ///
    /// # Errors
    /// When there is no such session, consent is missing, it was interrupted, or the database cannot be used.
    pub(super) async fn run(self, config: &Config, database: &Database, voice: &Voice) -> Result<(), Failure> {
        let Self { id, everyone, typed, dry_run, json, consent } = self;
        let is_alone = typed.is_subject_alone();
        let typed_subject = typed.subject.clone().unwrap_or_default();
        let filter = typed.filter(database).await?;
        let which = match (id, filter.subject.clone()) {
            (Some(id), _) => Which::At(Target::Session(id)),
            (None, Some(subject)) if is_alone => Which::At(Target::Subject(subject)),
            _ if everyone => Which::At(Target::Everyone),
            _ => Which::Matching(filter.clone()),
        };
        if dry_run {
            return would_end(&which, json, config, database, voice).await;
        }
        let needs_consent = matches!(which, Which::At(Target::Everyone) | Which::Matching(_));
        let is_watched = io::stderr().is_terminal();
        // Whoever is asked is told how many, and so is the bar; who has said yes and does not watch need not wait for it.
        let total = if needs_consent && (!consent.yes || is_watched) {
            let total = count(&filter, database).await?;
            voice.confirm(consent.yes, "session-end-question", &[("sessions", &voice.sessions(total))])?;
            Some(total)
        } else {
            None
        };
        let key = match &which {
            Which::At(Target::Subject(_)) => "session-ended-of",
            Which::At(Target::Everyone) => "session-ended-everyone",
            _ => "session-ended",
        };
        let revoked = revoked(&which);
        let done = match which {
            Which::At(target) => end_at_once(target, database).await?,
            Which::Matching(filter) => end_matching(&filter, total, database, voice).await?,
        };
        if done.ended > 0 || done.stopped.is_none() {
            event::record(revoked, database, voice).await;
        }
        if let Some(stopped) = done.stopped {
            everywhere::hint(database).await;
            return Err(stopped);
        }
        if json {
            let waited_ms = everywhere::wait(config, database, voice).await.map(everywhere::millis);
            return json::print(&json!({ "ended": done.ended, "waited_ms": waited_ms }));
        }
        voice.print(key, &[("sessions", &voice.sessions(done.ended)), ("subject", &escaped(&typed_subject))])?;
        everywhere::wait_and_say(config, database, voice).await
    }
}

/// What is recorded of it, once.
fn revoked(which: &Which) -> Happened {
    let revoked = Happened::new(EventKind::TokenRevoked).because("operator");
    match which {
        Which::At(Target::Session(id)) => revoked.session(*id),
        Which::At(Target::Subject(subject)) | Which::Matching(SessionFilter { subject: Some(subject), .. }) => {
            revoked.to(subject)
        }
        _ => revoked,
    }
}

/// Says how many of how many would end.
async fn would_end(
    which: &Which,
    as_json: bool,
    config: &Config,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let all = SessionFilter::default();
    let would_end = match which {
        Which::At(Target::Session(id)) => {
            let query = ListQuery { before: Some(id.successor()), limit: 1, ..ListQuery::default() };
            let found = database.sessions().list(query).await?.sessions.into_iter().find(|session| session.id == *id);
            let Some(session) = found else { return Err(no_session(*id)) };
            u64::from(verdict(&session, SystemClock.now(), &config.policy) == Verdict::Usable)
        }
        Which::At(Target::Subject(subject)) => count(&SessionFilter::of(subject.clone()), database).await?,
        Which::At(..) => count(&all, database).await?,
        Which::Matching(filter) => count(filter, database).await?,
    };
    let of = count(&all, database).await?;
    if as_json {
        return json::print(&json!({ "would_end": would_end, "of": of }));
    }
    voice.print("session-would-end", &[("count", &number(would_end)), ("sessions", &voice.sessions(of))])
}

/// How many living sessions match.
pub(in crate::cli) async fn count(filter: &SessionFilter, database: &Database) -> Result<u64, Failure> {
    let (mut living, mut before, now) = (0, None, SystemClock.now());
    loop {
        let page = database.sessions().count_matching(filter.clone(), before, now).await?;
        living += page.living;
        before = page.next;
        if before.is_none() {
            return Ok(living);
        }
    }
}

/// In one transaction, and for everybody too: from one moment on nobody is logged in.
async fn end_at_once(target: Target, database: &Database) -> Result<Done, Failure> {
    let reason = if target == Target::Everyone { EndReason::Everyone } else { EndReason::Administrator };
    let ended = database.sessions().end(target.clone(), reason, SystemClock.now()).await?;
    match target {
        Target::Session(id) if ended == 0 => Err(no_session(id)),
        _ => Ok(Done { ended, stopped: None }),
    }
}

/// Chunk after chunk. Each is whole: whoever stops it in between finds what was ended, ended, and the rest as it was.
async fn end_matching(
    filter: &SessionFilter,
    total: Option<u64>,
    database: &Database,
    voice: &Voice,
) -> Result<Done, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut progress = Progress::new(voice, "session-ending", total);
    let (mut ended, mut before) = (0, None);
    let stopped = loop {
        if interrupt.has_come().await {
            break Some(stopped(ended, None, voice));
        }
        let at = SystemClock.now();
        let page = database.sessions().end_matching(filter.clone(), before, CHUNK, EndReason::Administrator, at).await;
        match page {
            Ok(page) => (ended, before) = (ended + page.ended, page.next),
            Err(error) if ended == 0 => {
                progress.end();
                return Err(error.into());
            }
            Err(error) => break Some(stopped(ended, Some(error), voice)),
        }
        progress.set(ended);
        if before.is_none() {
            break None;
        }
    };
    progress.end();
    Ok(Done { ended, stopped })
}

fn stopped(ended: u64, error: Option<StoreError>, voice: &Voice) -> Failure {
    let ended = voice.sessions(ended);
    match error {
        None => Failure::say("session-end-interrupted", &[("sessions", &ended)]),
        Some(error) => Failure::say("session-end-failed", &[("sessions", &ended), ("cause", &error)]),
    }
}

fn no_session(id: SessionId) -> Failure {
    Failure::say("session-missing", &[("id", &id)])
}
