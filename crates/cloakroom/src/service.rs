//! The service: configuration and an inner service. It validates the request, then calls the inner one.

use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::cookie::presented_tokens;
use crate::extract::Facts;
use crate::future::ResponseFuture;
use crate::sessions::Sessions;
use crate::validate::at_once;
use crate::{follow, sweep};

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
        let shared = self.sessions.shared();
        sweep::start_once(shared);
        if shared.lease().is_some() {
            follow::start_once(shared);
        }
        let presented = presented_tokens(request.headers(), self.sessions.cookie_name());
        if let Some(validated) = at_once(shared, &presented) {
            let facts = Facts::new(self.sessions.clone(), presented, validated);
            return ResponseFuture::answering(facts, &mut self.inner, request);
        }
        // The clone takes our place; the service that said it was ready is the one that is called.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::validating(self.sessions.clone(), presented, inner, request)
    }
}
