//! `cloakroom account`: who may log in. Accounts are named by their login name; their sessions end as the store says.

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};

use clap::{Args, Subcommand};
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::account::{Account, LoginName, Role};
use cloakroom_core::event::EventKind;
use cloakroom_core::session::Subject;
use cloakroom_core::store::{Changed, Created, PAGE_MAX, PasswordChange, Precedence, SessionFilter};
use cloakroom_core::throttle::CounterKey;
use cloakroom_core::time::Timestamp;
use cloakroom_core::world::{Clock as _, Random as _};
use cloakroom_sql::Database;
use serde_json::{Value, json};

use super::columns::Columns;
use super::database::with_database;
use super::json::{self, Array};
use super::password::Source;
use super::voice::{Voice, room};
use super::{event, everywhere};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

/// Most locked names that a list tells apart.
const LOCKED_MAX: u32 = 100_000;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add {
        #[command(flatten)]
        account: Named,
        #[arg(long)]
        admin: bool,
        #[command(flatten)]
        password: Source,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Password {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        password: Source,
        #[command(flatten)]
        consent: Consent,
    },
    Disable {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        rehearsal: Rehearsal,
    },
    Enable {
        #[command(flatten)]
        account: Named,
    },
    Unlock {
        #[command(flatten)]
        account: Named,
    },
    Remove {
        #[command(flatten)]
        account: Named,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        rehearsal: Rehearsal,
    },
}

/// One account, and how to answer about it.
#[derive(Debug, Args)]
pub(super) struct Named {
    #[arg(value_name = "NAME", value_parser = LoginName::new)]
    name: LoginName,
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Consent {
    #[arg(long)]
    pub(super) yes: bool,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Rehearsal {
    #[arg(long)]
    dry_run: bool,
}

/// What every command here needs.
struct Desk<'a> {
    config: &'a Config,
    database: &'a Database,
    voice: &'a Voice,
}

/// Lists or changes accounts.
///
/// # Errors
/// When the database cannot be used, the account is not there, or the change is refused.
pub(super) async fn run(command: Command, config: &Config, voice: &Voice) -> Result<(), Failure> {
    with_database(config, async |database| {
        let desk = Desk { config, database, voice };
        match command {
            Command::Add { account, admin, password } => desk.add(account, admin, password).await,
            Command::List { json } => desk.list(json).await,
            Command::Password { account, password, consent } => desk.set_password(account, password, consent).await,
            Command::Disable { account, consent, rehearsal } => desk.disable(&account, consent, rehearsal).await,
            Command::Enable { account } => desk.enable(&account).await,
            Command::Unlock { account } => desk.unlock(&account).await,
            Command::Remove { account, consent, rehearsal } => desk.remove(&account, consent, rehearsal).await,
        }
    })
    .await
}

impl Desk<'_> {
    async fn add(&self, account: Named, admin: bool, password: Source) -> Result<(), Failure> {
        let Named { name, json } = account;
        let taken = || Failure::say("account-taken", &[("name", &name)]);
        // Before anybody types a password for it. Whether the name is still free then, `create` decides.
        if self.database.accounts().by_login_name(name.clone()).await?.is_some() {
            return Err(taken());
        }
        let password_hash = password.read_hash(&name, self.config, self.voice)?;
        let now = SystemClock.now();
        let subject = new_subject(now)?;
        let created = Happened::new(EventKind::UserCreated).to(&subject).because("operator");
        let account = Account {
            subject: subject.clone(),
            login_name: name.clone(),
            password_hash,
            role: if admin { Role::Administrator } else { Role::Person },
            created_at: now,
            password_changed_at: now,
            disabled_at: None,
        };
        let added = element(&account, false);
        match self.database.accounts().create(account, Precedence::Any).await? {
            Created::Created => {
                event::record(created, self.database, self.voice).await;
                if json { json::print(&added) } else { self.voice.print("account-added", &[("name", &name)]) }
            }
            Created::Taken | Created::NotFirst => Err(taken()),
        }
    }

