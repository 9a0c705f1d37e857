//! Two thousand revocations under load, in every way there is: each is refused on every instance within the lease, and how
//! long it took is printed.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cloakroom_core::world::PredictableRandom;

use crate::leased::{LEASE, Line, Planted, seeded};
use crate::site::{Site, now};

const BATCHES: usize = 4;
/// Sessions of a batch.
const SESSIONS: usize = 500;
/// Of them, how many end each way; the rest ends with everyone.
const LOGOUTS: usize = 300;
const DELETED: usize = 80;
const DELETED_AT_ONCE: usize = 4;
const BY_ID: usize = 15;
const OF_SUBJECTS: usize = 60;
const OF_A_SUBJECT: usize = 5;
/// Connections that ask for living sessions, at each instance.
const LOAD: usize = 1;
/// How long each rests from one to the next: without, they would measure how the processors are shared.
const REST: Duration = Duration::from_millis(1);

/// One thing that ends sessions, the first of them and how many.
#[derive(Clone, Copy)]
struct Ending {
    way: &'static str,
    first: usize,
    count: usize,
}

struct World<'s> {
    site: &'s Site,
    planted: Vec<Planted>,
    began: Instant,
    /// When each had ended for certain, in nanoseconds since `began`; 0: not yet.
    ended: Vec<AtomicU64>,
    is_over: AtomicBool,
    /// From the end to the beginning of the last request that was served, by way, for each session and instance.
    delays: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
}

impl World<'_> {
    fn since(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap()
    }

    /// Keeps all sessions in memory at one instance, and looks for who comes back.
    fn load(&self, line: &mut Line, seed: u64) -> u64 {
        let random = PredictableRandom::from_seed(seed);
        let mut asked = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let at = usize::try_from(random.next() % self.planted.len() as u64).unwrap();
            let (began, ended) = (self.since(), self.ended[at].load(Ordering::SeqCst));
            let is_late = ended > 0 && began > ended + u64::try_from(LEASE.as_nanos()).unwrap();
            let status = line.ask(&self.planted[at]);
            assert!(!(is_late && status == 200), "served {} ns after its end", began - ended);
            assert!(matches!(status, 200 | 401), "{status}");
            asked += 1;
            thread::park_timeout(REST);
        }
        asked
    }

    /// Ends and watches until all is refused everywhere.
    fn end(&self, ending: Ending, lines: &mut [Line], at: usize) {
        let Ending { way, first, count } = ending;
        let theirs: Vec<_> = (first..first + count).collect();
        for line in &mut *lines {
            for number in &theirs {
                line.ask(&self.planted[*number]); // who has not ended is in memory
            }
        }
        let planted = &self.planted[first];
        let run = |args: &[&str]| {
            loop {
                let output = self.site.outside.run(args);
                if output.status.success() {
                    return;
                }
                // Then it ended nothing, and says so.
                assert!(String::from_utf8_lossy(&output.stderr).contains("busy"), "{output:?}");
                println!("{way}: busy");
            }
        };
        match way {
            "logout" => assert_eq!(lines[at].request("POST", "/api/v1/logout", planted).0, 204),
            "DELETE" => {
                let ids: Vec<_> = theirs.iter().map(|number| format!("'{}'", self.planted[*number].id)).collect();
                self.site.psql(&format!("DELETE FROM sessions WHERE id IN ({})", ids.join(", ")));
            }
            "session end ID" => run(&["session", "end", &planted.id]),
            "session end --subject" => run(&["session", "end", "--subject", &planted.subject]),
            _ => run(&["session", "end", "--everyone", "--yes"]),
        }
        let ended = now();
        for number in &theirs {
            self.ended[*number].store(self.since(), Ordering::SeqCst);
        }
        let delays = self.watch(&theirs, lines, ended, way);
        self.delays.lock().unwrap().entry(way).or_default().extend(delays);
    }

    fn watch(&self, theirs: &[usize], lines: &mut [Line], ended: Instant, way: &str) -> Vec<Duration> {
        let mut served: Vec<_> = theirs.iter().flat_map(|n| (0..lines.len()).map(|at| (*n, at))).collect();
        let mut last = BTreeMap::new();
        while !served.is_empty() {
            served.retain(|(number, at)| {
                let began = ended.elapsed();
                let status = lines[*at].ask(&self.planted[*number]);
                let is_served = status == 200;
                last.insert(
                    (*number, *at),
                    if is_served { began } else { last.get(&(*number, *at)).copied().unwrap_or_default() },
                );
                assert!(!is_served || began <= LEASE, "{way}: served by a request that began {began:?} after the end");
                assert!(matches!(status, 200 | 401), "{status}");
                is_served
            });
        }
        last.into_values().collect()
    }
}

