//! What to type to back up and restore a PostgreSQL database: its own programs do it better than we could.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The commands for a database, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpCommands {
    /// Writes a backup.
    pub dump: String,
    /// Reads it back over the tables that are there.
    pub restore: String,
}

impl DumpCommands {
    /// The commands for the database at `url` and the backup `file`; `None` where it is no URL of PostgreSQL.
    pub fn new(url: &str, file: &str) -> Option<Self> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return None;
        }
        let options = PgConnectOptions::from_str(url).ok()?;
        let host =
            options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let mode = match options.get_ssl_mode() {
            PgSslMode::VerifyFull => "PGSSLMODE=verify-full ",
            PgSslMode::VerifyCa => "PGSSLMODE=verify-ca ",
            PgSslMode::Require => "PGSSLMODE=require ",
            _ => "",
        };
        let at = format!(
            "--host={} --port={} --username={} --dbname={}",
            quoted(&host),
            options.get_port(),
            quoted(options.get_username()),
            quoted(database),
        );
        let file = quoted(file);
        Some(Self {
            dump: format!("{mode}pg_dump --format=custom --file={file} {at}"),
            restore: format!("{mode}pg_restore --clean --if-exists --single-transaction {at} {file}"),
        })
    }
}

/// As one word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_name_the_database_and_no_password() {
        let commands =
            DumpCommands::new("postgres://ada:hunter2@db.example:5433/app?sslmode=verify-full", "a b").unwrap();
        let at = "--host=db.example --port=5433 --username=ada --dbname=app";
        assert_eq!(commands.dump, format!("PGSSLMODE=verify-full pg_dump --format=custom --file='a b' {at}"));
        let restore = format!("PGSSLMODE=verify-full pg_restore --clean --if-exists --single-transaction {at} 'a b'");
        assert_eq!(commands.restore, restore);
        assert_eq!(DumpCommands::new("sqlite:app.db", "x"), None);
        assert_eq!(quoted("it's; rm"), r"'it'\''s; rm'");
    }
}
