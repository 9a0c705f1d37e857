//! `cloakroom migrate …`

use clap::Subcommand;
use cloakroom_sql::{Database, Scope};

use crate::cli::database::{open_as_it_is, print};
use crate::config::Config;
use crate::exit::Failure;

/// What can be done with the schema.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Apply what is missing (the default)
    Up,
    /// Drop every table of Cloakroom with what is in it
    Down {
        /// Really drop them
        #[arg(long)]
        yes: bool,
    },
    /// Show what is applied
    Status,
}

/// Runs the command.
///
/// # Errors
/// One line that says why and what to do.
pub(super) async fn run(command: Option<Command>, config: &Config) -> Result<(), Failure> {
    let command = command.unwrap_or(Command::Up);
    let database = open_as_it_is(config, matches!(command, Command::Up)).await?;
    let done = match command {
        Command::Up => up(&database).await,
        Command::Down { yes } => down(&database, yes).await,
        Command::Status => status(&database).await,
    };
    database.close().await;
    done
}

async fn up(database: &Database) -> Result<(), Failure> {
    let applied = database.migrate(Scope::Everything).await.map_err(Failure::new)?;
    for migration in &applied {
        print(&format!("applied {migration}\n"))?;
    }
    if applied.is_empty() { print("nothing to do\n") } else { Ok(()) }
}

async fn down(database: &Database, yes: bool) -> Result<(), Failure> {
    let tables = database.would_drop(Scope::Everything).await.map_err(Failure::new)?;
    if tables.is_empty() {
        return print("nothing to drop\n");
    }
    for (table, rows) in &tables {
        print(&format!("{} {table}: {rows} rows\n", if yes { "dropping" } else { "would drop" }))?;
    }
    if !yes {
        return Err(Failure::new("this loses everything in them: make a backup, then repeat with --yes"));
    }
    database.roll_back(Scope::Everything).await.map_err(Failure::new)
}

async fn status(database: &Database) -> Result<(), Failure> {
    for migration in database.migration_status().await.map_err(Failure::new)? {
        let state = if migration.applied { "applied" } else { "missing" };
        print(&format!("{:<16} {state}\n", migration.name))?;
    }
    Ok(())
}
