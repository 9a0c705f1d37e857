//! Ctrl-C: a command that works on files or rows is dropped, and takes away what it has begun.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Hears an interrupt from a terminal, and a supervisor's request to end. From when it listens on, neither ends the process.
pub(super) struct Told {
    interrupt: Signal,
    terminate: Signal,
}

impl Told {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::new(format_args!("cannot listen for signals: {error}")));
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Resolves when it was told.
    pub(super) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Runs `work` to its end, or drops it when told to end.
///
/// # Errors
/// Those of `work`; when it was interrupted, with `left` saying how things are.
pub(super) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
    left: &str,
) -> Result<T, Failure> {
    let mut told = Told::listen()?;
    tokio::select! {
        done = work => done,
        () = told.wait() => Err(Failure::new(format_args!("interrupted: {left}"))),
    }
}