/// What ends in a batch but for the last, shuffled.
fn endings(random: &PredictableRandom) -> Vec<Ending> {
    let mut endings = Vec::new();
    let mut first = 0;
    for (way, sessions, count) in [
        ("logout", LOGOUTS, 1),
        ("DELETE", DELETED, DELETED_AT_ONCE),
        ("session end ID", BY_ID, 1),
        ("session end --subject", OF_SUBJECTS, OF_A_SUBJECT),
    ] {
        for _ in 0..sessions / count {
            endings.push(Ending { way, first, count });
            first += count;
        }
    }
    for at in (1..endings.len()).rev() {
        endings.swap(at, usize::try_from(random.next() % (at as u64 + 1)).unwrap());
    }
    endings
}

#[test]
fn two_thousand_revocations_are_refused_everywhere_within_the_lease() {
    let (site, random) = (Site::leased_alone(), seeded());
    let (mut delays, mut asked, since): (BTreeMap<_, Vec<_>>, _, _) = (BTreeMap::new(), 0, now());
    for batch in 0..BATCHES {
        let subject = |number: usize| format!("subject-{batch}-{}", number / OF_A_SUBJECT);
        let planted = site.plant(&(0..SESSIONS).map(subject).collect::<Vec<_>>(), &random);
        let world = World {
            site: &site,
            ended: planted.iter().map(|_| AtomicU64::new(0)).collect(),
            planted,
            began: now(),
            is_over: AtomicBool::new(false),
            delays: Mutex::default(),
        };
        let left = Mutex::new(endings(&random));
        let ended: usize = left.lock().unwrap().iter().map(|ending| ending.count).sum();
        thread::scope(|scope| {
            let load: Vec<_> = site
                .instances
                .iter()
                .flat_map(|instance| (0..LOAD).map(move |_| instance))
                .map(|instance| (instance, random.next()))
                .map(|(instance, seed)| {
                    let world = &world;
                    scope.spawn(move || world.load(&mut Line::to(instance.server.address()), seed))
                })
                .collect();
            let enders: Vec<_> = (0..4)
                .map(|ender| {
                    let (world, left) = (&world, &left);
                    scope.spawn(move || {
                        let mut lines = world.site.lines();
                        loop {
                            let next = left.lock().unwrap().pop();
                            let Some(ending) = next else { return };
                            world.end(ending, &mut lines, (ending.first + ender) % 3);
                        }
                    })
                })
                .collect();
            let done = enders.into_iter().map(thread::ScopedJoinHandle::join).collect::<Vec<_>>();
            if done.iter().all(Result::is_ok) {
                let everyone = Ending { way: "session end --everyone", first: ended, count: SESSIONS - ended };
                world.end(everyone, &mut site.lines(), 0);
            }
            world.is_over.store(true, Ordering::SeqCst);
            asked += load.into_iter().map(|load| load.join().unwrap()).sum::<u64>();
            assert!(done.iter().all(Result::is_ok));
        });
        for (way, more) in world.delays.into_inner().unwrap() {
            delays.entry(way).or_default().extend(more);
        }
    }
    let mut all: Vec<_> = delays.values().flatten().copied().collect();
    println!("{} revocations seen by {} instances in {:?}, beside {asked} requests", all.len() / 3, 3, since.elapsed());
    println!("{:<26} {:>6} {:>8} {:>8} {:>8} {:>8}", "way", "seen", "raced", "p50", "p99", "worst");
    for (way, delays) in &mut delays {
        print(way, delays);
    }
    print("all", &mut all);
    assert_eq!(all.len(), BATCHES * SESSIONS * 3);
}

fn print(way: &str, delays: &mut [Duration]) {
    delays.sort();
    let raced = delays.iter().filter(|delay| **delay > Duration::ZERO).count();
    let ms = |per_cent: usize| delays[(delays.len() - 1) * per_cent / 100].as_secs_f64() * 1_000.0;
    println!("{way:<26} {:>6} {raced:>8} {:>6.1}ms {:>6.1}ms {:>6.1}ms", delays.len(), ms(50), ms(99), ms(100));
}
