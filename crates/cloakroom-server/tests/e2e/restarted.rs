//! Instances are restarted one after the other while everybody is busy: no request is lost, whatever it does. The balancer asks `/readyz`
//! and repeats nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use testbed::balancer::{Balancer, SERVED_BY};

use crate::client::Client;
use crate::leased::{Line, Planted, seeded};
use crate::process::PASSWORD;
use crate::site::{INSTANCES, Site, now, until};

/// Who reads on a connection that stays open, who ends sessions on one, and who logs in.
const READERS: usize = 4;
const ENDERS: usize = 2;
const ENDINGS: usize = 4_000;

#[test]
fn nothing_is_lost_when_instances_are_restarted_one_after_the_other() {
    let (mut site, random) = (Site::made_to_stop_slowly(), seeded());
    site.balancer = Balancer::over_ready(site.instances.iter().map(|instance| instance.server.address())).unwrap();
    let planted = site.plant(&(0..=ENDERS * ENDINGS).map(|n| format!("p{n}")).collect::<Vec<_>>(), &random);
    let (reader, enders) = planted.split_last().unwrap();
    let (is_over, counts) = (AtomicBool::new(false), Mutex::new(BTreeMap::<(&str, u16), usize>::new()));
    let count = |what, status| *counts.lock().unwrap().entry((what, status)).or_default() += 1;
    let address = site.balancer.address();
    every_instance_serves(&site.balancer);
    let working = || !is_over.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let (address, count, working) = (&address, &count, &working);
        for _ in 0..READERS {
            scope.spawn(move || {
                let mut line = Line::to(address);
                while working() {
                    count("read", line.ask(reader));
                }
            });
        }
        for planted in enders.chunks(ENDINGS) {
            scope.spawn(move || {
                let mut line = Line::to(address);
                let mut left = planted.iter();
                while working() {
                    count("end", logged_out(&mut line, left.next().expect("enough to end")));
                    thread::park_timeout(std::time::Duration::from_millis(2)); // or there would never be enough
                }
            });
        }
        scope.spawn(move || {
            while working() {
                count("log in", Client::new(address).log_in("ada", PASSWORD).status);
            }
        });
        for number in 0..INSTANCES {
            restart(&mut site, number);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let counts = counts.into_inner().unwrap();
    println!("{counts:?}");
    let kinds: Vec<_> = counts.keys().copied().collect();
    assert_eq!(kinds, [("end", 204), ("log in", 200), ("read", 200)], "{counts:?}\n{}", site.logs());
}

fn logged_out(line: &mut Line, whose: &Planted) -> u16 {
    line.request("POST", "/api/v1/logout", whose).0
}

/// Stops an instance as a supervisor would, and starts it anew.
fn restart(site: &mut Site, number: usize) {
    let instance = &mut site.instances[number];
    let stopped = std::mem::replace(&mut instance.server, instance.place.serve());
    // The new one is up, and nobody is sent to it before the old one has gone: as where one takes the place of the other.
    stopped.stop();
    site.balancer.moved(number + 1, site.instances[number].server.address().parse().unwrap()).unwrap();
    every_instance_serves(&site.balancer);
}

/// Waits until requests go to each of them.
fn every_instance_serves(balancer: &Balancer) {
    let since = now();
    let mut named = BTreeSet::new();
    until(since, "every instance serves", || {
        let answer = Client::new(&balancer.address()).get("/healthz");
        named.extend(answer.header(SERVED_BY).filter(|name| name.starts_with("instance-")).map(str::to_owned));
        if named.len() == INSTANCES { Ok(()) } else { Err(answer) }
    });
}
