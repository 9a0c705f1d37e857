//! The writer on the store in memory, and on one that is away for a while. No time passes but by argument.

use std::sync::atomic::AtomicBool;

use cloakroom_core::ending::EndReason;
use cloakroom_core::measurement::{History, LoginOutcome, Sample, Slot, Window};
use cloakroom_core::session::{AuthMethod, ClientFacts, SessionId, SessionRecord, Subject};
use cloakroom_core::store::memory::MemoryStore;
use cloakroom_core::store::{Issue, SessionStore as _, StoreErrorKind, StoreFuture, Target};
use cloakroom_core::token::TokenDigest;
use cloakroom_core::world::PredictableRandom;

use super::*;
use crate::measurements::Measurements;

/// The start of an hour.
const START: Timestamp = Timestamp::from_millis(1_790_002_800_000);

fn after(minutes: u64) -> Timestamp {
    START.plus(Duration::from_mins(minutes))
}

/// A store that is away now and then.
#[derive(Debug, Default)]
struct Shaky {
    inner: MemoryStore,
    is_away: AtomicBool,
}

impl Shaky {
    fn is_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    fn answer<'a, T: Send + 'a>(&self, answer: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        if self.is_away.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new(StoreErrorKind::Unavailable)) });
        }
        answer
    }

    async fn slots(&self, resolution: Resolution, buckets: usize) -> Vec<Slot> {
        let window = Window { resolution, from: START, buckets };
        let query = MeasurementQuery { resolution, from: START, before: window.end() };
        let found = self.inner.measurements(query).await.unwrap();
        History::of(window, &found).slots.into_iter().map(|(_, slot)| slot).collect()
    }
}

impl MeasurementStore for Shaky {
    fn measure(&self, measurements: Vec<Measurement>) -> StoreFuture<'_, ()> {
        if self.is_away.load(Ordering::SeqCst) {
            return Box::pin(async { Err(StoreError::new(StoreErrorKind::Unavailable)) });
        }
        self.inner.measure(measurements)
    }

    fn measurements(&self, query: MeasurementQuery) -> StoreFuture<'_, Vec<Measurement>> {
        self.answer(self.inner.measurements(query))
    }

    fn purge_measurements(&self, now: Timestamp, chunk: u32) -> StoreFuture<'_, u64> {
        self.answer(self.inner.purge_measurements(now, chunk))
    }

    fn count_endings(&self, from: Timestamp, before: Timestamp) -> StoreFuture<'_, Vec<Measurement>> {
        self.answer(self.inner.count_endings(from, before))
    }

    fn sample(&self, now: Timestamp) -> StoreFuture<'_, Sample> {
        self.answer(self.inner.sample(now))
    }
}

fn instance(store: &Arc<Shaky>) -> Measurements {
    Measurements::new(Arc::clone(store) as Arc<dyn MeasurementStore>, START)
}

/// A session that lives for a day.
async fn log_in(store: &Shaky, number: u8) -> TokenDigest {
    let digest = TokenDigest::from_bytes([number; 32]);
    let session = SessionRecord {
        id: SessionId::new(START, &PredictableRandom::from_seed(u64::from(number))).unwrap(),
        subject: Subject::new("ada").unwrap(),
        created_at: START,
        authenticated_at: START,
        last_seen_at: START,
        idle_timeout: None,
        absolute_expires_at: START.plus(Duration::from_hours(24)),
        auth_method: AuthMethod::password(),
        client: ClientFacts::default(),
    };
    let moment = store.inner.begin().await.unwrap();
    let issue = Issue { moment, digest, session, supersedes: Vec::new(), max_per_subject: 99 };
    let _issued = store.inner.issue(issue).await.unwrap();
    digest
}

async fn end(store: &Shaky, digest: TokenDigest, at: Timestamp) {
    assert_eq!(store.inner.end(Target::Token(digest), EndReason::Logout, at).await.unwrap(), 1);
}

fn ends(slot: &Slot) -> Option<u64> {
    slot.ends.map(|ends| ends.iter().sum())
}

