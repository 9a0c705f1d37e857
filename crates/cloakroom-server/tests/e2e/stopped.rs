//! A process is stopped, for less than its lease or for more, and wakes: what was revoked meanwhile is not served.

use std::thread;
use std::time::Duration;

use crate::leased::{LEASE, Line, Planted, seeded, until_refused};
use crate::site::{Site, now};

const ROUNDS: usize = 10;
/// Instances that are stopped at once; the last one goes on.
const STOPPED: usize = 2;
const LINES: usize = 6;

#[test]
fn an_instance_that_was_stopped_does_not_serve_what_was_revoked_meanwhile() {
    let (site, random) = (Site::leased_alone(), seeded());
    let (mut long, mut served) = (0, 0);
    for round in 0..ROUNDS {
        let planted: Vec<_> = (0..LINES).map(|n| site.planted(&format!("{round}-{n}"), &random)).collect();
        // What is asked while it is stopped waits on connections that are open, and is what it does first.
        let mut lines: Vec<Vec<Line>> = site.instances[..STOPPED]
            .iter()
            .map(|instance| (0..LINES).map(|_| Line::to(instance.server.address())).collect())
            .collect();
        for line in lines.iter_mut().flatten() {
            assert_eq!(line.ask(&planted[0]), 200);
        }
        site.instances[..STOPPED].iter().for_each(|instance| instance.server.signal("-STOP"));
        // Between a stop and a wake: the time is what is tested.
        let pause = |from: u64, to| thread::park_timeout(Duration::from_millis(from + random.next() % (to - from)));
        pause(0, 300);
        end(&site, &planted, round);
        let ended = now();
        for of_one in &mut lines {
            for (line, planted) in of_one.iter_mut().zip(&planted) {
                line.send("GET", "/api/v1/session", planted);
            }
        }
        let (from, to) = if round % 3 == 0 { (0, 900) } else { (1_000, 1_800) };
        pause(from, to);
        let woken = ended.elapsed();
        site.instances[..STOPPED].iter().for_each(|instance| instance.server.signal("-CONT"));
        for of_one in &mut lines {
            for (line, planted) in of_one.iter_mut().zip(&planted) {
                let (status, ..) = line.receive();
                assert!(matches!(status, 200 | 401 | 503), "{status}");
                assert!(status != 200 || woken <= LEASE, "round {round}: woke {woken:?} after the end, and served it");
                served += usize::from(status == 200);
                until_refused(line, planted, ended, "after waking");
            }
        }
        long += usize::from(woken > LEASE);
    }
    println!("{} stops, {} of them longer than the lease; {served} served within it", ROUNDS * STOPPED, long * STOPPED);
    assert!(long > 0 && long < ROUNDS, "both kinds");
}

fn end(site: &Site, planted: &[Planted], round: usize) {
    if round.is_multiple_of(2) {
        let ids: Vec<_> = planted.iter().map(|planted| format!("'{}'", planted.id)).collect();
        site.psql(&format!("DELETE FROM sessions WHERE id IN ({})", ids.join(", ")));
    } else {
        let mut line = Line::to(site.instances[STOPPED].server.address());
        for planted in planted {
            assert_eq!(line.request("POST", "/api/v1/logout", planted).0, 204);
        }
    }
}
