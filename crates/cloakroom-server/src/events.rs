//! What happened, from the handler that saw it to the log and the database. A handler says what happened and to whom; the middleware
//! here adds when, where from and in which request. One line in the log at once, rows in batches.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::Extensions;
use axum::http::header::{HeaderValue, USER_AGENT};
use axum::middleware::Next;
use axum::response::{IntoResponseParts, Response, ResponseParts};
use cloakroom::{Outcome, Principal, SessionId, Sessions, Subject};
use cloakroom_core::event::{EventId, EventKind, EventReason, SecurityEvent};
use cloakroom_core::session::ClientFacts;
use cloakroom_core::store::AccountStore;
use tokio::sync::{mpsc, oneshot};

use crate::app::App;
use crate::request_id::RequestId;

/// Most events that wait to be written; of more, the row is lost, though not the line.
const QUEUE_MAX: usize = 4_096;
/// Most events written in one transaction.
const BATCH_MAX: usize = 200;
/// How often a batch is tried, and how long after the one before.
const TRIES: u32 = 3;
const TRY_AGAIN: Duration = Duration::from_millis(500);
/// How many rows about nobody are kept at once, and how often one more: anybody can make those, and must not push out the others.
const ANONYMOUS_BURST: u32 = 300;
const ANONYMOUS_EVERY: Duration = Duration::from_secs(1);
/// What happened, and to whom. Put it beside a response, or into a failure.
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    kind: EventKind,
    subject: Option<Subject>,
    session: Option<SessionId>,
    reason: Option<&'static str>,
    /// Of whom, where it is not who sent the request.
    client: Option<ClientFacts>,
}

impl Happened {
    pub(crate) const fn new(kind: EventKind) -> Self {
        Self { kind, subject: None, session: None, reason: None, client: None }
    }

    /// By somebody who is signed in, in that session.
    pub(crate) fn by(kind: EventKind, who: &Principal) -> Self {
        Self::new(kind).to(who.subject()).session(who.session_id())
    }

    /// About whom.
    pub(crate) fn to(self, subject: &Subject) -> Self {
        Self { subject: Some(subject.clone()), ..self }
    }

    /// In or about which session.
    pub(crate) fn session(self, id: SessionId) -> Self {
        Self { session: Some(id), ..self }
    }

    /// Why, in a word of ours.
    pub(crate) fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// From where, if an application says it of somebody else.
    pub(crate) fn of_client(self, client: ClientFacts) -> Self {
        Self { client: Some(client), ..self }
    }

    /// Adds it to what a response says.
    pub(crate) fn join(self, extensions: &mut Extensions) {
        extensions.get_or_insert_default::<AllHappened>().0.push(self);
    }

    /// The record of it.
    pub(crate) fn event(
        self,
        at: cloakroom::Timestamp,
        id: EventId,
        client: ClientFacts,
        request: Option<SessionId>,
    ) -> SecurityEvent {
        SecurityEvent {
            id,
            at,
            kind: self.kind,
            subject: self.subject,
            session: self.session,
            reason: self.reason.and_then(|word| EventReason::new(word).ok()),
            client: self.client.unwrap_or(client),
            request: request.map(|id| *id.as_uuid()),
        }
    }
}

/// What a response says has happened.
#[derive(Clone, Debug, Default)]
struct AllHappened(Vec<Happened>);

impl IntoResponseParts for Happened {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        self.join(parts.extensions_mut());
        Ok(parts)
    }
}

/// What happens when somebody logs out, if anybody does.
pub(crate) fn logged_out(outcome: &Outcome) -> Option<Happened> {
    outcome.principal().map(|who| Happened::by(EventKind::SessionLogout, who))
}

/// Records what a response says has happened.
pub(crate) async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let source = Source::of(&request, app.sessions());
    let mut response = next.run(request).await;
    if let Some(AllHappened(all)) = response.extensions_mut().remove() {
        let client = source.client(app.sessions());
        for happened in all {
            let at = app.now();
            match EventId::new(at, app.random()) {
                Ok(id) => {
                    let id = app.recorder().in_order(id);
                    app.recorder().record(happened.event(at, id, client.clone(), source.request));
                }
                Err(error) => tracing::error!(%error, "an event has no id and is not kept"),
            }
        }
    }
    response
}

/// What is needed of a request once it is gone, without a copy of anything.
struct Source {
    user_agent: Option<HeaderValue>,
    address: Option<IpAddr>,
    request: Option<SessionId>,
}

impl Source {
    fn of(request: &Request, sessions: &Sessions) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Self {
            user_agent: request.headers().get(USER_AGENT).cloned(),
            address: peer.map(|ConnectInfo(peer)| sessions.address_of(request.headers(), peer.ip())),
            request: request.extensions().get::<RequestId>().copied().unwrap_or_default().id(),
        }
    }

    /// With no more of the address than is kept of a session's.
    fn client(&self, sessions: &Sessions) -> ClientFacts {
        let user_agent = self.user_agent.as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()));
        ClientFacts::new(user_agent.as_deref(), self.address).keeping(sessions.policy().client_address)
    }
}

