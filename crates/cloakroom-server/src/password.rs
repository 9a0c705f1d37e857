//! What may become a password: the core's rules, then the operator's file of breached ones. Nothing else opens that file.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloakroom::Code;
use cloakroom_core::account::LoginName;
use cloakroom_core::password::{BreachKey, BreachList, BreachListError, Password, PasswordRefusal, PasswordRules};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// How many passwords are judged at once. Whoever comes when all are at it is told so: judging takes milliseconds, unless the file hangs.
const AT_ONCE: usize = 16;

/// Why a text does not become a password.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTaken {
    /// It breaks a rule, or is listed.
    #[error(transparent)]
    Refused(#[from] PasswordRefusal),
    /// Nobody can tell whether it is listed.
    #[error(transparent)]
    Unknown(#[from] Unreadable),
}

/// The file of breached passwords cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("the file of breached passwords {path:?} cannot be used: {why}")]
pub(crate) struct Unreadable {
    path: PathBuf,
    why: BreachListError<io::Error>,
}

type Answer<T> = Result<T, BreachListError<io::Error>>;

/// The file of breached passwords' hashes (ASVS 5.0 6.2.12).
///
/// It is opened anew for each question: a newer one that is moved into its place counts from the next question on.
#[derive(Clone, Debug)]
pub(crate) struct BreachedFile(PathBuf);

impl BreachedFile {
    /// Whether it is there and looks like such a file. Blocks.
    pub(crate) fn check(&self) -> Result<(), Unreadable> {
        let checked = open(&self.0).and_then(|(file, bytes)| BreachList::new(bytes, reads(&file)).check());
        checked.map_err(|why| self.unreadable(why))
    }

    fn contains(&self, password: &Password) -> Result<bool, Unreadable> {
        let key = BreachKey::of(password);
        let found = open(&self.0).and_then(|(file, bytes)| BreachList::new(bytes, reads(&file)).contains(&key));
        found.map_err(|why| self.unreadable(why))
    }

    fn unreadable(&self, why: BreachListError<io::Error>) -> Unreadable {
        Unreadable { path: self.0.clone(), why }
    }
}

impl From<&Path> for BreachedFile {
    fn from(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

fn open(path: &Path) -> Answer<(File, u64)> {
    let open = || {
        // Before it is opened: opening a pipe would wait for somebody to write.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    };
    open().map_err(BreachListError::Read)
}

fn reads(file: &File) -> impl FnMut(u64, &mut [u8]) -> io::Result<()> {
    |at, buffer| file.read_exact_at(buffer, at)
}

/// Everything a new password is held against. Clones are the same.
#[derive(Clone)]
pub(crate) struct NewPasswords {
    rules: Arc<(PasswordRules, Option<BreachedFile>)>,
    turns: Arc<Semaphore>,
}

impl NewPasswords {
    /// With these rules, and this file where there is one.
    pub(crate) fn new(rules: PasswordRules, breached: Option<BreachedFile>) -> Self {
        Self { rules: Arc::new((rules, breached)), turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Judges a text, for a request: away from the threads that serve, because it computes for milliseconds and reads a file.
    ///
    /// # Errors
    /// `busy` when too many are judged, `unavailable` when the file cannot be read: whatever nobody could look up is not taken.
    pub(crate) async fn judge(
        &self,
        typed: &str,
        login_name: &LoginName,
    ) -> Result<Result<Password, PasswordRefusal>, Failure> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| Failure::of(Code::Busy))?;
        let (these, typed, login_name) = (self.clone(), Zeroizing::new(typed.to_owned()), login_name.clone());
        // The turn goes with the work: while a file hangs, requests that were given up do not let others in.
        let judged = tokio::task::spawn_blocking(move || {
            let judged = these.judge_blocking(&typed, &login_name);
            drop(turn);
            judged
        });
        match judged.await.map_err(|error| Failure::internal(&error))? {
            Ok(password) => Ok(Ok(password)),
            Err(NotTaken::Refused(why)) => Ok(Err(why)),
            Err(NotTaken::Unknown(error)) => {
                tracing::error!(%error, "no password can be set");
                Err(Failure::of(Code::Unavailable))
            }
        }
    }

    /// Judges a text, for a command. Blocks.
    ///
    /// # Errors
    /// Why it is not taken.
    pub(crate) fn judge_blocking(&self, typed: &str, login_name: &LoginName) -> Result<Password, NotTaken> {
        let (rules, breached) = &*self.rules;
        let password = rules.check(typed, login_name)?;
        match breached {
            Some(file) if file.contains(&password)? => Err(PasswordRefusal::Breached.into()),
            _ => Ok(password),
        }
    }
}

impl fmt::Debug for NewPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPasswords")
    }
}

#[cfg(test)]
mod tests;
