//! The command line: what can be typed, and which function answers it. What a command does lives in its own file.

mod account;
mod backup;
mod columns;
mod config;
mod database;
mod doctor;
mod event;
mod everywhere;
mod json;
mod migrate;
mod password;
mod progress;
mod serve;
mod service_token;
mod session;
mod sweep;
pub(crate) mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Inputs};
use crate::exit::Failure;

/// Login sessions that can be ended: one binary beside your application.
///
/// Without a command it serves. Without configuration it keeps its data in cloakroom.db in the working directory.
#[derive(Debug, Parser)]
#[command(name = "cloakroom", version, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Args)]
struct Global {
    /// Configuration file [default: cloakroom.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database, such as sqlite:cloakroom.db
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    /// Address and port to listen on, such as 127.0.0.1:8787
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
}

impl From<Global> for Inputs {
    fn from(global: Global) -> Self {
        let Global { config, database, listen } = global;
        Self { file: config, env: std::env::vars_os().collect(), listen, database }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve logins and sessions over HTTP (the default)
    Serve,
    /// Apply, show or take back the database migrations
    Migrate {
        #[command(subcommand)]
        command: Option<migrate::Command>,
    },
    /// Add, list and change accounts
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    /// List and end sessions
    Session {
        #[command(subcommand)]
        command: session::Command,
    },
    /// Make, list and remove credentials of applications
    ServiceToken {
        #[command(subcommand)]
        command: service_token::Command,
    },
    /// Purge now what is past its retention, as a server does by itself
    Sweep(sweep::Sweep),
    /// List security events
    Event {
        #[command(subcommand)]
        command: event::Command,
    },
    /// Write a copy of the database (SQLite) while it is in use
    Backup(backup::Backup),
    /// Put a backup in the database's place (SQLite) and end every session in it
    Restore(backup::Restore),
    /// Examine a live deployment: each promise by a check, with what was seen and what to do
    Doctor(doctor::Doctor),
    /// Show the configuration in effect, secrets redacted
    Config {
        #[command(subcommand)]
        command: Option<config::Command>,
    },
}

/// Reads the command line.
///
/// # Errors
/// With the exit code when there is nothing to run: 0 after `--help` and `--version`, 2 after a usage error.
pub(crate) fn parse() -> Result<CommandLine, ExitCode> {
    CommandLine::try_parse().map_err(|error| {
        // Where the terminal is gone as well, the exit code has to do.
        let _ = error.print();
        u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
    })
}

/// Runs what was typed.
///
/// # Errors
/// When it was refused or failed.
pub(crate) async fn run(command_line: CommandLine) -> Result<(), Failure> {
    let inputs = Inputs::from(command_line.global);
    match command_line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(load(&inputs)?).await,
        Command::Migrate { command } => migrate::run(command, &load(&inputs)?).await,
        Command::Account { command } => account::run(command, &load(&inputs)?).await,
        Command::Session { command } => session::run(command, &load(&inputs)?).await,
        Command::ServiceToken { command } => service_token::run(command, &load(&inputs)?).await,
        Command::Sweep(sweep) => sweep.run(&load(&inputs)?).await,
        Command::Event { command } => event::run(command, &load(&inputs)?).await,
        Command::Backup(backup) => backup.run(&load(&inputs)?).await,
        Command::Restore(restore) => restore.run(&load(&inputs)?).await,
        Command::Doctor(doctor) => doctor.run(&load(&inputs)?, &inputs.env).await,
        Command::Config { command } => config::run(command, &inputs),
    }
}

fn load(inputs: &Inputs) -> Result<Config, Failure> {
    Config::load(inputs).map_err(Failure::from)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error)
    }
}
