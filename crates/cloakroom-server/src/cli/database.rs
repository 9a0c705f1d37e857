//! The database as commands use it: opened, brought up to date where that is wanted, closed.

use std::io::{self, Write as _};

use cloakroom_core::account::{Account, LoginName};
use cloakroom_core::session::Subject;
use cloakroom_core::store::StoreError;
use cloakroom_sql::{Database, OpenOptions, Scope};

use crate::config::Config;
use crate::exit::Failure;

/// Opens the configured database for a command.
///
/// # Errors
/// One line that says what to do.
pub(super) async fn open(config: &Config) -> Result<Database, Failure> {
    let database = open_as_it_is(config, true).await?;
    if config.database.migrate {
        database.migrate(Scope::Everything).await.map_err(Failure::new)?;
    }
    Ok(database)
}

/// Opens the configured database without migrating it.
///
/// # Errors
/// One line that says what to do.
pub(super) async fn open_as_it_is(config: &Config, create: bool) -> Result<Database, Failure> {
    let options = OpenOptions { create, ..OpenOptions::default() };
    Database::open(config.database.url.reveal(), options).await.map_err(Failure::new)
}

/// A failed operation.
#[expect(clippy::needless_pass_by_value, reason = "stands in `map_err`")]
pub(super) fn failed(error: StoreError) -> Failure {
    let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(" ({cause})"));
    if error.is_busy() {
        return Failure::new(format_args!("{error}{cause}: another program holds it; try again"));
    }
    Failure::new(format_args!("{error}{cause}: run `cloakroom migrate status`, or check the file"))
}

/// The account of a login name.
///
/// # Errors
/// When there is none.
pub(super) async fn account(database: &Database, typed: &str) -> Result<Account, Failure> {
    let name = LoginName::new(typed).map_err(Failure::new)?;
    let found = database.accounts().by_login_name(name.clone()).await.map_err(failed)?;
    found.ok_or_else(|| Failure::new(format_args!("no account {name}: see `cloakroom account list`")))
}

/// The subject somebody means: that of the account with this login name, or else the text itself.
///
/// # Errors
/// When the text can be neither.
pub(super) async fn subject(database: &Database, typed: &str) -> Result<Subject, Failure> {
    if let Ok(name) = LoginName::new(typed)
        && let Some(account) = database.accounts().by_login_name(name).await.map_err(failed)?
    {
        return Ok(account.subject);
    }
    Subject::new(typed).map_err(Failure::new)
}

/// Writes to standard output.
///
/// # Errors
/// When it cannot be written.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}
