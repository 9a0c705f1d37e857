//! Random schedules: a session, requests with its cookie on every instance, and in the midst of them its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cloakroom_core::world::PredictableRandom;
use tokio::task::JoinSet;

use crate::ending::Ending;
use crate::place::{Instance, Place};

/// What became of the requests of all schedules.
#[derive(Debug, Default)]
struct Counts {
    requests: AtomicU64,
    served: AtomicU64,
    /// On their way when the ending returned: they may be served or not.
    raced: AtomicU64,
    raced_and_served: AtomicU64,
    /// Begun after the ending had returned: they must not be served.
    late: AtomicU64,
    /// Answered 503, because the database could not be asked in time. That serves nobody, and proves nothing: they are sent again.
    unanswered: AtomicU64,
}

impl Counts {
    fn add(count: &AtomicU64, is_so: bool) {
        count.fetch_add(u64::from(is_so), Ordering::SeqCst);
    }
}

/// A number of the environment, or the usual one.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Lets others go first, up to `n` times.
async fn dawdle(random: &PredictableRandom, n: u64) {
    for _ in 0..random.next() % n {
        tokio::task::yield_now().await;
    }
}

/// What a request is answered once the database was asked for it. A machine that stalls for longer than a lookup may take makes a few
/// of many thousands 503; an instance that only refuses is found by `run_all`, which counts them.
async fn status(instance: &Instance, cookie: &str, counts: &Counts) -> u16 {
    for _ in 0..20 {
        match instance.status(cookie).await {
            503 => Counts::add(&counts.unanswered, true),
            status => return status,
        }
    }
    503
}

/// Sends requests until one has begun after the ending had returned; the status of that one.
async fn use_session(
    instance: Instance,
    cookie: String,
    random: PredictableRandom,
    is_over: Arc<AtomicBool>,
    counts: Arc<Counts>,
) -> u16 {
    loop {
        dawdle(&random, 6).await;
        let is_late = is_over.load(Ordering::SeqCst);
        let status = status(&instance, &cookie, &counts).await;
        let is_raced = !is_late && is_over.load(Ordering::SeqCst);
        let is_served = status == 200;
        assert!(is_served || status == 401, "answered {status}");
        Counts::add(&counts.requests, true);
        Counts::add(&counts.served, is_served);
        Counts::add(&counts.raced, is_raced);
        Counts::add(&counts.raced_and_served, is_raced && is_served);
        Counts::add(&counts.late, is_late);
        if is_late {
            return status;
        }
    }
}

/// One schedule; `None` if all was well, else how it was broken.
async fn run(place: &mut Place, seed: u64, schedule: u64, counts: &Arc<Counts>) -> Option<String> {
    let random = PredictableRandom::from_seed(PredictableRandom::from_seed(seed ^ schedule << 20).next());
    let ending = Ending::pick(random.next());
    let any = |random: &PredictableRandom| usize::try_from(random.next() % 3).unwrap_or(0);
    let issuer = place.instances[any(&random)].clone();
    let (id, cookie) = issuer.logged_in().await;

    let is_over = Arc::new(AtomicBool::new(false));
    let mut requests = JoinSet::new();
    for _ in 0..=random.next() % 4 {
        let instance = place.instances[any(&random)].clone();
        let random = PredictableRandom::from_seed(random.next());
        requests.spawn(use_session(instance, cookie.clone(), random, Arc::clone(&is_over), Arc::clone(counts)));
    }
    dawdle(&random, 12).await;
    ending.happen(place, any(&random), id, &cookie).await;
    is_over.store(true, Ordering::SeqCst);

    let mut late = Vec::new();
    while let Some(status) = requests.join_next().await {
        late.push(status.unwrap());
    }
    for instance in &place.instances {
        late.push(status(instance, &cookie, counts).await);
    }
    if late.iter().any(|status| *status != 401) {
        return Some(format!("served after {ending:?} had returned: {late:?}"));
    }
    if schedule.is_multiple_of(8) {
        return came_back(place, id, &cookie).await.then(|| format!("came back after {ending:?}"));
    }
    None
}

/// Whether uses that are still on their way to the database bring the session back (G3).
async fn came_back(place: &mut Place, id: cloakroom::SessionId, cookie: &str) -> bool {
    // By hand a session ends at the time at which that statement began, and a use of a moment later may have been committed
    // before it. It is uses written from here on that must come too late.
    let last_seen =
        if place.hand.is_postgres() { "(extract(epoch FROM last_seen_at) * 1000)::bigint" } else { "last_seen_at" };
    let before = format!("SELECT coalesce((SELECT {last_seen} FROM sessions WHERE id = '{id}'), 0)");
    let before = place.hand.number(&before).await;
    for instance in &place.instances {
        instance.sessions.flush().await.unwrap();
    }
    let mut is_served = false;
    for instance in &place.instances {
        is_served |= instance.status(cookie).await == 200;
    }
    let used = format!(
        "SELECT count(*) FROM sessions WHERE id = '{id}' AND {last_seen} > {before} AND last_seen_at > absolute_expires_at"
    );
    is_served || place.hand.number(&used).await > 0
}

/// Runs `count` schedules in several places at once; none may be served.
async fn run_all(places: Vec<Place>, count: u64) {
    let (seed, count) = (number("CLOAKROOM_SEED", 4), number("CLOAKROOM_SCHEDULES", count));
    println!("CLOAKROOM_SEED={seed} CLOAKROOM_SCHEDULES={count}");
    let (counts, next) = (Arc::new(Counts::default()), Arc::new(AtomicU64::new(0)));
    let mut runners = JoinSet::new();
    for mut place in places {
        let (counts, next) = (Arc::clone(&counts), Arc::clone(&next));
        runners.spawn(async move {
            let mut broken = Vec::new();
            loop {
                let schedule = next.fetch_add(1, Ordering::SeqCst);
                if schedule >= count {
                    return broken;
                }
                let found = run(&mut place, seed, schedule, &counts).await;
                broken.extend(found.map(|how| format!("schedule {schedule}: {how}")));
            }
        });
    }
    let mut broken = Vec::new();
    while let Some(found) = runners.join_next().await {
        broken.extend(found.unwrap());
    }
    println!("{count} schedules, {counts:?}, {} broken", broken.len());
    assert!(broken.is_empty(), "{} of {count}, such as {:#?}", broken.len(), &broken[..broken.len().min(5)]);
    let [served, raced, late] = [&counts.served, &counts.raced, &counts.late].map(|n| n.load(Ordering::SeqCst));
    let [unanswered, requests] = [&counts.unanswered, &counts.requests].map(|n| n.load(Ordering::SeqCst));
    assert!(unanswered * 100 <= requests, "too many requests found no database: {counts:?}");
    assert!(served >= count && raced >= count / 4 && late >= 2 * count, "they did not meet: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_served_after_the_end_on_postgres() {
    let mut places = Vec::new();
    for lanes in [1, 2, 8] {
        places.push(Place::on_postgres(lanes).await);
    }
    run_all(places, 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_served_after_the_end_on_sqlite() {
    run_all(vec![Place::on_sqlite().await, Place::on_sqlite().await], 1_000).await;
}
