//! What this instance measures over time: counted in memory by whoever sees it, written every five minutes. Names, buckets and how
//! several instances' values combine are the core's.

mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::COOKIE;
use cloakroom::Timestamp;
use cloakroom_core::measurement::{Band, LoginOutcome, Measure, Resolution};
use cloakroom_core::store::MeasurementStore;
use cloakroom_core::time::Steady;
use tokio::sync::Mutex;

use crate::app::App;
use writer::Writer;

/// How often is written, on the multiples of it: a bucket is over then.
const WRITE_EVERY: Resolution = Resolution::FiveMinutes;

/// The counters, and the way to the database. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Measurements {
    counts: Arc<Counts>,
    writer: Arc<Mutex<Writer>>,
}

/// What is counted until it is written. Nobody waits for anybody here.
#[derive(Debug, Default)]
struct Counts {
    logins: [AtomicU64; LoginOutcome::ALL.len()],
    validations: [AtomicU64; Band::COUNT],
    lost: AtomicU64,
}

impl Counts {
    fn take(&self) -> impl Iterator<Item = (Measure, u64)> + '_ {
        let logins = LoginOutcome::ALL.into_iter().map(Measure::Logins).zip(&self.logins);
        let validations = Band::all().map(Measure::Validations).zip(&self.validations);
        logins.chain(validations).map(|(measure, count)| (measure, count.swap(0, Ordering::Relaxed)))
    }
}

impl Measurements {
    /// From `now` on.
    pub(crate) fn new(store: Arc<dyn MeasurementStore>, now: Timestamp) -> Self {
        let counts = Arc::<Counts>::default();
        Self { writer: Arc::new(Mutex::new(Writer::new(store, Arc::clone(&counts), now))), counts }
    }

    /// How an attempt to log in ended.
    pub(crate) fn login(&self, outcome: LoginOutcome) {
        let counted = LoginOutcome::ALL.into_iter().zip(&self.counts.logins).find(|(known, _)| *known == outcome);
        if let Some((_, count)) = counted {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn validation(&self, took: Duration) {
        if let Some(count) = self.counts.validations.get(Band::of(took).index()) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes what was counted since the last time, and what the database says now. What cannot be written is tried again the next
    /// time, as far as it is kept.
    pub(crate) async fn write(&self, now: Timestamp) {
        self.writer.lock().await.write(now).await;
    }

    /// The same at the end of the process, for so long.
    pub(crate) async fn settle(&self, now: Timestamp, limit: Duration) {
        drop(tokio::time::timeout(limit, self.write(now)).await);
    }

    /// How many times five minutes could not be written and are not kept any more.
    pub(crate) fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
    }
}

/// Writes for as long as the process lives.
pub(crate) async fn run(app: App) {
    loop {
        let now = app.now();
        let next = WRITE_EVERY.bucket_of(now).plus(WRITE_EVERY.length());
        tokio::time::sleep(next.since(now)).await;
        app.measurements().write(app.now().max(next)).await;
    }
}

/// When a request came to the layer that validates it.
#[derive(Clone, Copy)]
struct Asked(Steady);

/// Before a request is validated. Only of those that may present a session: the others cost nothing.
pub(crate) fn asked(app: &App) -> impl Fn(Request) -> Request + Clone + use<> {
    let app = app.clone();
    move |mut request| {
        if request.headers().contains_key(COOKIE) {
            request.extensions_mut().insert(Asked(app.steady()));
        }
        request
    }
}

/// Just after it was validated.
pub(crate) fn validated(app: &App) -> impl Fn(Request) -> Request + Clone + use<> {
    let app = app.clone();
    move |request| {
        if let Some(Asked(asked)) = request.extensions().get() {
            app.measurements().validation(app.steady().since(*asked));
        }
        request
    }
}
