//! How a server stops without losing a request: it says that it is not ready while it still serves, so that whoever shares requests out
//! turns to others; then it takes no more; and at the deadline it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::version::Version;
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::app::App;
use crate::interrupt::Interrupt;
use crate::supervisor::Supervisor;

/// How long stopping takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StopTerms {
    /// How long the server goes on serving once it was told, and says that it is not ready.
    pub(crate) delay: Duration,
    /// How long requests in flight may still take after that.
    pub(crate) deadline: Duration,
}

/// Whether the server was told to stop. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopping(Arc<AtomicBool>);

impl Stopping {
    fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends when no more requests are to be taken: the delay after the server was told to stop, or when it was told twice. Hands on who
/// tells it.
pub(crate) async fn told(
    mut told: Interrupt,
    stopping: Stopping,
    supervisor: Supervisor,
    delay: Duration,
    next: oneshot::Sender<Interrupt>,
) {
    told.wait().await;
    stopping.begin();
    supervisor.stopping();
    if !delay.is_zero() {
        tracing::info!(?delay, "stopping: not ready, and still serving");
        let _waited_or_told_again = timeout(delay, told.wait()).await;
    }
    tracing::info!("stopping: no new requests, those in flight finish");
    let _gone = next.send(told); // nobody waits for the deadline when serving is over
}

/// Ends `deadline` after the server stopped taking requests, or when it is told once more.
pub(crate) async fn overdue(stopped: oneshot::Receiver<Interrupt>, deadline: Duration) {
    match stopped.await {
        Ok(mut told) => drop(timeout(deadline, told.wait()).await),
        Err(_) => sleep(deadline).await,
    }
}

/// Makes each answer the last of its connection once the server was told to stop: who keeps one open would otherwise send the next
/// request into its end. HTTP/2 has a frame for that, which is sent when the listener closes.
pub(crate) async fn close_connections(State(app): State<App>, request: Request, next: Next) -> Response {
    let version = request.version();
    let mut response = next.run(request).await;
    if app.stopping().has_begun() && version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
