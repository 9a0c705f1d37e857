//! Ctrl-C: a command that works on files or rows is dropped, and takes away what it has begun.

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Failure;

/// Runs `work` to its end, or drops it at the first interrupt or request to end.
///
/// # Errors
/// Those of `work`; when it was interrupted, with `left` saying how things are.
pub(super) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
    left: &str,
) -> Result<T, Failure> {
    tokio::select! {
        done = work => done,
        told = told() => {
            told?;
            Err(Failure::new(format_args!("interrupted: {left}")))
        }
    }
}

/// Resolves at an interrupt from a terminal, or when a supervisor says to end.
///
/// # Errors
/// When signals cannot be listened for.
pub(super) async fn told() -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::new(format_args!("cannot listen for signals: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
