//! Sees to it that nothing outlives the process that started it, however that process ends.
//!
//! A shell waits at the other end of a pipe. The pipe closes with us, even when we are killed, and the shell clears up. It
//! is in a process group of its own, so that an interrupt from the terminal, which is for us, does not end it first.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Clears up when this process is gone. When it is dropped first, there is nothing left to do.
#[derive(Debug)]
pub struct Guard(Child);

impl Guard {
    /// Kills `process` when this one is gone. Drop the guard after the process was waited for: its number may be given to
    /// another.
    ///
    /// # Errors
    /// When there is no shell.
    pub fn over(process: &Child) -> io::Result<Self> {
        Self::doing("kill -9 \"$1\"", process.id().to_string().as_ref())
    }

    fn doing(what: &str, argument: &std::ffi::OsStr) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("read -r over || {what}")).arg("sh").arg(argument);
        shell.current_dir("/").process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            pipe.write_all(b"over\n").ok(); // a shell that is gone needs no word
        }
        self.0.wait().ok();
    }
}

/// A process that is killed when it is dropped, and when this process is gone.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    _guard: Guard,
}

impl Guarded {
    /// Starts `command`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        match Guard::over(&child) {
            Ok(guard) => Ok(Self { child, _guard: guard }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// The process.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

/// A directory that is removed when it is dropped, and when this process is gone.
#[derive(Debug)]
pub struct Directory {
    dir: TempDir,
    _guard: Guard,
}

impl Directory {
    /// Makes one whose name begins with `prefix`, among the machine's temporary files.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(prefix: &str) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir()?;
        let guard = Guard::doing("rm -rf \"$1\"", dir.path().as_os_str())?;
        Ok(Self { dir, _guard: guard })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A program that serves: in the path, or where Debian keeps those, which is not in everybody's path.
pub(crate) fn daemon(program: &str) -> Command {
    let debian = Path::new("/usr/sbin").join(program);
    if debian.exists() { Command::new(debian) } else { Command::new(program) }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.child.kill().ok(); // one that has ended already is what we want
        self.child.wait().ok();
    }
}
