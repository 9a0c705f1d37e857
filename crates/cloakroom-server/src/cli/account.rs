//! `cloakroom account`: who may log in. Accounts are named by their login name; their sessions end as the store says.

use std::collections::HashSet;
use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::event::EventKind;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{AccountStore, Changed, Created, PAGE_MAX, PasswordChange, Precedence};
use cloakroom_core::throttle::CounterKey;
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::{Clock as _, Random as _};
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::columns::Columns;
use super::database::with_database;
use super::json::Array;
use super::password::Source;
use super::session::counted;
use super::{event, everywhere};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

/// Most locked names that a list tells apart.
const LOCKED_MAX: u32 = 100_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account
    Add {
        #[command(flatten)]
        account: Named,
        /// Let it look after everybody's sessions
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: Source,
    },
    /// List the accounts by login name
    List {
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Set a new password and end the account's sessions
    Password {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        password: Source,
        #[command(flatten)]
        consent: Consent,
    },
    /// Keep an account from logging in and end its sessions
    Disable {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        consent: Consent,
    },
    /// Let an account log in again
    Enable {
        #[command(flatten)]
        account: Named,
    },
    /// Let a login name be tried again at once, whatever was counted of it
    Unlock {
        #[command(flatten)]
        account: Named,
    },
    /// Remove an account and end its sessions; needs --yes
    Remove {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Login name
    #[arg(value_name = "NAME", value_parser = LoginName::new)]
    name: LoginName,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Consent {
    /// Do it without asking
    #[arg(long)]
    pub(super) yes: bool,
}

/// Lists or changes accounts.
///
/// # Errors
/// When the database cannot be used, the account is not there, or the change is refused.
pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::Add { account, admin, password } => add(account.name, admin, password, config, database).await,
        Command::List { json } => list(json, &*database.accounts()).await,
        Command::Password { account, password, .. } => set_password(account.name, password, config, database).await,
        Command::Disable { account, .. } => disable(&account.name, config, database).await,
        Command::Enable { account } => enable(&account.name, database).await,
        Command::Unlock { account } => unlock(&account.name, database).await,
        Command::Remove { account, consent } => remove(&account.name, consent, config, database).await,
    })
    .await
}

async fn add(
    name: LoginName,
    admin: bool,
    password: Source,
    config: &Config,
    database: &Database,
) -> Result<(), Failure> {
    let taken = || Failure::new(format_args!("there is an account {name} already: choose another name"));
    // Before anybody types a password for it. Whether the name is still free then, `create` decides.
    if database.accounts().by_login_name(name.clone()).await?.is_some() {
        return Err(taken());
    }
    let password_hash = password.read_hash(&name, config)?;
    let now = SystemClock.now();
    let subject = new_subject(now)?;
    let created = Happened::new(EventKind::UserCreated).to(&subject).because("operator");
    let account = Account {
        subject,
        login_name: name.clone(),
        password_hash,
        role: if admin { Role::Administrator } else { Role::Person },
        created_at: now,
        password_changed_at: now,
        disabled_at: None,
    };
    match database.accounts().create(account, Precedence::Any).await? {
        Created::Created => {
            event::record(created, database).await;
            print(format_args!("added {name}"))
        }
        Created::Taken | Created::NotFirst => Err(taken()),
    }
}

/// A subject that is never used again: a UUID version 7 (RFC 9562 section 5.7).
fn new_subject(now: Timestamp) -> Result<Subject, Failure> {
    let mut tail = [0; 10];
    SystemRandom.fill(&mut tail).map_err(Failure::new)?;
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid();
    Subject::new(id.to_string()).map_err(Failure::new)
}

async fn list(as_json: bool, accounts: &dyn AccountStore) -> Result<(), Failure> {
    let mut columns = Columns::titled(["login name", "role", "created", "disabled", "locked", "subject"]);
    let locked: HashSet<_> = accounts.locked(LOCKED_MAX).await?.into_iter().collect();
    let is_locked = |account: &Account| locked.contains(&CounterKey::of_login_name(&account.login_name));
    let mut array = Array::default();
    let mut after = None;
    loop {
        let page = accounts.page(after, PAGE_MAX).await?;
        let mut out = io::stdout().lock();
        let written = if as_json {
            array.write(page.iter().map(|account| element(account, is_locked(account))), &mut out)
        } else {
            columns.write(page.iter().map(|account| row(account, is_locked(account))), &mut out)
        };
        written.map_err(|error| Failure::output(&error))?;
        if page.len() < PAGE_MAX as usize {
            break;
        }
        after = page.into_iter().last().map(|account| account.login_name);
    }
    if as_json {
        array.finish(&mut io::stdout().lock()).map_err(|error| Failure::output(&error))?;
    }
    Ok(())
}

