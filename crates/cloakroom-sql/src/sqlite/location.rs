//! Where a database is: reading its URL, and telling whether the file there is still the one that was opened.

use std::path::{Path, PathBuf};

use crate::error::{OpenError, OpenErrorKind};

/// A checked SQLite URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The file.
    pub(crate) path: PathBuf,
    /// What the URL says about creating the file (`mode=rwc` or `mode=rw`).
    pub(crate) create: Option<bool>,
}

impl Location {
    /// Reads `sqlite:PATH` or `sqlite://PATH`, optionally with `?mode=rwc` or `?mode=rw`. The path is taken as it stands,
    /// without percent decoding.
    pub(crate) fn parse(url: &str) -> Result<Self, OpenError> {
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return Err(unsupported(
                "database.url",
                "it does not begin with sqlite:",
                "use for example sqlite:cloakroom.db",
            ));
        };
        let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
        let is_memory = path == ":memory:" || path == "//:memory:" || query.is_some_and(|q| q.contains("mode=memory"));
        if is_memory {
            return Err(unsupported(
                "sqlite::memory:",
                "the writer and the readers cannot share a database in memory",
                "name a file, or use the store in memory",
            ));
        }
        if let Some(after) = path.strip_prefix("//")
            && after.split('/').next().is_some_and(|host| host.contains('@'))
        {
            // Not repeated: what stands before the @ may be a password.
            return Err(unsupported(
                "database.url",
                "a file has no user or password",
                "use sqlite: and the file's path",
            ));
        }
        let path = path.strip_prefix("//").unwrap_or(path);
        let create = match query {
            None => None,
            Some("mode=rwc") => Some(true),
            Some("mode=rw") => Some(false),
            Some(_) => {
                let name = format!("sqlite:{path}");
                return Err(unsupported(
                    &name,
                    "its parameters are not understood",
                    "only mode=rwc and mode=rw are allowed",
                ));
            }
        };
        if path.is_empty() || path.contains('\0') {
            return Err(unsupported("database.url", "it names no file", "use for example sqlite:cloakroom.db"));
        }
        // SQLite would read a name that begins with file: as an URI with options of its own.
        let path = if path.starts_with("file:") { Path::new(".").join(path) } else { PathBuf::from(path) };
        Ok(Self { path, create })
    }

    /// The URL as it may be shown.
    pub(crate) fn name(&self) -> String {
        format!("sqlite:{}", self.path.display())
    }

    /// Finds what SQLite's own errors would not say, before it is asked.
    ///
    /// Looks at names and permissions only: to open and close the file here would drop every lock this process holds on
    /// it (<https://www.sqlite.org/howtocorrupt.html> section 2.2).
    pub(crate) fn check(&self, create: bool) -> Result<(), OpenError> {
        let name = self.name();
        let error = |kind, found: &str, way_out: &str| Err(OpenError::new(kind, &name, found, way_out));
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let shown = directory.display();
        let Ok(about_directory) = std::fs::metadata(directory) else {
            let found = format!("the directory {shown} does not exist");
            return error(OpenErrorKind::DirectoryMissing, &found, "create it or set database.url to another path");
        };
        match std::fs::metadata(&self.path) {
            Ok(about) if about.is_dir() => {
                return error(OpenErrorKind::NotADatabase, "it is a directory", "set database.url to a file in it");
            }
            Ok(about) if about.permissions().readonly() => {
                return error(OpenErrorKind::ReadOnly, "the file is read-only", "allow this user to write it");
            }
            Err(_) if !create => {
                return error(
                    OpenErrorKind::Other,
                    "the file does not exist",
                    "create it first or set database.url to another path",
                );
            }
            Ok(_) | Err(_) => {}
        }
        if about_directory.permissions().readonly() {
            // SQLite keeps its log beside the file, so the file alone is not enough.
            let found = format!("the directory {shown} is read-only");
            return error(OpenErrorKind::ReadOnly, &found, "allow this user to write it");
        }
        Ok(())
    }
}

fn unsupported(name: &str, found: &str, way_out: &str) -> OpenError {
    OpenError::new(OpenErrorKind::UnsupportedUrl, name, found, way_out)
}

/// Which file a path names right now.
///
/// A connection keeps working on a file that was deleted or replaced under it, and what it writes there is lost. So
/// before each use the path is looked up again: one system call, about a microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileIdentity {
    /// The file at `path`; `None` if there is none or it cannot be seen.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        {
            Some(Self::of_metadata(&about))
        }
        #[cfg(not(unix))]
        {
            // Elsewhere an open file cannot be replaced; that it exists is enough.
            about.is_file().then_some(Self {})
        }
    }

    #[cfg(unix)]
    pub(crate) fn of_metadata(about: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self { device_and_inode: (about.dev(), about.ino()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_files() {
        for (url, path, create) in [
            ("sqlite:app.db", "app.db", None),
            ("sqlite://app.db", "app.db", None),
            ("sqlite:///var/lib/app.db", "/var/lib/app.db", None),
            ("sqlite:/var/lib/a b%20.db?mode=rw", "/var/lib/a b%20.db", Some(false)),
            ("sqlite:app.db?mode=rwc", "app.db", Some(true)),
            ("sqlite:file:app.db", "./file:app.db", None),
        ] {
            let found = Location::parse(url).unwrap();
            assert_eq!(found, Location { path: path.into(), create }, "{url}");
        }
    }

    #[test]
    fn urls_that_are_refused_say_why_in_one_line_without_a_password() {
        for url in [
            "",
            "app.db",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:x?mode=memory",
            "sqlite:x?immutable=1",
            "sqlite://ada:hunter2@host/app.db",
            "postgres://ada:hunter2@host/app",
            "mysql://ada:hunter2@host/app",
        ] {
            let error = Location::parse(url).unwrap_err();
            assert_eq!(error.kind(), OpenErrorKind::UnsupportedUrl, "{url}");
            let text = error.to_string();
            assert!(!text.contains('\n') && !text.contains("hunter2") && text.contains(';'), "{text}");
        }
    }
}
