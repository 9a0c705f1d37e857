//! Interrupt from a terminal and terminate from a supervisor: who listens decides what becomes of what it does.

use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Failure;

/// Both signals. From when it listens on, neither ends the process by itself.
#[derive(Debug)]
pub(crate) struct Interrupt([Signal; 2]);

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::say("serve-no-signals", &[("cause", &error)]));
        Ok(Self([listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?]))
    }

    /// Resolves when one comes.
    pub(crate) async fn wait(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    /// Whether one has come: asked between chunks, so that none is left half done. Waits for nothing.
    pub(crate) async fn has_come(&mut self) -> bool {
        std::future::poll_fn(|context| {
            let has_come = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            Poll::Ready(has_come)
        })
        .await
    }
}

/// Runs `work` to its end, or drops it when a signal comes: it takes away what it has begun.
///
/// # Errors
/// Those of `work`; when it was interrupted, with the message `left`, which says how things are.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = Result<T, Failure>>,
    left: &'static str,
) -> Result<T, Failure> {
    let mut interrupt = Interrupt::listen()?;
    tokio::select! {
        done = work => done,
        () = interrupt.wait() => Err(Failure::say(left, &[])),
    }
}