    async fn list(&self, as_json: bool) -> Result<(), Failure> {
        let accounts = self.database.accounts();
        let titles = ["login-name", "role", "created", "disabled", "locked", "subject"];
        let titles = titles.map(|title| self.voice.say(&format!("column-{title}"), &[]));
        let mut columns = Columns::titled(titles).within(room());
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
                columns.write(page.iter().map(|account| self.row(account, is_locked(account))), &mut out)
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

    fn row(&self, account: &Account, is_locked: bool) -> [String; 6] {
        let say = |key: &str| self.voice.say(key, &[]);
        [
            account.login_name.to_string(),
            say(match account.role {
                Role::Person => "role-person",
                Role::Administrator => "role-administrator",
            }),
            self.voice.time(account.created_at),
            account.disabled_at.map(|time| self.voice.time(time)).unwrap_or_default(),
            if is_locked { say("account-locked") } else { String::new() },
            account.subject.to_string(),
        ]
    }

    async fn set_password(&self, account: Named, password: Source, consent: Consent) -> Result<(), Failure> {
        let name = &account.name;
        let subject = self.subject_of(name).await?;
        let new = password.read_hash(name, self.config, self.voice)?;
        // Who pipes a password in cannot be asked, and has said what for.
        if !password.is_piped() {
            let sessions = self.sessions_of(&subject).await?;
            let question: [(&str, &dyn std::fmt::Display); 2] = [("name", name), ("sessions", &sessions)];
            self.voice.confirm(consent.yes, "account-password-question", &question)?;
        }
        let changed = Happened::new(EventKind::PasswordChange).to(&subject).because("operator");
        let change =
            PasswordChange { subject: subject.clone(), expected: None, new, keep: None, at: SystemClock.now() };
        let ended = done(self.database.accounts().change_password(change).await?, name)?;
        // Whoever gets a new password may try it, whatever was guessed before.
        self.database.accounts().forget_counter(CounterKey::of_login_name(name)).await?;
        event::record(changed, self.database, self.voice).await;
        self.ended("account-password-changed", &account, &subject, ended).await
    }

    async fn disable(&self, account: &Named, consent: Consent, rehearsal: Rehearsal) -> Result<(), Failure> {
        let name = &account.name;
        let subject = self.subject_of(name).await?;
        let sessions = self.count(&subject).await?;
        if rehearsal.dry_run {
            return self.would("account-would-disable", account, &subject, sessions);
        }
        let shown = self.voice.sessions(sessions);
        // It can be taken back: a script that says it in full means it.
        let is_meant = consent.yes || !io::stdin().is_terminal();
        self.voice.confirm(is_meant, "account-disable-question", &[("name", name), ("sessions", &shown)])?;
        let disabled = Happened::new(EventKind::UserUpdated).to(&subject).because("disabled");
        let ended = done(self.database.accounts().disable(subject.clone(), SystemClock.now()).await?, name)?;
        event::record(disabled, self.database, self.voice).await;
        self.ended("account-disabled", account, &subject, ended).await
    }

    async fn enable(&self, account: &Named) -> Result<(), Failure> {
        let name = &account.name;
        let subject = self.subject_of(name).await?;
        let enabled = Happened::new(EventKind::UserUpdated).to(&subject).because("enabled");
        done(self.database.accounts().enable(subject.clone()).await?, name)?;
        event::record(enabled, self.database, self.voice).await;
        if account.json {
            return json::print(&json!({ "login_name": name.as_str(), "subject": subject.as_str() }));
        }
        self.voice.print("account-enabled", &[("name", name)])
    }

    /// Also for a name that no account has: attempts under it are counted the same.
    async fn unlock(&self, account: &Named) -> Result<(), Failure> {
        let name = &account.name;
        let was_counted = self.database.accounts().forget_counter(CounterKey::of_login_name(name)).await?;
        if was_counted && let Some(account) = self.database.accounts().by_login_name(name.clone()).await? {
            let unlocked = Happened::new(EventKind::UserUpdated).to(&account.subject).because("unlocked");
            event::record(unlocked, self.database, self.voice).await;
        }
        if account.json {
            return json::print(&json!({ "login_name": name.as_str(), "unlocked": was_counted }));
        }
        self.voice.print(if was_counted { "account-unlocked" } else { "account-not-locked" }, &[("name", name)])
    }

    async fn remove(&self, account: &Named, consent: Consent, rehearsal: Rehearsal) -> Result<(), Failure> {
        let name = &account.name;
        let subject = self.subject_of(name).await?;
        let sessions = self.count(&subject).await?;
        if rehearsal.dry_run {
            return self.would("account-would-remove", account, &subject, sessions);
        }
        let shown = self.voice.sessions(sessions);
        self.voice.confirm(consent.yes, "account-remove-question", &[("name", name), ("sessions", &shown)])?;
        let removed = Happened::new(EventKind::UserDeleted).to(&subject).because("operator");
        let ended = done(self.database.accounts().remove(subject.clone(), SystemClock.now()).await?, name)?;
        event::record(removed, self.database, self.voice).await;
        self.ended("account-removed", account, &subject, ended).await
    }

    /// Says what a change ended, and waits until it is refused everywhere.
    async fn ended(&self, key: &str, account: &Named, subject: &Subject, ended: u64) -> Result<(), Failure> {
        let name = &account.name;
        if account.json {
            let waited = everywhere::wait(self.config, self.database, self.voice).await;
            return json::print(&json!({
                "login_name": name.as_str(),
                "subject": subject.as_str(),
                "ended": ended,
                "waited_ms": everywhere::millis(waited.unwrap_or_default()),
            }));
        }
        self.voice.print(key, &[("name", name), ("sessions", &self.voice.sessions(ended))])?;
        everywhere::wait_and_say(self.config, self.database, self.voice).await
    }

    /// Says what a change would end.
    fn would(&self, key: &str, account: &Named, subject: &Subject, sessions: u64) -> Result<(), Failure> {
        let name = &account.name;
        if account.json {
            return json::print(&json!({
                "login_name": name.as_str(),
                "subject": subject.as_str(),
                "dry_run": true,
                "would_end": sessions,
            }));
        }
        self.voice.print(key, &[("name", name), ("sessions", &self.voice.sessions(sessions))])
    }

    async fn subject_of(&self, name: &LoginName) -> Result<Subject, Failure> {
        let account = self.database.accounts().by_login_name(name.clone()).await?;
        account.map(|account| account.subject).ok_or_else(|| missing(name))
    }

    /// How many living sessions a subject has.
    async fn count(&self, subject: &Subject) -> Result<u64, Failure> {
        super::session::count(&SessionFilter::of(subject.clone()), self.database).await
    }

    async fn sessions_of(&self, subject: &Subject) -> Result<String, Failure> {
        Ok(self.voice.sessions(self.count(subject).await?))
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

fn element(account: &Account, is_locked: bool) -> Value {
    json!({
        "login_name": account.login_name.as_str(),
        "subject": account.subject.as_str(),
        "role": match account.role {
            Role::Person => "person",
            Role::Administrator => "administrator",
        },
        "created_at": account.created_at.to_string(),
        "disabled_at": account.disabled_at.map(|time| time.to_string()),
        "locked": is_locked,
    })
}

/// How many sessions a change ended.
fn done(changed: Changed, name: &LoginName) -> Result<u64, Failure> {
    match changed {
        Changed::Done { ended } => Ok(ended),
        Changed::Missing => Err(missing(name)),
        Changed::Conflict => Err(Failure::say("account-conflict", &[("name", name)])),
    }
}

fn missing(name: &LoginName) -> Failure {
    Failure::say("account-missing", &[("name", name)])
}
