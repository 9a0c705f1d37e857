//! `cloakroom backup` and `cloakroom restore`: the database in one file, and the way back, on which nobody who was logged
//! out comes back.

use std::fmt::Write as _;
use std::io::{self, Write as _};
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
use super::event;
use super::session::counted;
use super::text::escaped_json;
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;
use crate::interrupt::unless_interrupted;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// Where to write it; a file that is there is overwritten with --yes only
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The result as JSON
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
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let Self { file, json: as_json, consent } = self;
        let url = config.database.url.reveal();
        if let Some(commands) = DumpCommands::new(url, &file.display().to_string()) {
            return Err(Failure::new(format_args!(
                "PostgreSQL is backed up with its own program (the password comes from PGPASSWORD or .pgpass): {}",
                commands.dump
            )));
        }
        let work = async { Ok(cloakroom_sql::back_up(url, &file, consent.yes).await?) };
        let backup = unless_interrupted(work, "no backup was written").await?;
        let name = config.database.url.redacted();
        if as_json {
            return print(&json_line(
                &json!({ "database": name, "file": file.display().to_string(), "bytes": backup.bytes, "tables": tables(&backup) }),
            ));
        }
        print(&format!(
            "backed up {name} to {}: {} bytes, read back and whole ({})\n",
            file.display(),
            backup.bytes,
            holdings(&backup)
        ))
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Let the backup's sessions live on, those included that were ended since it was made
    #[arg(long)]
    keep_sessions: bool,
    /// The result as JSON
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
    pub(super) async fn run(self, config: &Config) -> Result<(), Failure> {
        let url = config.database.url.reveal();
        if let Some(commands) = DumpCommands::new(url, &self.file.display().to_string()) {
            return Err(Failure::new(format_args!(
                "PostgreSQL is restored with its own program; stop every instance, run {}, then run cloakroom session end \
                 --everyone --yes, so that no session comes back that was ended since, and start the instances",
                commands.restore
            )));
        }
        let backup = cloakroom_sql::check_backup(&self.file).await?;
        let name = config.database.url.redacted();
        if cloakroom_sql::Restore::would_replace(url)? && !self.consent.yes {
            return Err(Failure::new(format_args!(
                "nothing was restored: repeat it with --yes to replace {name} with {} ({}); what is replaced is kept beside it",
                self.file.display(),
                holdings(&backup)
            )));
        }
        let work = self.restore(url);
        let (backup, ended, replaced) = unless_interrupted(work, "the database is as it was").await?;
        let from = self.file.display().to_string();
        if self.json {
            return print(&json_line(&json!({
                "database": name,
                "file": from,
                "tables": tables(&backup),
                "sessions_ended": ended,
                "sessions_kept": if self.keep_sessions { backup.rows("sessions") } else { 0 },
                "replaced": replaced.map(|path| path.display().to_string()),
            })));
        }
        let mut text = format!("restored {name} from {from} ({})\n", holdings(&backup));
        let sessions = match ended {
            Some(ended) => format!("ended {}: who was logged out since the backup stays out", counted(ended)),
            None => {
                format!("kept {}, those included that were ended since the backup", counted(backup.rows("sessions")))
            }
        };
        let _ = writeln!(text, "{sessions}"); // a String takes every write
        if let Some(replaced) = replaced {
            let _ = writeln!(text, "what was there before is {} now", replaced.display());
        }
        print(&text)
    }

    async fn restore(&self, url: &str) -> Result<(cloakroom_sql::Backup, Option<u64>, Option<PathBuf>), Failure> {
        let restore = cloakroom_sql::Restore::prepare(&self.file, url).await?;
        // Before the file is anybody's: there is no moment at which an ended session is served.
        let ended = if self.keep_sessions { None } else { Some(end_everyone(&restore).await?) };
        let backup = restore.backup().clone();
        let replaced = restore.finish(SystemClock.now()).await?;
        Ok((backup, ended, replaced))
    }
}

async fn end_everyone(restore: &cloakroom_sql::Restore) -> Result<u64, Failure> {
    let options = OpenOptions { create: false, ..OpenOptions::default() };
    let database = Database::open(&restore.url(), options).await?;
    let ended = database.sessions().end(Target::Everyone, EndReason::Everyone, SystemClock.now()).await;
    if ended.is_ok() && restore.backup().tables.iter().any(|(table, _)| table == "security_events") {
        event::record(Happened::new(EventKind::TokenRevoked).because("operator"), &database).await;
    }
    database.close().await;
    Ok(ended?)
}

/// Such as "sessions: 3, accounts: 1".
fn holdings(backup: &cloakroom_sql::Backup) -> String {
    let tables = ["accounts", "sessions", "security_events"].into_iter();
    let known = tables.filter(|table| backup.tables.iter().any(|(name, _)| name == table));
    let rows: Vec<_> = known.map(|table| format!("{}: {}", table.replace('_', " "), backup.rows(table))).collect();
    rows.join(", ")
}

fn tables(backup: &cloakroom_sql::Backup) -> Value {
    backup.tables.iter().map(|(table, rows)| (table.clone(), Value::from(*rows))).collect()
}

fn json_line(value: &Value) -> String {
    format!("{}\n", escaped_json(&value.to_string()))
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().lock().write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
}
