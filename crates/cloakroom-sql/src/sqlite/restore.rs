//! A backup takes the place of a file. What is replaced stays beside it, and nobody may have it open meanwhile.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cloakroom_core::time::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::backup::{cannot_write, check_backup, connect_for_reading, vacuum_into};
use super::error::{is_busy, open_error};
use super::location::{FileIdentity, Location};
use super::part::{BESIDE, Part, beside};
use super::statements::{BEGIN_ALONE, ENSURE_SEQUENCE, MOMENT, NO_LOG, RESERVE_POSITION};
use crate::backup::Backup;
use crate::error::{OpenError, OpenErrorKind};

/// A restore that is prepared: the backup lies beside the database, which is locked. Dropped, it leaves everything as it was.
#[derive(Debug)]
pub struct Restore {
    location: Location,
    part: Part,
    backup: Backup,
    /// Holds the file that is replaced, where there is one that can be locked.
    _lock: Option<SqliteConnection>,
}

impl Restore {
    /// Whether there is a file at `url` (`sqlite:PATH`) that a restore would replace.
    ///
    /// # Errors
    /// When the URL names no file, or its directory cannot be used.
    pub fn would_replace(url: &str) -> Result<bool, OpenError> {
        let location = Location::parse(url)?;
        location.check(true)?;
        Ok(location.path.exists())
    }

    /// Reads the backup and copies it to beside the database at `url`, where [`url`](Self::url) finds it: what has to be
    /// changed in it is changed before it is anybody's.
    ///
    /// # Errors
    /// When the backup is not whole, another process has the database open, or there is no room.
    pub async fn prepare(from: &Path, url: &str) -> Result<Self, OpenError> {
        let location = Location::parse(url)?;
        location.check(true)?;
        let name = location.name();
        if cfg!(unix) && FileIdentity::of(from).is_some_and(|file| FileIdentity::of(&location.path) == Some(file)) {
            let text = format!("cannot restore {name}: the backup is that file itself; name another one");
            return Err(OpenError::saying(OpenErrorKind::Other, text));
        }
        let backup = check_backup(from).await?;
        let (lock, given_out) = take_alone(&location).await?;
        let part = Part::beside(&location.path).map_err(|error| cannot_write(&location.path, &error))?;
        let mut source = connect_for_reading(from, &from.display().to_string()).await?;
        let copied = vacuum_into(&mut source, part.path()).await;
        copied.map_err(|error| open_error(&from.display().to_string(), error))?;
        drop(source.close().await); // it has read; there is nothing to lose
        check_backup(part.path()).await?;
        if let Some(position) = given_out {
            go_on_above(&part, position, &name).await?;
        }
        Ok(Self { location, part, backup, _lock: lock })
    }

    /// The URL of the file that is going to be the database.
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.part.path().display())
    }

    /// What is in the backup.
    pub const fn backup(&self) -> &Backup {
        &self.backup
    }

    /// Puts the file in the database's place; returns where the one that was there is now. Close what opened
    /// [`url`](Self::url) before.
    ///
    /// # Errors
    /// When a file cannot be renamed. The database is the old one then.
    pub async fn finish(self, at: Timestamp) -> Result<Option<PathBuf>, OpenError> {
        let Self { location, part, _lock: lock, .. } = self;
        let path = &location.path;
        let failed = |error: std::io::Error| cannot_write(path, &error);
        if beside(part.path(), "-wal").metadata().is_ok_and(|log| log.len() > 0) {
            let text = format!("cannot restore {}: the copy is still open; try again", location.name());
            return Err(OpenError::saying(OpenErrorKind::Locked, text));
        }
        belong_to(&part, path).map_err(failed)?;
        part.sync().map_err(failed)?;
        let replaced = path.exists().then(|| beside(path, &format!(".replaced-{}", compact(at))));
        if let Some(replaced) = &replaced {
            // A log that stayed would be taken for the new file's.
            for suffix in BESIDE {
                let log = beside(path, suffix);
                if log.exists() {
                    fs::rename(&log, beside(replaced, suffix)).map_err(failed)?;
                }
            }
            // A second name, so that there is a database at every moment; where the disk has none, a new name.
            if fs::hard_link(path, replaced).is_err() {
                fs::rename(path, replaced).map_err(failed)?;
            }
        }
        part.replace(path).map_err(failed)?;
        if let Some(lock) = lock {
            drop(lock.close().await); // it is on the file that was replaced
        }
        Ok(replaced)
    }
}

