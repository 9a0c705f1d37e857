//! The layer: configuration only. What it does is in [`service`](crate::service).

use tower_layer::Layer;

use crate::service::SessionsService;
use crate::sessions::Sessions;

/// Validates every request that passes: from [`Sessions::layer`].
///
/// Works around any tower HTTP service, axum's routers among them. It decides nothing about routes: each
/// handler says by its extractors what it needs.
///
/// `Router::layer` is the usual way to put it there. Around the whole application it does the same, and for every request, those that
/// no route is for included; axum then clones and boxes nothing for it, which is hardly to be measured under load:
///
/// ```
/// use axum::{Router, ServiceExt, extract::Request, routing::get};
/// use cloakroom::{Principal, Sessions};
/// use tower::Layer;
///
/// # async fn serve(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// let sessions = Sessions::in_memory();
/// let router = Router::new().route("/", get(async |principal: Principal| principal.subject().to_string()));
/// let app = sessions.layer().layer(router);
/// axum::serve(listener, ServiceExt::<Request>::into_make_service(app)).await
/// # }
/// ```
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
