//! The future of one request: validate, call the inner service, then note the use and mark the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cloakroom_core::session::SessionRecord;
use cloakroom_core::store::Touch;
use cloakroom_core::time::Timestamp;
use cloakroom_core::token::TokenDigest;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::extract::Facts;
use crate::principal::Outcome;
use crate::response::NotAUse;
use crate::sessions::{Sessions, Shared};
use crate::validate::strict::{Validated, validate};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    /// The answer of [`SessionsService`](crate::SessionsService).
    pub struct ResponseFuture<S: Service<Request<B>>, B> {
        call: Option<(S, Request<B>)>,
        sessions: Option<Sessions>,
        // Noted when the inner service has answered, or when the request is dropped half-way: it was a use all the same.
        a_use: Option<Use>,
        response: Option<S::Response>,
        #[pin]
        state: State<S::Future>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Validating { validating: Boxed<Validated> },
        Answering { #[pin] inner: F },
        Touching { touching: Boxed<()> },
    }
}

impl<S: Service<Request<B>>, B> std::fmt::Debug for ResponseFuture<S, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResponseFuture")
    }
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(crate) fn new(sessions: Sessions, shared: Arc<Shared>, inner: S, request: Request<B>) -> Self {
        let facts = sessions.clone();
        let validating: Boxed<Validated> = Box::pin(async move {
            let now = shared.now();
            validate(&shared, &facts.request().presented, now).await
        });
        Self {
            call: Some((inner, request)),
            sessions: Some(sessions),
            a_use: None,
            response: None,
            state: State::Validating { validating },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProjection::Validating { validating } => {
                    let validated = ready!(validating.as_mut().poll(cx));
                    let (Some((mut inner, mut request)), Some(sessions)) = (this.call.take(), this.sessions.take())
                    else {
                        return Poll::Pending; // both are there until validation is done, which happens once
                    };
                    *this.a_use = Use::of(&sessions, &validated);
                    request.extensions_mut().insert(Facts::new(sessions, validated));
                    let inner = inner.call(request);
                    this.state.set(State::Answering { inner });
                }
                StateProjection::Answering { inner } => {
                    let mut response = ready!(inner.poll(cx))?;
                    let Some(a_use) = this.a_use.take() else { return Poll::Ready(Ok(response)) };
                    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
                    if response.extensions().get::<NotAUse>().is_some() {
                        a_use.forget();
                        return Poll::Ready(Ok(response));
                    }
                    let Some(touching) = a_use.note() else { return Poll::Ready(Ok(response)) };
                    *this.response = Some(response);
                    this.state.set(State::Touching { touching });
                }
                StateProjection::Touching { touching } => {
                    ready!(touching.as_mut().poll(cx));
                    return this.response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
            }
        }
    }
}

/// That an active session was used, until it is noted.
struct Use {
    shared: Arc<Shared>,
    /// `None` once noted, or where there is nothing to note: recorded recently enough.
    due: Option<(Touch, SessionRecord)>,
}

impl Use {
    fn of(sessions: &Sessions, validated: &Validated) -> Option<Self> {
        let (Outcome::Active(principal), Some(digest)) = (&validated.outcome, validated.digest) else {
            return None;
        };
        let shared = Arc::clone(sessions.shared());
        let due = due(&shared, principal.record(), digest, shared.now());
        Some(Self { shared, due })
    }

    fn forget(mut self) {
        self.due = None;
    }

    /// Notes the use; returns the write to wait for where it cannot wait for the sweep.
    fn note(mut self) -> Option<Boxed<()>> {
        let (touch, record) = self.due.take()?;
        if self.shared.touches().note(touch, &record) {
            return None;
        }
        let shared = Arc::clone(&self.shared);
        Some(Box::pin(async move {
            if let Err(error) = shared.store().touch(vec![touch], touch.used_at).await {
                tracing::warn!(%error, "a use of a session was not recorded");
            }
        }))
    }
}

impl Drop for Use {
    /// The request went away half-way. What cannot wait for the sweep is not recorded then: nobody waits for the write.
    fn drop(&mut self) {
        if let Some((touch, record)) = self.due.take() {
            self.shared.touches().note(touch, &record);
        }
    }
}

fn due(shared: &Shared, record: &SessionRecord, digest: TokenDigest, now: Timestamp) -> Option<(Touch, SessionRecord)> {
    let is_due = now > record.last_seen_at && now.since(record.last_seen_at) >= shared.policy().touch_interval(record);
    is_due.then(|| (Touch { digest, used_at: now }, record.clone()))
}
