//! `cloakroom backup` and `cloakroom restore`: the database in one file, and the way back, on which nobody who was logged
//! out comes back.

use std::fmt::Display;
use std::path::PathBuf;

use clap::Args;
use cloakroom::world::SystemClock;
use cloakroom_core::ending::EndReason;
use cloakroom_core::event::EventKind;
use cloakroom_core::store::Target;
use cloakroom_core::world::Clock as _;
use cloakroom_sql::{Database, DumpCommands, OpenOptions};
use serde_json::{Value, json};

use super::account::Consent;
use super::voice::{Voice, number};
use super::{event, json};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;
use crate::interrupt::unless_interrupted;

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Backup {
    /// Writes a backup and reads it back.
    ///
    /// # Errors
    /// When it cannot be written, is not whole, or the database is a PostgreSQL server's.
    pub(super) async fn run(self, config: &Config, voice: &Voice) -> Result<(), Failure> {
        let Self { file, json: as_json, consent } = self;
        let url = config.database.url.reveal();
        if let Some(commands) = DumpCommands::new(url, &file.display().to_string()) {
            return Err(Failure::say("backup-postgres", &[("command", &commands.dump)]));
        }
        let work = async { Ok(cloakroom_sql::back_up(url, &file, consent.yes).await?) };
        let backup = unless_interrupted(work, "backup-interrupted").await?;
        let name = config.database.url.redacted();
        if as_json {
            return json::print(
                &json!({ "database": name, "file": file.display().to_string(), "bytes": backup.bytes, "tables": tables(&backup) }),
            );
        }
        let (file, bytes, holds) = (file.display(), number(backup.bytes), holdings(&backup, voice));
        voice.print("backup-done", &[("database", &name), ("file", &file), ("bytes", &bytes), ("holds", &holds)])
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[arg(long)]
    keep_sessions: bool,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    consent: Consent,
}

impl Restore {
    /// Puts the backup in the database's place. What was there stays beside it.
    ///
    /// # Errors
    /// When the backup is not whole, somebody has the database open, consent is missing, or the database is a PostgreSQL
    /// server's.
    pub(super) async fn run(self, config: &Config, voice: &Voice) -> Result<(), Failure> {
        let url = config.database.url.reveal();
        if let Some(commands) = DumpCommands::new(url, &self.file.display().to_string()) {
            return Err(Failure::say("restore-postgres", &[("command", &commands.restore)]));
        }
        let backup = cloakroom_sql::check_backup(&self.file).await?;
        let name = config.database.url.redacted();
        if cloakroom_sql::Restore::would_replace(url)? {
            let (file, holds) = (self.file.display(), holdings(&backup, voice));
            let values: [(&str, &dyn Display); 3] = [("database", &name), ("file", &file), ("holds", &holds)];
            voice.confirm(self.consent.yes, "restore-question", &values)?;
        }
        let work = self.restore(url, voice);
        let (backup, ended, replaced) = unless_interrupted(work, "restore-interrupted").await?;
        let from = self.file.display().to_string();
        if self.json {
            return json::print(&json!({
                "database": name,
                "file": from,
                "tables": tables(&backup),
                "sessions_ended": ended,
                "sessions_kept": if self.keep_sessions { backup.rows("sessions") } else { 0 },
                "replaced": replaced.map(|path| path.display().to_string()),
            }));
        }
        voice.print("restore-done", &[("database", &name), ("file", &from), ("holds", &holdings(&backup, voice))])?;
        match ended {
            Some(ended) => voice.print("restore-ended", &[("sessions", &voice.sessions(ended))])?,
            None => voice.print("restore-kept", &[("sessions", &voice.sessions(backup.rows("sessions")))])?,
        }
        match replaced {
            Some(replaced) => voice.print("restore-replaced", &[("file", &replaced.display())]),
            None => Ok(()),
        }
    }

    async fn restore(
        &self,
        url: &str,
        voice: &Voice,
    ) -> Result<(cloakroom_sql::Backup, Option<u64>, Option<PathBuf>), Failure> {
        let restore = cloakroom_sql::Restore::prepare(&self.file, url).await?;
        // Before the file is anybody's: there is no moment at which an ended session is served.
        let ended = if self.keep_sessions { None } else { Some(end_everyone(&restore, voice).await?) };
        let backup = restore.backup().clone();
        let replaced = restore.finish(SystemClock.now()).await?;
        Ok((backup, ended, replaced))
    }
}

async fn end_everyone(restore: &cloakroom_sql::Restore, voice: &Voice) -> Result<u64, Failure> {
    let options = OpenOptions { create: false, ..OpenOptions::default() };
    let database = Database::open(&restore.url(), options).await?;
    let ended = database.sessions().end(Target::Everyone, EndReason::Everyone, SystemClock.now()).await;
    if ended.is_ok() && restore.backup().tables.iter().any(|(table, _)| table == "security_events") {
        event::record(Happened::new(EventKind::TokenRevoked).because("operator"), &database, voice).await;
    }
    database.close().await;
    Ok(ended?)
}

/// Such as "accounts 1, sessions 3, security events 7".
fn holdings(backup: &cloakroom_sql::Backup, voice: &Voice) -> String {
    let [accounts, sessions, events] =
        ["accounts", "sessions", "security_events"].map(|table| number(backup.rows(table)));
    voice.say("backup-holds", &[("accounts", &accounts), ("sessions", &sessions), ("events", &events)])
}

fn tables(backup: &cloakroom_sql::Backup) -> Value {
    backup.tables.iter().map(|(table, rows)| (table.clone(), Value::from(*rows))).collect()
}