fn element(account: &Account, is_locked: bool) -> Value {
    json!({
        "login_name": account.login_name.as_str(),
        "subject": account.subject.as_str(),
        "role": role(account.role),
        "created_at": account.created_at.to_string(),
        "disabled_at": account.disabled_at.map(|time| time.to_string()),
        "locked": is_locked,
    })
}

fn row(account: &Account, is_locked: bool) -> [String; 6] {
    [
        account.login_name.to_string(),
        role(account.role).to_owned(),
        account.created_at.to_string(),
        account.disabled_at.map(|time| time.to_string()).unwrap_or_default(),
        if is_locked { "locked".to_owned() } else { String::new() },
        account.subject.to_string(),
    ]
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::Person => "person",
        Role::Administrator => "administrator",
    }
}

async fn set_password(name: LoginName, password: Source, config: &Config, database: &Database) -> Result<(), Failure> {
    let subject = subject_of(&name, database).await?;
    let new = password.read_hash(&name, config)?;
    let changed = Happened::new(EventKind::PasswordChange).to(&subject).because("operator");
    let change = PasswordChange { subject, expected: None, new, keep: None, at: SystemClock.now() };
    let ended = done(database.accounts().change_password(change).await?, &name)?;
    // Whoever gets a new password may try it, whatever was guessed before.
    database.accounts().forget_counter(CounterKey::of_login_name(&name)).await?;
    event::record(changed, database).await;
    print(format_args!("changed the password of {name}; {} ended", counted(ended)))?;
    everywhere::wait(config, database).await
}

async fn disable(name: &LoginName, config: &Config, database: &Database) -> Result<(), Failure> {
    let subject = subject_of(name, database).await?;
    let disabled = Happened::new(EventKind::UserUpdated).to(&subject).because("disabled");
    let ended = done(database.accounts().disable(subject, SystemClock.now()).await?, name)?;
    event::record(disabled, database).await;
    print(format_args!("disabled {name}; {} ended", counted(ended)))?;
    everywhere::wait(config, database).await
}

async fn enable(name: &LoginName, database: &Database) -> Result<(), Failure> {
    let subject = subject_of(name, database).await?;
    let enabled = Happened::new(EventKind::UserUpdated).to(&subject).because("enabled");
    done(database.accounts().enable(subject).await?, name)?;
    event::record(enabled, database).await;
    print(format_args!("enabled {name}"))
}

/// Also for a name that no account has: attempts under it are counted the same.
async fn unlock(name: &LoginName, database: &Database) -> Result<(), Failure> {
    if database.accounts().forget_counter(CounterKey::of_login_name(name)).await? {
        if let Some(account) = database.accounts().by_login_name(name.clone()).await? {
            let unlocked = Happened::new(EventKind::UserUpdated).to(&account.subject).because("unlocked");
            event::record(unlocked, database).await;
        }
        print(format_args!("unlocked {name}: failed attempts are forgotten"))
    } else {
        print(format_args!("nothing to unlock: no failed attempts are counted for {name}"))
    }
}

async fn remove(name: &LoginName, consent: Consent, config: &Config, database: &Database) -> Result<(), Failure> {
    let subject = subject_of(name, database).await?;
    if !consent.yes {
        return Err(Failure::new(format_args!(
            "nothing was removed: repeat it with --yes to remove {name} for good, or use `cloakroom account disable`"
        )));
    }
    let removed = Happened::new(EventKind::UserDeleted).to(&subject).because("operator");
    let ended = done(database.accounts().remove(subject, SystemClock.now()).await?, name)?;
    event::record(removed, database).await;
    print(format_args!("removed {name}; {} ended", counted(ended)))?;
    everywhere::wait(config, database).await
}

async fn subject_of(name: &LoginName, database: &Database) -> Result<Subject, Failure> {
    let account = database.accounts().by_login_name(name.clone()).await?;
    account.map(|account| account.subject).ok_or_else(|| missing(name))
}

/// How many sessions a change ended.
fn done(changed: Changed, name: &LoginName) -> Result<u64, Failure> {
    match changed {
        Changed::Done { ended } => Ok(ended),
        Changed::Missing => Err(missing(name)),
        Changed::Conflict => Err(Failure::new(format_args!("{name} changed in the meantime: try again"))),
    }
}

fn missing(name: &LoginName) -> Failure {
    Failure::new(format_args!("no account {name}: see `cloakroom account list`"))
}

fn print(line: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(io::stdout().lock(), "{line}").map_err(|error| Failure::output(&error))
}
