//! The command line: what can be typed, and which function answers it. What a command does lives in its own file.

mod account;
mod backup;
mod columns;
mod config;
mod database;
mod doctor;
mod event;
mod everywhere;
mod failures;
mod fold;
mod health;
mod help;
mod json;
mod man;
mod migrate;
mod migration;
mod openapi;
mod password;
mod progress;
mod serve;
mod service_token;
mod session;
mod sweep;
pub(crate) mod text;
mod usage;
mod version;
pub(crate) mod voice;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Config, Inputs};
use crate::exit::{Failure, complain};
use voice::Voice;

// What these are for is said by `locales/*/help.ftl`, in each language; a test finds what is missing there.
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
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    // Looked for before anything is parsed: see `voice::chosen`.
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = ["en", "ja"])]
    language: Option<String>,
}

impl From<Global> for Inputs {
    fn from(global: Global) -> Self {
        let Global { config, database, listen, language: _ } = global;
        Self { file: config, env: std::env::vars_os().collect(), listen, database }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve,
    Migrate {
        #[command(subcommand)]
        command: Option<migrate::Command>,
    },
    Account {
        #[command(subcommand)]
        command: account::Command,
    },
    Session {
        #[command(subcommand)]
        command: session::Command,
    },
    ServiceToken {
        #[command(subcommand)]
        command: service_token::Command,
    },
    Sweep(sweep::Sweep),
    Event {
        #[command(subcommand)]
        command: event::Command,
    },
    Backup(backup::Backup),
    Restore(backup::Restore),
    Doctor(doctor::Doctor),
    Health {
        #[arg(long)]
        ready: bool,
    },
    Config(config::Shown),
    Migration(migration::Migration),
    Openapi,
    Completions {
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    Man(man::Man),
    Version(version::Version),
    Help {
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

/// Reads the command line; with how to answer it.
///
/// # Errors
/// With the exit code when there is nothing to run: 0 after `--help` and `--version`, 2 after a usage error.
pub(crate) fn parse() -> Result<(CommandLine, Voice), ExitCode> {
    let args: Vec<OsString> = std::env::args_os().collect();
    let voice = Voice::of(voice::chosen(&args, voice::variable)).map_err(|error| {
        complain(error);
        ExitCode::FAILURE
    })?;
    let parsed = help::for_terminal(tree(&voice)).try_get_matches_from(args);
    match parsed.and_then(|matches| CommandLine::from_arg_matches(&matches)) {
        Ok(command_line) => Ok((command_line, voice)),
        Err(error) => Err(usage::answer(&error, &voice)),
    }
}

/// Every command there is, with its texts.
fn tree(voice: &Voice) -> clap::Command {
    help::spoken(CommandLine::command(), voice)
}

/// Runs what was typed.
///
/// # Errors
/// When it was refused or failed.
pub(crate) async fn run(command_line: CommandLine, voice: &Voice) -> Result<(), Failure> {
    let inputs = Inputs::from(command_line.global);
    match command_line.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(load(&inputs)?, voice).await,
        Command::Migrate { command } => migrate::run(command, &load(&inputs)?, voice).await,
        Command::Account { command } => account::run(command, &load(&inputs)?, voice).await,
        Command::Session { command } => session::run(command, &load(&inputs)?, voice).await,
        Command::ServiceToken { command } => service_token::run(command, &load(&inputs)?, voice).await,
        Command::Sweep(sweep) => sweep.run(&load(&inputs)?, voice).await,
        Command::Event { command } => event::run(command, &load(&inputs)?, voice).await,
        Command::Backup(backup) => backup.run(&load(&inputs)?, voice).await,
        Command::Restore(restore) => restore.run(&load(&inputs)?, voice).await,
        Command::Doctor(doctor) => doctor.run(&load(&inputs)?, voice).await,
        Command::Health { ready } => health::run(ready, &load(&inputs)?).await,
        Command::Config(config) => config.run(&inputs, voice),
        Command::Migration(migration) => migration.run(),
        Command::Openapi => openapi::run(),
        Command::Completions { shell } => man::complete(shell, tree(voice)),
        Command::Man(man) => man.run(tree(voice), voice),
        Command::Version(version) => version.run(),
        Command::Help { command } => help::run(&command, help::for_terminal(tree(voice))),
    }
}

fn load(inputs: &Inputs) -> Result<Config, Failure> {
    Config::load(inputs).map_err(Failure::from)
}

#[cfg(test)]
mod tests;
