//! Many requests while the database is gone: each is refused in time, nothing piles up, and no storm of connections meets the
//! database on its return.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use testbed::wire::Wire;

use crate::client::Client;
use crate::process::PASSWORD;
use crate::site::{Site, now, until_served};

/// How many requests come at once.
const BURST: usize = 300;
/// Connections of one instance at most: eight lanes, one for endings, eight of the pool.
const CONNECTIONS_MAX: usize = 17;
/// How often one instance may try to connect in a second of an outage: once per connection it may have, and no more.
const ATTEMPTS_MAX: u64 = 17;
/// How long the last of a burst may wait for its refusal.
const REFUSAL_MAX: Duration = Duration::from_secs(12);
type Loss = (&'static str, fn(&Wire));
/// The two ends of what can be lost: the kernel says so at once, or nobody ever does.
const LOSSES: [Loss; 2] = [("refused", Wire::refuse), ("frozen", Wire::freeze)];
/// What a burst may leave behind in an instance.
const GROWTH_MAX_KIB: u64 = 48 * 1024;

#[test]
fn a_burst_during_an_outage_is_refused_and_leaves_nothing_behind() {
    let site = Site::new();
    let instance = &site.instances[0];
    let client = site.logged_in().at(instance.server.address());
    let burst = || {
        thread::scope(|scope| {
            let asking: Vec<_> = (0..BURST)
                .map(|number| {
                    let mut client = client.clone();
                    scope.spawn(move || match number % 10 {
                        0 => client.log_in("ada", PASSWORD),
                        1 => client.post("/api/v1/logout"),
                        2 => client.get("/api/v1/sessions"),
                        3 => client.get("/readyz"),
                        _ => client.get("/api/v1/session"),
                    })
                })
                .collect();
            asking.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
        })
    };
    for (name, lose) in LOSSES {
        let before = instance.memory_kib();
        instance.wire.most_connections();
        lose(&instance.wire);
        let since = now();
        for answer in burst() {
            assert!(answer.status == 503 && answer.set_cookies().is_empty(), "{name}: {answer:?}");
            assert!(answer.header("retry-after").is_some(), "{name}: {answer:?}");
        }
        let (taken, growth) = (since.elapsed(), instance.memory_kib().saturating_sub(before));
        let connections = instance.wire.most_connections();
        println!("{name}: {BURST} refused in {taken:?}; {growth} KiB more, {connections} connections at most");
        assert!(taken <= REFUSAL_MAX, "{name}: {taken:?}");
        assert!(growth <= GROWTH_MAX_KIB, "{name}: {growth} KiB");
        assert!(connections <= CONNECTIONS_MAX, "{name}: {connections}");
        instance.wire.pass();
        until_served(now(), name, &mut client.clone());
    }
}

#[test]
fn no_storm_of_connections_during_an_outage_under_load() {
    let site = Site::new();
    let browser = site.logged_in();
    for (name, lose) in LOSSES {
        let before: Vec<_> = site.instances.iter().map(|instance| instance.wire.attempts()).collect();
        site.wires(lose);
        let (since, asked) = (now(), AtomicU64::new(0));
        let is_over = || since.elapsed() >= Duration::from_secs(3);
        thread::scope(|scope| {
            for instance in &site.instances {
                for number in 0..8 {
                    let (mut client, asked) = (browser.at(instance.server.address()), &asked);
                    scope.spawn(move || {
                        while !is_over() {
                            let status = ask(&mut client, number);
                            assert_eq!(status, 503, "{name}");
                            asked.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
            }
        });
        let taken = since.elapsed();
        let attempts = site.instances.iter().zip(&before).map(|(instance, before)| instance.wire.attempts() - before);
        let attempts: Vec<_> = attempts.collect();
        println!("{name}: {asked:?} requests in {taken:?}, attempts to connect {attempts:?}");
        let bound = ATTEMPTS_MAX * (taken.as_secs() + 2);
        assert!(attempts.iter().all(|attempts| *attempts <= bound), "{name}: {attempts:?}, allowed {bound}");

        let before: Vec<_> = site.instances.iter().map(|instance| instance.wire.attempts()).collect();
        site.wires(Wire::pass);
        for place in &mut site.everywhere(&browser) {
            until_served(now(), name, place);
        }
        for (instance, before) in site.instances.iter().zip(before) {
            let attempts = instance.wire.attempts() - before;
            assert!(attempts <= 2 * ATTEMPTS_MAX, "{name}: {attempts} on the way back");
        }
    }
}

fn ask(client: &mut Client, number: usize) -> u16 {
    match number {
        0 => client.log_in("ada", PASSWORD).status,
        1 => client.get("/readyz").status,
        2 => client.post("/api/v1/logout").status,
        _ => client.status(),
    }
}
