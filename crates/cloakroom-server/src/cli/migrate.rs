//! `cloakroom migrate`: applies, shows and takes back the migrations; copies one database into another.

mod copy;

use clap::{Args, Subcommand};
use cloakroom_sql::{Database, OpenOptions, Scope, UnfinishedCopy};
use serde_json::json;

use super::account::Consent;
use super::database::with_unmigrated;
use super::json;
use super::voice::{Voice, number};
use crate::config::Config;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Up {
        #[arg(long)]
        json: bool,
    },
    Down(Down),
    Status {
        #[arg(long)]
        json: bool,
    },
    Copy(copy::Copy),
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Down {
    #[command(flatten)]
    consent: Consent,
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

/// Migrates, or says what there is to migrate.
///
/// # Errors
/// When the database cannot be used, and for `down` without consent.
pub(super) async fn run(command: Option<Command>, config: &Config, voice: &Voice) -> Result<(), Failure> {
    let command = command.unwrap_or(Command::Up { json: false });
    // Only `up` makes a file: the others would answer for a database that nobody has. And only `up` would go on with what
    // a copy has left unfinished.
    let is_up = matches!(command, Command::Up { .. });
    let options = OpenOptions { create: is_up, unfinished_copy: !is_up, ..OpenOptions::default() };
    match command {
        Command::Up { json } => {
            with_unmigrated(config, options, async |database| up(database, json, voice).await).await
        }
        Command::Down(how) => with_unmigrated(config, options, async |database| how.run(database, voice).await).await,
        Command::Status { json } => {
            with_unmigrated(config, options, async |database| status(database, json, voice).await).await
        }
        Command::Copy(copy) => copy.run(voice).await,
    }
}

async fn up(database: &Database, as_json: bool, voice: &Voice) -> Result<(), Failure> {
    let applied = database.migrate(Scope::Everything).await?;
    if as_json {
        let names: Vec<_> = applied.iter().map(|migration| migration.name.as_str()).collect();
        return json::print(&json!({ "applied": names }));
    }
    if applied.is_empty() {
        return voice.print("migrate-nothing", &[]);
    }
    applied.iter().try_for_each(|migration| voice.print("migrate-applied", &[("name", &migration.name)]))
}

impl Down {
    async fn run(self, database: &Database, voice: &Voice) -> Result<(), Failure> {
        let tables = database.would_drop(Scope::Everything).await?;
        if !self.json {
            if tables.is_empty() {
                return voice.print("migrate-nothing", &[]);
            }
            let key = if self.consent.yes && !self.dry_run { "migrate-dropping" } else { "migrate-would-drop" };
            for (table, rows) in &tables {
                let notice = voice.say(&format!("migrate-gone-{table}"), &[]);
                voice
                    .print(key, &[("table", table), ("rows", rows), ("shown", &number(*rows)), ("notice", &notice)])?;
            }
            // With one migration each there is no earlier form that could keep a row.
            voice.print("migrate-keeps-nothing", &[])?;
        }
        if !self.dry_run && !tables.is_empty() {
            voice.confirm(self.consent.yes, "migrate-down-question", &[])?;
            database.roll_back(Scope::Everything).await?;
        }
        if self.json {
            let tables: Vec<_> = tables.iter().map(|(table, rows)| json!({ "table": table, "rows": rows })).collect();
            return json::print(&json!({ "tables": tables, "dry_run": self.dry_run }));
        }
        if self.dry_run { Ok(()) } else { voice.print("migrate-done", &[]) }
    }
}

async fn status(database: &Database, as_json: bool, voice: &Voice) -> Result<(), Failure> {
    let all = database.migration_status().await?;
    let copy = database.unfinished_copy().await?;
    if as_json {
        let migrations: Vec<_> = all
            .iter()
            .map(|migration| json!({ "name": migration.name, "description": migration.description, "applied": migration.applied }))
            .collect();
        let copy = copy.map(|copy| json!({ "source": copy.source }));
        return json::print(&json!({ "migrations": migrations, "unfinished_copy": copy }));
    }
    all.iter().try_for_each(|migration| {
        let key = if migration.applied { "migrate-is-applied" } else { "migrate-is-missing" };
        voice.print(key, &[("name", &migration.name)])
    })?;
    match copy {
        Some(UnfinishedCopy { source: Some(source), .. }) => {
            voice.print("migrate-copy-unfinished", &[("source", &source)])
        }
        Some(_) => voice.print("migrate-copy-ending", &[]),
        None => Ok(()),
    }
}
