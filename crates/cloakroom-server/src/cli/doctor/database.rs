//! Checks that ask the database alone: migrations, rights, and what a backup holds.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use cloakroom_core::token::{TOKEN_PREFIX, TOKEN_TEXT_LEN, Token};
use cloakroom_sql::Database;

use super::finding::{Check, Finding, say};

/// How much of a backup is looked at in one go.
const PIECE: usize = 1024 * 1024;

/// Whether the tables are there and of this version.
pub(super) async fn migration(database: &Database) -> Finding {
    let advice = || say("doctor-migration-advice");
    match database.migration_status().await {
        Err(error) => Finding::failed(Check::Migration, say("doctor-database-refuses").with("why", error), advice()),
        Ok(all) => {
            let names = |applied: bool| {
                let some: Vec<_> =
                    all.iter().filter(|one| one.applied == applied).map(|one| one.name.as_str()).collect();
                some.join(", ")
            };
            let missing = names(false);
            if missing.is_empty() {
                return Finding::passed(Check::Migration, say("doctor-migration-applied").with("names", names(true)));
            }
            Finding::failed(Check::Migration, say("doctor-migration-missing").with("names", missing), advice())
        }
    }
}

/// Whether the role can do what it needs.
pub(super) async fn rights(database: &Database, file: Option<&Path>) -> Finding {
    let rights = match database.rights().await {
        Ok(rights) => rights,
        Err(error) => {
            let found = say("doctor-database-refuses").with("why", error);
            return Finding::failed(Check::Rights, found, say("doctor-rights-advice"));
        }
    };
    let Some(role) = rights.role else {
        // It was opened for writing, which proves the rest.
        let finding = Finding::passed(Check::Rights, say("doctor-rights-file"));
        return match file.and_then(others_may) {
            Some(mode) => finding.advising(say("doctor-rights-file-advice").with("mode", mode)),
            None => finding,
        };
    };
    if !rights.missing.is_empty() {
        let found = say("doctor-rights-missing").with("role", role).with("rights", rights.missing.join(", "));
        return Finding::failed(Check::Rights, found, say("doctor-rights-advice"));
    }
    let finding = Finding::passed(Check::Rights, say("doctor-rights-role").with("role", role));
    if rights.is_superuser { finding.advising(say("doctor-rights-superuser")) } else { finding }
}

/// The mode of a file that others than its owner and group may read.
fn others_may(file: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then(|| format!("{mode:04o}"))
}

/// Whether a backup can be read, and holds no token.
pub(super) async fn backup(file: Option<&Path>) -> Finding {
    let Some(file) = file else { return Finding::skipped(Check::Backup, say("doctor-backup-none")) };
    let name = file.display().to_string();
    let broken = |why: String| {
        let found = say("doctor-backup-broken").with("file", &name).with("why", why);
        Finding::failed(Check::Backup, found, say("doctor-backup-advice"))
    };
    let mut begin = [0; 16];
    let read = File::open(file).and_then(|mut file| file.read(&mut begin));
    if let Err(error) = read {
        return broken(error.to_string());
    }
    if begin.starts_with(b"PGDMP") {
        return Finding::skipped(Check::Backup, say("doctor-backup-packed").with("file", &name));
    }
    let held = if begin == *b"SQLite format 3\0" {
        match cloakroom_sql::check_backup(file).await {
            Ok(backup) => say("doctor-backup-whole")
                .with("file", &name)
                .with("accounts", backup.rows("accounts"))
                .with("sessions", backup.rows("sessions")),
            Err(error) => return broken(error.to_string()),
        }
    } else if begin.starts_with(b"--") {
        say("doctor-backup-text").with("file", &name)
    } else {
        return broken("it is neither a SQLite database nor a dump of PostgreSQL".to_owned());
    };
    match tokens_in(file) {
        Err(error) => broken(error.to_string()),
        Ok(0) => Finding::passed(Check::Backup, held),
        Ok(tokens) => {
            let found = say("doctor-backup-tokens").with("file", &name).with("count", tokens);
            Finding::failed(Check::Backup, found, say("doctor-backup-tokens-advice"))
        }
    }
}

/// How many tokens stand in a file in plain text.
fn tokens_in(file: &Path) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(PIECE, File::open(file)?);
    let (mut window, mut found) = (Vec::with_capacity(PIECE + TOKEN_TEXT_LEN), 0);
    loop {
        let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut window)?;
        found += tokens_among(&window);
        if read == 0 {
            return Ok(found);
        }
        // One that was cut in two is whole in the next.
        let kept = window.len().min(TOKEN_TEXT_LEN - 1);
        window.drain(..window.len() - kept);
    }
}

fn tokens_among(bytes: &[u8]) -> u64 {
    let candidates = bytes.windows(TOKEN_TEXT_LEN).filter(|window| window.starts_with(TOKEN_PREFIX.as_bytes()));
    let tokens = candidates.filter(|text| std::str::from_utf8(text).is_ok_and(|text| Token::parse(text).is_ok()));
    tokens.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::world::PredictableRandom;

    #[test]
    fn tokens_are_found_wherever_they_stand_and_each_once() {
        let token = Token::generate(&PredictableRandom::from_seed(1)).unwrap().reveal();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backup");
        for before in [0, 1, 4096, PIECE - 46, PIECE - 1, PIECE, 2 * PIECE - 20] {
            let text = format!("{}{}{}", "x".repeat(before), &**token, "y".repeat(before));
            std::fs::write(&path, text).unwrap();
            assert_eq!(tokens_in(&path).unwrap(), 1, "{before}");
        }
        std::fs::write(&path, "ck1_ and ck1_tooshort").unwrap();
        assert_eq!(tokens_in(&path).unwrap(), 0);
    }
}
