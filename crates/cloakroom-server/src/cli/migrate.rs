//! `cloakroom migrate`: applies, shows and takes back the migrations; copies one database into another.

mod copy;

use std::fmt::Display;
use std::io::{self, Write as _};

use clap::Subcommand;
use cloakroom_sql::{Database, OpenOptions, Scope};

use super::database::with_unmigrated;
use crate::config::Config;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply what is missing (the default)
    Up,
    /// Drop every table and all that is in them
    Down {
        /// Drop them without asking
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied
    Status,
    /// Copy every session, account and ending into another, empty database, and verify it there
    Copy(copy::Copy),
}

/// Migrates, or says what there is to migrate.
///
/// # Errors
/// When the database cannot be used, and for `down` without `--yes`.
pub(super) async fn run(command: Option<Command>, config: &Config) -> Result<(), Failure> {
    let command = command.unwrap_or(Command::Up);
    // Only `up` makes a file: the others would answer for a database that nobody has. And only `up` would go on with what
    // a copy has left unfinished.
    let is_up = matches!(command, Command::Up);
    let options = OpenOptions { create: is_up, unfinished_copy: !is_up, ..OpenOptions::default() };
    match command {
        Command::Up => with_unmigrated(config, options, up).await,
        Command::Down { yes } => with_unmigrated(config, options, async |database| down(database, yes).await).await,
        Command::Status => with_unmigrated(config, options, status).await,
        Command::Copy(copy) => copy.run().await,
    }
}

async fn up(database: &Database) -> Result<(), Failure> {
    let applied = database.migrate(Scope::Everything).await?;
    if applied.is_empty() {
        return print(["nothing to do"]);
    }
    print(applied.iter().map(|migration| format!("applied {}", migration.name)))
}

async fn down(database: &Database, yes: bool) -> Result<(), Failure> {
    let tables = database.would_drop(Scope::Everything).await?;
    if tables.is_empty() {
        return print(["nothing to do"]);
    }
    let verb = if yes { "dropping" } else { "would drop" };
    print(
        tables
            .iter()
            .map(|(table, rows)| format!("{verb} {table}: {rows} {}", if *rows == 1 { "row" } else { "rows" })),
    )?;
    if !yes {
        return Err(Failure::new(
            "nothing was dropped: repeat it with --yes to drop these tables and all rows in them",
        ));
    }
    database.roll_back(Scope::Everything).await?;
    print(["done"])
}

async fn status(database: &Database) -> Result<(), Failure> {
    let state = |applied| if applied { "applied" } else { "missing" };
    let all = database.migration_status().await?;
    print(all.iter().map(|migration| format!("{}  {}", migration.name, state(migration.applied))))
}

fn print(lines: impl IntoIterator<Item = impl Display>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).map_err(|error| Failure::output(&error))
}