/// Makes sure that nobody else has the file open, and that nobody opens it until this is dropped. Also returns the last
/// position it has given out. Of a file that is damaged only the first can be made sure of.
async fn take_alone(location: &Location) -> Result<(Option<SqliteConnection>, Option<i64>), OpenError> {
    let Some(identity) = FileIdentity::of(&location.path) else { return Ok((None, None)) };
    let in_use = |who: &str| {
        let text = format!("cannot restore {}: {who} has it open; stop the server first", location.name());
        OpenError::saying(OpenErrorKind::Locked, text)
    };
    if let Some(process) = process_with(identity) {
        return Err(in_use(&format!("process {process}")));
    }
    if !begins_as_a_database(&location.path) {
        return Ok((None, None)); // SQLite would remove the log beside it, which may be all there is left
    }
    let options = SqliteConnectOptions::new()
        .filename(&location.path)
        .create_if_missing(false)
        .busy_timeout(std::time::Duration::ZERO)
        .disable_statement_logging();
    let locked = async {
        let mut connection = options.connect().await?;
        // Whoever has a database with a write-ahead log open keeps it from going without one. And then the file is all there is.
        sqlx::query(NO_LOG).execute(&mut connection).await?;
        sqlx::query(BEGIN_ALONE).execute(&mut connection).await?;
        Ok(connection)
    };
    match locked.await {
        Ok(mut connection) => {
            let given_out = sqlx::query_scalar(MOMENT).fetch_optional(&mut connection).await;
            Ok((Some(connection), given_out.unwrap_or(None)))
        }
        Err(error) if is_busy(&error) => Err(in_use("another process")),
        Err(error) => {
            tracing::warn!(%error, "the file that is replaced cannot be read");
            Ok((None, None))
        }
    }
}

fn begins_as_a_database(path: &Path) -> bool {
    let mut begin = [0; 16];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begin == *b"SQLite format 3\0"
}

/// Positions go on above all that the replaced file has given out: a login that began there is a login of before (G4).
async fn go_on_above(part: &Part, position: i64, name: &str) -> Result<(), OpenError> {
    let failed = |error| open_error(name, error);
    let options = SqliteConnectOptions::new().filename(part.path()).create_if_missing(false);
    let mut connection = options.disable_statement_logging().connect().await.map_err(failed)?;
    sqlx::query(ENSURE_SEQUENCE).execute(&mut connection).await.map_err(failed)?;
    sqlx::query(RESERVE_POSITION).bind(position).execute(&mut connection).await.map_err(failed)?;
    connection.close().await.map_err(failed)
}

/// Another process that has the file open, where the system tells (Linux, and only processes this user may look into).
fn process_with(identity: FileIdentity) -> Option<u32> {
    let is_open_in = |process: &Path| {
        let open = fs::read_dir(process.join("fd")).ok();
        open.is_some_and(|open| open.flatten().any(|file| FileIdentity::of(&file.path()) == Some(identity)))
    };
    let processes = if cfg!(target_os = "linux") { fs::read_dir("/proc").ok()? } else { return None };
    processes.flatten().find_map(|entry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        (id != std::process::id() && is_open_in(&entry.path())).then_some(id)
    })
}

/// Whoever could use the replaced file can use the new one: root may have started this for another user.
#[cfg(unix)]
fn belong_to(part: &Part, replaced: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let directory = replaced.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (like, new) = (fs::metadata(replaced).or_else(|_| fs::metadata(directory))?, fs::metadata(part.path())?);
    if (like.uid(), like.gid()) != (new.uid(), new.gid()) {
        chown(part.path(), Some(like.uid()), Some(like.gid()))?;
    }
    if like.is_file() { fs::set_permissions(part.path(), like.permissions()) } else { Ok(()) }
}

#[cfg(not(unix))]
fn belong_to(_: &Part, _: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Such as `20260921T141320Z`: a time that can stand in a name.
fn compact(at: Timestamp) -> String {
    let text = at.to_string();
    let seconds = text.split(['.', 'Z']).next().unwrap_or(&text);
    format!("{}Z", seconds.replace(['-', ':', ' '], ""))
}