#[tokio::test]
async fn two_instances_write_one_row_and_count_an_ending_once() {
    let store = Arc::<Shaky>::default();
    let (one, other) = (instance(&store), instance(&store));
    let (first, _second) = (log_in(&store, 1).await, log_in(&store, 2).await);
    end(&store, first, after(3)).await;
    one.login(LoginOutcome::Succeeded);
    one.login(LoginOutcome::Refused);
    other.login(LoginOutcome::Throttled);
    other.login(LoginOutcome::Busy);
    other.login(LoginOutcome::Succeeded);
    other.validation(Duration::from_micros(70));
    one.validation(Duration::from_millis(3));
    for measurements in [&one, &other, &one] {
        measurements.write(after(5)).await;
    }
    let slots = store.slots(Resolution::FiveMinutes, 3).await;
    assert_eq!(slots[0].logins, Some([2, 1, 1, 1]), "{LOGINS:?}", LOGINS = LoginOutcome::ALL);
    assert_eq!((ends(&slots[0]), slots[0].active), (Some(1), Some(1)));
    assert_eq!(slots[0].validations.map(|latencies| latencies.count()), Some(2));
    assert_eq!((ends(&slots[1]), slots[2].ends), (None, None), "not yet over");
    one.login(LoginOutcome::Succeeded);
    one.write(after(10)).await;
    let slots = store.slots(Resolution::FiveMinutes, 3).await;
    assert_eq!((slots[1].logins, ends(&slots[1])), (Some([1, 0, 0, 0]), Some(0)));
    let hour = store.slots(Resolution::Hour, 1).await[0];
    assert_eq!((hour.logins, ends(&hour), hour.active), (Some([3, 1, 1, 1]), Some(1), Some(1)));
}

#[tokio::test]
async fn what_happened_while_the_database_was_away_is_written_later() {
    let store = Arc::<Shaky>::default();
    let measurements = instance(&store);
    let digest = log_in(&store, 1).await;
    store.is_away(true);
    for minutes in [5, 10, 15] {
        measurements.login(LoginOutcome::Succeeded);
        measurements.write(after(minutes)).await;
    }
    assert_eq!(store.slots(Resolution::FiveMinutes, 3).await, [Slot::default(); 3]);
    end(&store, digest, after(6)).await;
    store.is_away(false);
    measurements.write(after(20)).await;
    let slots = store.slots(Resolution::FiveMinutes, 4).await;
    let logins: Vec<_> = slots.iter().map(|slot| slot.logins.unwrap()[0]).collect();
    assert_eq!(logins, [1, 1, 1, 0]);
    assert_eq!(slots.iter().map(ends).collect::<Vec<_>>(), [Some(0), Some(1), Some(0), Some(0)]);
    assert_eq!(slots.iter().map(|slot| slot.active).collect::<Vec<_>>(), [None, None, None, Some(0)], "nobody knows");
    assert_eq!(measurements.lost(), 0);
}

#[tokio::test]
async fn no_more_than_two_hours_wait_for_a_database_and_the_rest_is_counted() {
    let store = Arc::<Shaky>::default();
    let measurements = instance(&store);
    store.is_away(true);
    for turn in 1..=30 {
        measurements.login(LoginOutcome::Succeeded);
        measurements.write(after(5 * turn)).await;
    }
    assert_eq!(measurements.lost(), 6);
    store.is_away(false);
    measurements.write(after(155)).await;
    assert_eq!(measurements.lost(), 7);
    let slots = store.slots(Resolution::FiveMinutes, 31).await;
    let counted: Vec<_> = slots.iter().map(|slot| slot.logins.is_some()).collect();
    assert_eq!(counted, [vec![false; 7], vec![true; 24]].concat());
    let hours = store.slots(Resolution::Hour, 3).await;
    let logins: Vec<_> = hours.iter().map(|slot| slot.logins.unwrap()[0]).collect();
    assert_eq!(logins, [5, 12, 6]);
}

#[tokio::test]
async fn a_new_process_finds_what_ended_while_none_ran_and_purges_what_is_old() {
    let store = Arc::<Shaky>::default();
    let (digest, other) = (log_in(&store, 1).await, log_in(&store, 2).await);
    end(&store, digest, after(2)).await;
    let old = Measurement::at(START.minus(Duration::from_hours(50)), Measure::ActiveSessions, 1);
    store.inner.measure(vec![old]).await.unwrap();
    let measurements = Measurements::new(Arc::clone(&store) as Arc<dyn MeasurementStore>, after(31));
    measurements.write(after(35)).await;
    let slots = store.slots(Resolution::FiveMinutes, 7).await;
    assert_eq!(ends(&slots[0]), Some(1));
    assert_eq!(slots[1].logins, None, "nobody counted logins");
    // Committed a moment late, with a time of before.
    end(&store, other, after(34)).await;
    measurements.write(after(40)).await;
    assert_eq!(ends(&store.slots(Resolution::FiveMinutes, 7).await[6]), Some(1));
    let query = MeasurementQuery { resolution: FINE, from: old.bucket, before: START.minus(FINE.retention()) };
    assert_eq!(store.inner.measurements(query).await.unwrap(), []);
}
