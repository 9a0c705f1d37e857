//! `cloakroom session end`: one session, a subject's, everybody's, or those that a filter matches, in chunks.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

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

use super::counted;
use super::filter::Typed;
use crate::cli::account::Consent;
use crate::cli::progress::Progress;
use crate::cli::text::escaped;
use crate::cli::{event, everywhere};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;
use crate::interrupt::Interrupt;

/// Most sessions ended in one transaction: some milliseconds, in which logins wait for the single writer or for a row.
const CHUNK: u32 = 200;

#[derive(Debug, Args)]
pub(in crate::cli) struct End {
    /// The session of this id
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["everyone", "subject", "ip", "before", "browser", "method"],
        conflicts_with_all = ["everyone", "subject", "ip", "before", "browser", "method"]
    )]
    id: Option<SessionId>,
    /// Everybody's, logins under way included
    #[arg(long, conflicts_with_all = ["subject", "ip", "before", "browser", "method"])]
    everyone: bool,
    #[command(flatten)]
    typed: Typed,
    /// End none: say how many it would be
    #[arg(long)]
    dry_run: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

/// What is to end, and how that is written.
enum Which {
    /// At once: a session, a subject's, everybody's. And whose that is.
    At(Target, String),
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
    pub(super) async fn run(self, config: &Config, database: &Database) -> Result<(), Failure> {
        let Self { id, everyone, typed, dry_run, json, consent } = self;
        let is_alone = typed.is_subject_alone();
        let typed_subject = typed.subject.clone().unwrap_or_default();
        let filter = typed.filter(database).await?;
        let which = match (id, filter.subject.clone()) {
            (Some(id), _) => Which::At(Target::Session(id), String::new()),
            (None, Some(subject)) if is_alone => {
                Which::At(Target::Subject(subject), format!(" of {}", escaped(&typed_subject)))
            }
            _ if everyone => Which::At(Target::Everyone, " of everyone".to_owned()),
            _ => Which::Matching(filter.clone()),
        };
        if dry_run {
            return would_end(&which, json, config, database).await;
        }
        let needs_consent = matches!(which, Which::At(Target::Everyone, _) | Which::Matching(_));
        let is_watched = io::stderr().is_terminal();
        // Whoever is asked is told how many, and so is the bar; who has said yes and does not watch need not wait for it.
        let total = if needs_consent && (!consent.yes || is_watched) {
            let total = count(&filter, database).await?;
            if !consent.yes {
                ask(total)?;
            }
            Some(total)
        } else {
            None
        };
        let whose = if let Which::At(_, whose) = &which { whose.clone() } else { String::new() };
        let revoked = revoked(&which);
        let done = match which {
            Which::At(target, _) => end_at_once(target, database).await?,
            Which::Matching(filter) => end_matching(&filter, total, database).await?,
        };
        if done.ended > 0 || done.stopped.is_none() {
            event::record(revoked, database).await;
        }
        if let Some(stopped) = done.stopped {
            everywhere::hint(database).await;
            return Err(stopped);
        }
        if json {
            let waited = everywhere::waited(config, database).await;
            let waited_ms = waited.map(|waited| u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
            return print(&json!({ "ended": done.ended, "everywhere_after_ms": waited_ms }).to_string());
        }
        print(&format!("ended {}{whose}", counted(done.ended)))?;
        everywhere::wait(config, database).await
    }
}

/// What is recorded of it, once.
fn revoked(which: &Which) -> Happened {
    let revoked = Happened::new(EventKind::TokenRevoked).because("operator");
    match which {
        Which::At(Target::Session(id), _) => revoked.session(*id),
        Which::At(Target::Subject(subject), _) | Which::Matching(SessionFilter { subject: Some(subject), .. }) => {
            revoked.to(subject)
        }
        _ => revoked,
    }
}

/// Says how many of how many would end.
async fn would_end(which: &Which, as_json: bool, config: &Config, database: &Database) -> Result<(), Failure> {
    let all = SessionFilter::default();
    let would_end = match which {
        Which::At(Target::Session(id), _) => {
            let query = ListQuery { before: Some(id.successor()), limit: 1, ..ListQuery::default() };
            let found = database.sessions().list(query).await?.sessions.into_iter().find(|session| session.id == *id);
            let Some(session) = found else { return Err(no_session(*id)) };
            u64::from(verdict(&session, SystemClock.now(), &config.policy) == Verdict::Usable)
        }
        Which::At(Target::Subject(subject), _) => count(&SessionFilter::of(subject.clone()), database).await?,
        Which::At(..) => count(&all, database).await?,
        Which::Matching(filter) => count(filter, database).await?,
    };
    let of = count(&all, database).await?;
    if as_json {
        return print(&json!({ "would_end": would_end, "of": of }).to_string());
    }
    print(&format!("would end {would_end} of {}", counted(of)))
}

/// How many living sessions match.
async fn count(filter: &SessionFilter, database: &Database) -> Result<u64, Failure> {
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

/// Asks on a terminal; anything but a yes is a no.
fn ask(total: u64) -> Result<(), Failure> {
    let sessions = counted(total);
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::new(format_args!("no session was ended: repeat it with --yes to end {sessions}")));
    }
    let mut answer = String::new();
    write!(io::stderr().lock(), "End {sessions}? [y/N] ").map_err(|error| Failure::output(&error))?;
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::new(format_args!("cannot read the answer: {error}; use --yes")))?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::new("no session was ended: that was no yes")),
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
async fn end_matching(filter: &SessionFilter, total: Option<u64>, database: &Database) -> Result<Done, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut progress = Progress::new("ending sessions", total);
    let (mut ended, mut before) = (0, None);
    let stopped = loop {
        if interrupt.has_come().await {
            break Some(stopped(ended, None));
        }
        let at = SystemClock.now();
        let page = database.sessions().end_matching(filter.clone(), before, CHUNK, EndReason::Administrator, at).await;
        match page {
            Ok(page) => (ended, before) = (ended + page.ended, page.next),
            Err(error) if ended == 0 => {
                progress.end();
                return Err(error.into());
            }
            Err(error) => break Some(stopped(ended, Some(&error))),
        }
        progress.set(ended);
        if before.is_none() {
            break None;
        }
    };
    progress.end();
    Ok(Done { ended, stopped })
}

fn stopped(ended: u64, error: Option<&StoreError>) -> Failure {
    let ended = counted(ended);
    let why = error.map_or_else(String::new, |error| format!(" ({error})"));
    Failure::new(format_args!("stopped{why} when {ended} were ended: repeat it to end the rest"))
}

fn no_session(id: SessionId) -> Failure {
    Failure::new(format_args!("no session {id}: see `cloakroom session list`"))
}

fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{line}").map_err(|error| Failure::output(&error))
}
