//! `cloakroom service-token`: credentials of applications that call the service API. The secret is shown once, and kept nowhere.

use std::io::{self, Write as _};

use clap::{Args, Subcommand};
use cloakroom::Validation;
use cloakroom::world::{SystemClock, SystemRandom};
use cloakroom_core::event::EventKind;
use cloakroom_core::service_token::{Scope, ServiceToken, ServiceTokenName, ServiceTokenRecord};
use cloakroom_core::store::{Added, ServiceTokenStore};
use cloakroom_core::world::Clock as _;
use cloakroom_sql::Database;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::account::Consent;
use super::columns::Columns;
use super::database::with_database;
use super::event;
use super::json::Array;
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a service token and show it, once
    Add {
        #[command(flatten)]
        token: Named,
        /// What it opens: sessions (the service API) or admin (what administrators may do over the API)
        #[arg(long, value_name = "SCOPE", default_value_t)]
        scope: Scope,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// List the service tokens by name
    List {
        /// As one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a service token: it opens nothing any more; needs --yes
    Remove {
        #[command(flatten)]
        token: Named,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// Name, such as that of the application: 1 to 64 letters, digits, `.`, `_` and `-`
    #[arg(value_name = "NAME")]
    name: ServiceTokenName,
}

/// Makes, lists or removes service tokens.
///
/// # Errors
/// When the database cannot be used, the name is taken or not there, or consent is missing.
pub(super) async fn run(command: Command, config: &Config) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::Add { token, scope, json } => add(token.name, scope, json, database).await,
        Command::List { json } => list(json, &*database.accounts()).await,
        Command::Remove { token, consent } => remove(&token.name, consent, config, database).await,
    })
    .await
}

async fn add(name: ServiceTokenName, scope: Scope, as_json: bool, database: &Database) -> Result<(), Failure> {
    let token = ServiceToken::generate(&SystemRandom).map_err(Failure::new)?;
    let now = SystemClock.now();
    let record =
        ServiceTokenRecord { name: name.clone(), digest: token.digest(), scope, created_at: now, last_used_at: None };
    match database.accounts().add_service_token(record.clone()).await? {
        Added::Added => {}
        Added::Taken => {
            let why = format_args!("there is a service token {name} already: choose another name, or remove it first");
            return Err(Failure::new(why));
        }
        Added::Full => return Err(Failure::new("there are as many service tokens as there can be: remove one")),
    }
    event::record(Happened::new(EventKind::ServiceTokenCreated).because("operator"), database).await;
    let text = token.reveal();
    let shown = if as_json {
        let mut shown = element(&record);
        shown["token"] = text.as_str().into();
        Zeroizing::new(format!("{shown}\n"))
    } else {
        Zeroizing::new(format!("{}\n", text.as_str()))
    };
    if !as_json {
        // Beside the output, which is the token alone: for a file or a secret store.
        writeln!(io::stderr().lock(), "{name} ({scope}); it is shown this once:").map_err(|e| Failure::output(&e))?;
    }
    io::stdout().lock().write_all(shown.as_bytes()).map_err(|error| Failure::output(&error))
}

async fn list(as_json: bool, tokens: &(impl ServiceTokenStore + ?Sized)) -> Result<(), Failure> {
    let tokens = tokens.service_tokens().await?;
    let mut out = io::stdout().lock();
    let written = if as_json {
        let mut array = Array::default();
        array.write(tokens.iter().map(element), &mut out).and_then(|()| array.finish(&mut out))
    } else {
        Columns::titled(["name", "scope", "created", "last used"]).write(tokens.iter().map(row), &mut out)
    };
    written.map_err(|error| Failure::output(&error))
}

fn element(token: &ServiceTokenRecord) -> Value {
    json!({
        "name": token.name.as_str(),
        "scope": token.scope.as_str(),
        "created_at": token.created_at.to_string(),
        "last_used_at": token.last_used_at.map(|time| time.to_string()),
    })
}

fn row(token: &ServiceTokenRecord) -> [String; 4] {
    [
        token.name.to_string(),
        token.scope.to_string(),
        token.created_at.to_string(),
        token.last_used_at.map(|time| time.to_string()).unwrap_or_default(),
    ]
}

async fn remove(
    name: &ServiceTokenName,
    consent: Consent,
    config: &Config,
    database: &Database,
) -> Result<(), Failure> {
    if !consent.yes {
        let why = format_args!("nothing was removed: repeat it with --yes; whoever uses {name} is refused then");
        return Err(Failure::new(why));
    }
    if !database.accounts().remove_service_token(name.clone()).await? {
        return Err(Failure::new(format_args!("no service token {name}: see `cloakroom service-token list`")));
    }
    event::record(Happened::new(EventKind::ServiceTokenRemoved).because("operator"), database).await;
    let until = match config.validation {
        Validation::Strict => String::new(),
        Validation::Leased(terms) => format!("; instances that know it refuse it within {:?}", terms.lease),
    };
    writeln!(io::stdout().lock(), "removed {name}{until}").map_err(|error| Failure::output(&error))
}
