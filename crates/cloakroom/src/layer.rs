//! The layer: configuration only. What it does is in [`service`](crate::service).

use tower_layer::Layer;

use crate::service::SessionsService;
use crate::sessions::Sessions;

/// Validates every request that passes: from [`Sessions::layer`].
///
/// Works around any tower HTTP service, axum's routers among them. It decides nothing about routes: each
/// handler says by its extractors what it needs.
#[derive(Clone, Debug)]
pub struct SessionsLayer {
    sessions: Sessions,
}

impl SessionsLayer {
    pub(crate) const fn new(sessions: Sessions) -> Self {
        Self { sessions }
    }
}

impl<S> Layer<S> for SessionsLayer {
    type Service = SessionsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionsService::new(self.sessions.clone(), inner)
    }
}
