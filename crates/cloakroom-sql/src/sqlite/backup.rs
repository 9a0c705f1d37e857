//! A copy of a file while it is in use, and whether such a copy is whole.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::error::open_error;
use super::location::{FileIdentity, Location};
use super::part::{BESIDE, Part, beside};
use super::statements::{FOREIGN_KEYS_BROKEN, INTEGRITY, VACUUM_INTO};
use crate::backup::Backup;
use crate::error::{OpenError, OpenErrorKind};
use crate::migrate::{self, Scope};

/// How long the file may be locked by somebody who switches it to write-ahead logging.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Copies the database at `url` (`sqlite:PATH`) into a new file while it is in use, and reads the copy back.
///
/// It is the database of one moment; nobody waits for it. The copy is whole or not there, is its owner's alone, and is on the
/// disk when this returns. With `overwrite` it takes the place of a file that is there.
///
/// # Errors
/// When the database cannot be read, the file is there already or cannot be written, or the copy is not whole.
pub async fn back_up(url: &str, to: &Path, overwrite: bool) -> Result<Backup, OpenError> {
    let location = Location::parse(url)?;
    location.check(false)?;
    check_target(&location, to, overwrite)?;
    let part = Part::beside(to).map_err(|error| cannot_write(to, &error))?;
    let mut connection = connect_for_reading(&location.path, &location.name()).await?;
    migrate::refuse_unfinished_copy(&mut connection, &location.name()).await?;
    migrate::require(&mut connection, Scope::Sessions, &location.name()).await?;
    vacuum_into(&mut connection, part.path()).await.map_err(|error| cannot_copy(&location.name(), to, error))?;
    drop(connection.close().await); // it has read; there is nothing to lose
    let backup = check_backup(part.path()).await?;
    part.sync().map_err(|error| cannot_write(to, &error))?;
    let placed = if overwrite { part.replace(to) } else { part.take(to) };
    placed.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(to),
        _ => cannot_write(to, &error),
    })?;
    Ok(backup)
}

/// Reads a backup: that SQLite finds it whole, that nothing refers to what is not there, and that the tables are Cloakroom's.
///
/// # Errors
/// What is wrong with it, in one line.
pub async fn check_backup(path: &Path) -> Result<Backup, OpenError> {
    let name = path.display().to_string();
    let broken = |found: &str| {
        let text = format!("the backup {name} cannot be used: {found}; take another one");
        OpenError::saying(OpenErrorKind::NotADatabase, text)
    };
    let about = std::fs::metadata(path).map_err(|error| broken(&error.to_string()))?;
    if !about.is_file() {
        return Err(broken("it is no file"));
    }
    let mut options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    if !beside(path, "-wal").exists() {
        options = options.immutable(true); // it may lie where nothing can be written
    }
    let mut connection = options.connect().await.map_err(|_| broken("it is no SQLite database"))?;
    let found: Result<Vec<String>, _> = sqlx::query_scalar(INTEGRITY).fetch_all(&mut connection).await;
    match found.as_deref() {
        Ok([ok]) if ok == "ok" => {}
        Ok(_) => return Err(broken("it is damaged")),
        Err(_) => return Err(broken("it is damaged, or no SQLite database")),
    }
    let dangling = sqlx::query(FOREIGN_KEYS_BROKEN).fetch_optional(&mut connection).await;
    if !matches!(dangling, Ok(None)) {
        return Err(broken("a row refers to one that is not there"));
    }
    migrate::refuse_newer(&mut connection, &name).await?;
    migrate::require(&mut connection, Scope::Sessions, &name)
        .await
        .map_err(|_| broken("Cloakroom's tables are not in it"))?;
    let tables = migrate::would_drop(&mut connection, Scope::Everything, &name).await?;
    drop(connection.close().await); // it has read; there is nothing to lose
    Ok(Backup { tables, bytes: about.len() })
}

/// A connection that reads, beside whoever writes.
pub(super) async fn connect_for_reading(path: &Path, name: &str) -> Result<SqliteConnection, OpenError> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(BUSY_TIMEOUT);
    options.disable_statement_logging().connect().await.map_err(|error| open_error(name, error))
}

/// Writes all there is into an empty file. Nobody who writes waits for it.
pub(super) async fn vacuum_into(connection: &mut SqliteConnection, path: &Path) -> Result<(), sqlx::Error> {
    let path = path.to_str().ok_or_else(|| sqlx::Error::Io(std::io::ErrorKind::InvalidFilename.into()))?;
    // A name that begins with file: would be read as an URI with options of its own.
    let path = if path.starts_with("file:") { format!("./{path}") } else { path.to_owned() };
    sqlx::query(VACUUM_INTO).bind(path).execute(connection).await.map(drop)
}

fn check_target(location: &Location, to: &Path, overwrite: bool) -> Result<(), OpenError> {
    let is_database = FileIdentity::of(to).is_some_and(|file| FileIdentity::of(&location.path) == Some(file));
    let is_beside = BESIDE.iter().any(|suffix| {
        let log = beside(&location.path, suffix);
        log == to || FileIdentity::of(to).is_some_and(|file| FileIdentity::of(&log) == Some(file))
    });
    if cfg!(unix) && (is_database || is_beside) {
        return Err(refused(to, "it belongs to the database itself", "name another file"));
    }
    match to.symlink_metadata() {
        Ok(about) if !about.is_file() => Err(refused(to, "there is something that is no file", "name another file")),
        Ok(_) if !overwrite => Err(exists(to)),
        _ => Ok(()),
    }
}

fn refused(to: &Path, found: &str, way_out: &str) -> OpenError {
    OpenError::saying(OpenErrorKind::Other, format!("cannot write {}: {found}; {way_out}", to.display()))
}

fn exists(to: &Path) -> OpenError {
    refused(to, "it exists", "name another file, or overwrite it with --yes")
}

pub(super) fn cannot_write(to: &Path, error: &std::io::Error) -> OpenError {
    refused(to, &error.to_string(), "name a file in a directory that this user may write, with room on the disk")
}

fn cannot_copy(name: &str, to: &Path, error: sqlx::Error) -> OpenError {
    let text = match open_error(name, error) {
        error if error.is_locked() => return error,
        error => format!("{error}, and {} may lie on a disk that is full", to.display()),
    };
    OpenError::saying(OpenErrorKind::Other, text)
}