enum Message {
    Event(Box<SecurityEvent>),
    /// Answered when everything before it is written, or given up.
    Settle(oneshot::Sender<()>),
}

/// The way to the database. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Message>,
    lost: Arc<AtomicU64>,
    /// The id given out last.
    newest: Arc<Mutex<EventId>>,
}

impl Recorder {
    /// Starts writing to `accounts`, in a runtime.
    pub(crate) fn start(accounts: Arc<dyn AccountStore>) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer { accounts, messages, lost: Arc::clone(&lost), anonymous: ANONYMOUS_BURST };
        drop(tokio::spawn(writer.run())); // it ends with the last recorder
        let newest = Arc::new(Mutex::new(EventId::from_uuid(uuid::Uuid::nil())));
        Self { queue, lost, newest }
    }

    /// A new id as it is given out: after all before it.
    fn in_order(&self, id: EventId) -> EventId {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner); // one value, always whole
        *newest = id.after(*newest);
        *newest
    }

    /// Writes the line, and queues the row.
    pub(crate) fn record(&self, event: SecurityEvent) {
        log(&event);
        if self.queue.try_send(Message::Event(Box::new(event))).is_err() {
            lose(&self.lost, 1, "too many wait to be written");
        }
    }

    /// How many rows were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Waits until what was recorded is written, for so long.
    pub(crate) async fn settle(&self, limit: Duration) {
        let (done, settled) = oneshot::channel();
        let wait = async {
            if self.queue.send(Message::Settle(done)).await.is_ok() {
                drop(settled.await); // an error means that nobody writes any more
            }
        };
        drop(tokio::time::timeout(limit, wait).await);
    }
}

fn lose(lost: &AtomicU64, rows: u64, why: &str) {
    lost.fetch_add(rows, Ordering::Relaxed);
    tracing::warn!(rows, why, "events are in the log only");
}

/// One line, whatever becomes of the row. Nothing in it was typed: control characters of a browser's name are gone, and it is not here.
fn log(event: &SecurityEvent) {
    let subject = event.subject.as_ref().map(tracing::field::display);
    let session = event.session.map(tracing::field::display);
    let reason = event.reason.as_ref().map(EventReason::as_str);
    let ip = event.client.ip().map(tracing::field::display);
    let request = event.request.map(tracing::field::display);
    macro_rules! line {
        ($level:ident, $outcome:literal) => {
            tracing::$level!(
                event = event.kind.as_str(), outcome = $outcome, at = %event.at, event.id = %event.id, subject, session.id = session,
                reason, client.ip = ip, request.id = request, "security event"
            )
        };
    }
    if event.kind.is_success() {
        line!(info, "success");
    } else {
        line!(warn, "failure");
    }
}

struct Writer {
    accounts: Arc<dyn AccountStore>,
    messages: mpsc::Receiver<Message>,
    lost: Arc<AtomicU64>,
    /// How many rows about nobody may still be kept.
    anonymous: u32,
}

impl Writer {
    async fn run(mut self) {
        let mut refill = tokio::time::interval(ANONYMOUS_EVERY);
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                received = self.messages.recv_many(&mut batch, BATCH_MAX) => {
                    if received == 0 {
                        return;
                    }
                    self.write(&mut batch).await;
                }
                _ = refill.tick() => self.anonymous = self.anonymous.saturating_add(1).min(ANONYMOUS_BURST),
            }
        }
    }

    async fn write(&mut self, batch: &mut Vec<Message>) {
        let (mut events, mut settled, mut anonymous) = (Vec::new(), Vec::new(), 0);
        for message in batch.drain(..) {
            match message {
                Message::Settle(done) => settled.push(done),
                Message::Event(event) if event.subject.is_some() => events.push(*event),
                Message::Event(event) => match self.anonymous.checked_sub(1) {
                    Some(left) => {
                        self.anonymous = left;
                        events.push(*event);
                    }
                    None => anonymous += 1,
                },
            }
        }
        if anonymous > 0 {
            lose(&self.lost, anonymous, "too many about nobody");
        }
        if !events.is_empty() {
            self.keep(events).await;
        }
        for done in settled {
            let _gone = done.send(()); // who asked may not wait any more
        }
    }

    async fn keep(&self, events: Vec<SecurityEvent>) {
        for tried in 1..=TRIES {
            match self.accounts.record(events.clone()).await {
                Ok(()) => return,
                Err(error) if tried == TRIES => lose(&self.lost, events.len() as u64, &error.to_string()),
                Err(_) => tokio::time::sleep(TRY_AGAIN).await,
            }
        }
    }
}
