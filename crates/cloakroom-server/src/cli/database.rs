//! The database under a command: opened, migrated where that is wanted, and closed however the command ended.

use cloakroom_sql::{Database, OpenOptions, Scope};

use crate::config::Config;
use crate::exit::Failure;

/// Runs `work` on the configured database, migrated first unless `database.migrate` forbids it.
///
/// # Errors
/// When the database cannot be opened or migrated, and those of `work`.
pub(super) async fn with_database(
    config: &Config,
    work: impl AsyncFnOnce(&Database) -> Result<(), Failure>,
) -> Result<(), Failure> {
    with_unmigrated(config, OpenOptions::default(), async |database| {
        if config.database.migrate {
            database.migrate(Scope::Everything).await?;
        }
        database.require_migrated(Scope::Everything).await?;
        work(database).await
    })
    .await
}

/// Runs `work` on the configured database as it is.
///
/// # Errors
/// When the database cannot be opened, and those of `work`.
pub(super) async fn with_unmigrated(
    config: &Config,
    options: OpenOptions,
    work: impl AsyncFnOnce(&Database) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let database = Database::open(config.database.url.reveal(), options).await?;
    let result = work(&database).await;
    // After a failure as well: the write-ahead log goes back into the file.
    database.close().await;
    result
}
