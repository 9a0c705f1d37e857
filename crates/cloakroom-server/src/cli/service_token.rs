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
use super::voice::{Voice, room};
use crate::config::Config;
use crate::events::Happened;
use crate::exit::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Add {
        #[command(flatten)]
        token: Named,
        #[arg(long, value_name = "SCOPE", default_value_t)]
        scope: Scope,
        #[arg(long)]
        json: bool,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    Remove {
        #[command(flatten)]
        token: Named,
        #[command(flatten)]
        consent: Consent,
    },
}

#[derive(Debug, Args)]
pub(super) struct Named {
    #[arg(value_name = "NAME")]
    name: ServiceTokenName,
}

/// Makes, lists or removes service tokens.
///
/// # Errors
/// When the database cannot be used, the name is taken or not there, or consent is missing.
pub(super) async fn run(command: Command, config: &Config, voice: &Voice) -> Result<(), Failure> {
    with_database(config, async |database| match command {
        Command::Add { token, scope, json } => add(token.name, scope, json, database, voice).await,
        Command::List { json } => list(json, &*database.accounts(), voice).await,
        Command::Remove { token, consent } => remove(&token.name, consent, config, database, voice).await,
    })
    .await
}

async fn add(
    name: ServiceTokenName,
    scope: Scope,
    as_json: bool,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    let token = ServiceToken::generate(&SystemRandom).map_err(Failure::new)?;
    let now = SystemClock.now();
    let record =
        ServiceTokenRecord { name: name.clone(), digest: token.digest(), scope, created_at: now, last_used_at: None };
    match database.accounts().add_service_token(record.clone()).await? {
        Added::Added => {}
        Added::Taken => return Err(Failure::say("service-token-taken", &[("name", &name)])),
        Added::Full => return Err(Failure::say("service-token-full", &[])),
    }
    event::record(Happened::new(EventKind::ServiceTokenCreated).because("operator"), database, voice).await;
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
        let line = voice.say("service-token-shown", &[("name", &name), ("scope", &scope)]);
        writeln!(io::stderr().lock(), "{line}").map_err(|error| Failure::output(&error))?;
    }
    io::stdout().lock().write_all(shown.as_bytes()).map_err(|error| Failure::output(&error))
}

async fn list(as_json: bool, tokens: &(impl ServiceTokenStore + ?Sized), voice: &Voice) -> Result<(), Failure> {
    let tokens = tokens.service_tokens().await?;
    let mut out = io::stdout().lock();
    let written = if as_json {
        let mut array = Array::default();
        array.write(tokens.iter().map(element), &mut out).and_then(|()| array.finish(&mut out))
    } else {
        let titles = ["name", "scope", "created", "last-used"];
        let titles = titles.map(|title| voice.say(&format!("column-{title}"), &[]));
        let rows = tokens.iter().map(|token| row(token, voice));
        Columns::titled(titles).within(room()).write(rows, &mut out)
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

fn row(token: &ServiceTokenRecord, voice: &Voice) -> [String; 4] {
    [
        token.name.to_string(),
        token.scope.to_string(),
        voice.time(token.created_at),
        token.last_used_at.map(|time| voice.time(time)).unwrap_or_default(),
    ]
}

async fn remove(
    name: &ServiceTokenName,
    consent: Consent,
    config: &Config,
    database: &Database,
    voice: &Voice,
) -> Result<(), Failure> {
    voice.confirm(consent.yes, "service-token-remove-question", &[("name", name)])?;
    if !database.accounts().remove_service_token(name.clone()).await? {
        return Err(Failure::say("service-token-missing", &[("name", name)]));
    }
    event::record(Happened::new(EventKind::ServiceTokenRemoved).because("operator"), database, voice).await;
    match config.validation {
        Validation::Strict => voice.print("service-token-removed", &[("name", name)]),
        Validation::Leased(terms) => {
            let lease = format_args!("{:?}", terms.lease);
            voice.print("service-token-removed-leased", &[("name", name), ("lease", &lease)])
        }
    }
}
