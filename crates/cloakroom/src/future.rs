//! The future of one request: validate, call the inner service, then note the use and mark the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use cloakroom_core::coherence::Held;
use cloakroom_core::store::Touch;
use cloakroom_core::time::Timestamp;
use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;
use tracing::Instrument as _;

use crate::cookie::Presented;
use crate::extract::Facts;
use crate::principal::Outcome;
use crate::response::NotAUse;
use crate::sessions::Sessions;
use crate::shared::Shared;
use crate::spans;
use crate::validate::{Validated, validate};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    /// The answer of [`SessionsService`](crate::SessionsService).
    pub struct ResponseFuture<S: Service<Request<B>>, B> {
        // Boxed, as what follows: a request that is answered at once is moved about with little else.
        waiting: Option<Box<Waiting<S, B>>>,
        // Noted when the inner service has answered, or when the request is dropped half-way: it was a use all the same.
        a_use: Option<Use>,
        response: Option<Box<S::Response>>,
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
    /// Of a request that was validated at once: the inner service is called as it stands.
    pub(crate) fn answering(facts: Facts, inner: &mut S, request: Request<B>) -> Self {
        let (a_use, inner) = call(inner, request, facts);
        Self { waiting: None, a_use, response: None, state: State::Answering { inner } }
    }

    /// Of a request whose validation has to wait, and the inner service with it.
    pub(crate) fn validating(sessions: Sessions, presented: Presented, inner: S, request: Request<B>) -> Self {
        let (shared, tokens) = (Arc::clone(sessions.shared()), presented.clone());
        let validating = Box::pin(async move { validate(&shared, &tokens, false).await });
        let waiting = Some(Box::new(Waiting { inner, request, sessions, presented }));
        Self { waiting, a_use: None, response: None, state: State::Validating { validating } }
    }
}

/// A request that waits for validation.
struct Waiting<S, B> {
    inner: S,
    request: Request<B>,
    sessions: Sessions,
    presented: Presented,
}

/// Calls the inner service with what is known now.
fn call<S: Service<Request<B>>, B>(inner: &mut S, mut request: Request<B>, facts: Facts) -> (Option<Use>, S::Future) {
    let a_use = facts.a_use();
    request.extensions_mut().insert(facts);
    (a_use, inner.call(request))
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
                    let Some(waiting) = this.waiting.take() else {
                        return Poll::Pending; // it waits until validation is done, which happens once
                    };
                    let Waiting { mut inner, request, sessions, presented } = *waiting;
                    let facts = Facts::new(sessions, presented, validated);
                    let (a_use, inner) = call(&mut inner, request, facts);
                    *this.a_use = a_use;
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
                    *this.response = Some(Box::new(response));
                    this.state.set(State::Touching { touching });
                }
                StateProjection::Touching { touching } => {
                    ready!(touching.as_mut().poll(cx));
                    return this.response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(*response)));
                }
            }
        }
    }
}

/// That an active session was used, until it is noted. Nothing to note where it was recorded recently enough.
pub(crate) struct Use(Option<Due>);

/// A use that is to be recorded.
struct Due {
    shared: Arc<Shared>,
    held: Arc<Held>,
    used_at: Timestamp,
}

impl Use {
    pub(crate) fn of(sessions: &Sessions, validated: &Validated) -> Option<Self> {
        let Outcome::Active(principal) = &validated.outcome else { return None };
        let (shared, held, used_at) = (sessions.shared(), principal.held(), validated.at);
        // Most requests find it recorded, and share nothing that others count.
        let due = || Due { shared: Arc::clone(shared), held: Arc::clone(held), used_at };
        Some(Self(is_due(shared, held, used_at).then(due)))
    }

    fn forget(mut self) {
        self.0 = None;
    }

    /// Notes the use; returns the write to wait for where it cannot wait for the sweep.
    pub(crate) fn note(mut self) -> Option<Boxed<()>> {
        let Due { shared, held, used_at } = self.0.take()?;
        let touch = noted(&shared, &held, used_at)?;
        Some(Box::pin(async move {
            match shared.store().touch(vec![touch], touch.used_at).instrument(spans::store("touch")).await {
                Ok(gone) => gone.iter().for_each(|digest| shared.forget(digest)),
                Err(error) => tracing::warn!(%error, "a use of a session was not recorded"),
            }
        }))
    }
}

/// What has to be written now; `None` where it can wait, or where another request noted it meanwhile.
fn noted(shared: &Shared, held: &Held, used_at: Timestamp) -> Option<Touch> {
    let times = held.times();
    if !is_due(shared, held, used_at) || !held.note_use(used_at) {
        return None;
    }
    let touch = Touch { digest: *held.digest(), used_at };
    (!shared.touches().note(touch, times)).then_some(touch)
}

impl Drop for Use {
    /// The request went away half-way. What cannot wait for the sweep is not recorded then: nobody waits for the write.
    fn drop(&mut self) {
        if let Some(Due { shared, held, used_at }) = self.0.take() {
            noted(&shared, &held, used_at);
        }
    }
}

fn is_due(shared: &Shared, held: &Held, now: Timestamp) -> bool {
    let times = held.times();
    now > times.last_seen_at && now.since(times.last_seen_at) >= shared.policy().touch_interval(times)
}
