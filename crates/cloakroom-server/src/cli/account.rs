//! `cloakroom account …`

use clap::Subcommand;
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom::{SessionId, Subject};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::store::{Changed, Created, PAGE_MAX, PasswordChange, Precedence};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::json;

use crate::cli::database::{account, failed, open, print};
use crate::cli::password::new_hash;
use crate::cli::text::{escaped, escaped_json};
use crate::config::Config;
use crate::exit::Failure;

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account
    Add {
        /// Login name
        name: String,
        /// May look after everybody's sessions
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input, as one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// List the accounts
    List {
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Set a new password; every session of the account ends
    Password {
        /// Login name
        name: String,
        /// Read the password from standard input, as one line
        #[arg(long)]
        password_stdin: bool,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// Let an account log in no more; its sessions end
    Disable {
        /// Login name
        name: String,
        /// Ask nothing
        #[arg(long)]
        yes: bool,
    },
    /// Let an account log in again; no session comes back
    Enable {
        /// Login name
        name: String,
    },
    /// Remove an account; its sessions end
    Remove {
        /// Login name
        name: String,
        /// Really remove it
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// One line that says why and what to do.
pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failure> {
    let database = open(config).await?;
    let done = run_on(command, config, &database).await;
    database.close().await;
    done
}

async fn run_on(command: Command, config: &Config, database: &Database) -> Result<(), Failure> {
    let now = SystemClock.now();
    match command {
        Command::Add { name, admin, password_stdin } => {
            let role = if admin { Role::Administrator } else { Role::Person };
            add(config, database, &name, role, password_stdin).await
        }
        Command::List { json } => list(database, json).await,
        Command::Password { name, password_stdin, yes: _ } => {
            let account = account(database, &name).await?;
            let new = new_hash(config, &account.login_name, password_stdin)?;
            let change = PasswordChange { subject: account.subject, expected: None, new, keep: None, at: now };
            let changed = database.accounts().change_password(change).await.map_err(failed)?;
            say("changed the password of", &account.login_name, changed)
        }
        Command::Disable { name, yes: _ } => {
            let account = account(database, &name).await?;
            let changed = database.accounts().disable(account.subject, now).await.map_err(failed)?;
            say("disabled", &account.login_name, changed)
        }
        Command::Enable { name } => {
            let account = account(database, &name).await?;
            let changed = database.accounts().enable(account.subject).await.map_err(failed)?;
            say("enabled", &account.login_name, changed)
        }
        Command::Remove { name, yes } => {
            let account = account(database, &name).await?;
            if !yes {
                let line = format!("removing {} cannot be taken back: repeat with --yes", account.login_name);
                return Err(Failure::new(line));
            }
            let changed = database.accounts().remove(account.subject, now).await.map_err(failed)?;
            say("removed", &account.login_name, changed)
        }
    }
}

async fn add(config: &Config, database: &Database, typed: &str, role: Role, from_stdin: bool) -> Result<(), Failure> {
    let name = LoginName::new(typed).map_err(Failure::new)?;
    let taken = || Failure::new(format_args!("there is an account {name} already: see `cloakroom account list`"));
    if database.accounts().by_login_name(name.clone()).await.map_err(failed)?.is_some() {
        return Err(taken()); // before a password is asked for
    }
    let now = SystemClock.now();
    // A subject is never reused: it is no name, but an id of its own.
    let id = SessionId::new(now, &SystemRandom).map_err(Failure::new)?;
    let account = Account {
        subject: Subject::new(id.to_string()).map_err(Failure::new)?,
        login_name: name.clone(),
        password_hash: new_hash(config, &name, from_stdin)?,
        role,
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
    };
    match database.accounts().create(account, Precedence::Any).await.map_err(failed)? {
        Created::Created => print(&format!("added {}\n", escaped(name.as_str()))),
        Created::Taken | Created::NotFirst => Err(taken()),
    }
}

fn say(what: &str, name: &LoginName, changed: Changed) -> Result<(), Failure> {
    let name = escaped(name.as_str());
    match changed {
        Changed::Done { ended } => print(&format!("{what} {name}; sessions ended: {ended}\n")),
        Changed::Missing | Changed::Conflict => {
            Err(Failure::new(format_args!("{name} was changed by somebody else meanwhile: look and try again")))
        }
    }
}

const fn role(account: &Account) -> &'static str {
    match account.role {
        Role::Person => "person",
        Role::Administrator => "administrator",
    }
}

async fn list(database: &Database, as_json: bool) -> Result<(), Failure> {
    let (mut after, mut is_first) = (None, true);
    if as_json {
        print("[")?;
    }
    loop {
        let page = database.accounts().page(after.clone(), PAGE_MAX).await.map_err(failed)?;
        for account in &page {
            let disabled = account.disabled_at.map(|time| time.to_string());
            let line = if as_json {
                let shown = json!({
                    "login_name": account.login_name.as_str(), "subject": account.subject.as_str(), "role": role(account),
                    "created_at": account.created_at.to_string(), "disabled_at": disabled,
                });
                format!("{}\n {}", if is_first { "" } else { "," }, escaped_json(&shown.to_string()))
            } else {
                let state = if disabled.is_some() { "disabled" } else { "enabled" };
                format!(
                    "{:<32} {:<14} {:<9} {}\n",
                    escaped(account.login_name.as_str()),
                    role(account),
                    state,
                    account.created_at
                )
            };
            print(&line)?;
            is_first = false;
        }
        after = page.last().map(|account| account.login_name.clone());
        if page.len() < PAGE_MAX as usize {
            break;
        }
    }
    if as_json { print("\n]\n") } else { Ok(()) }
}
