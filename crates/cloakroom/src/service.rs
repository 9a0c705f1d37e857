//! The service: configuration and an inner service. It validates the request, then calls the inner one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::ConnectInfo;
use cloakroom_core::session::ClientFacts;
use http::header::USER_AGENT;
use http::{Request, Response};
use tower_service::Service;

use crate::cookie::presented_tokens;
use crate::future::ResponseFuture;
use crate::sessions::{RequestFacts, Sessions};
use crate::sweep;

/// What [`SessionsLayer`](crate::SessionsLayer) puts around a service.
#[derive(Clone, Debug)]
pub struct SessionsService<S> {
    sessions: Sessions,
    inner: S,
}

impl<S> SessionsService<S> {
    pub(crate) const fn new(sessions: Sessions, inner: S) -> Self {
        Self { sessions, inner }
    }
}

impl<S, B, R> Service<Request<B>> for SessionsService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        sweep::start_once(self.sessions.shared());
        let presented = presented_tokens(request.headers(), self.sessions.cookie_name());
        let sessions = self.sessions.of_request(RequestFacts { presented, client: client_of(&request) });
        // The clone takes our place; the service that said it was ready is the one that is called.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::new(sessions, Arc::clone(self.sessions.shared()), inner, request)
    }
}

fn client_of<B>(request: &Request<B>) -> ClientFacts {
    let user_agent = request.headers().get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    ClientFacts::new(user_agent.as_deref(), peer.map(|ConnectInfo(address)| address.ip()))
}
