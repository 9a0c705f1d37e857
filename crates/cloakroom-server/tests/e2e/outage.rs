//! The database goes away, in every way there is, and comes back: meanwhile 503 and the cookie is kept (G6), afterwards all is
//! as before within two seconds, without anybody's help.

use std::thread;
use std::time::{Duration, Instant};

use testbed::wire::Wire;

use crate::client::{Answer, Client};
use crate::process::PASSWORD;
use crate::site::{Ask, Instance, Site, now, until, until_served};

/// What issue and guarantee promise, from the moment the database can be reached again.
const RECOVERY_MAX: Duration = Duration::from_secs(2);
/// Longest wait for the news that the database is gone: some time limits one after the other, and room for a loaded machine.
const REFUSAL_MAX: Duration = Duration::from_secs(12);
/// So many requests at once go through every lane and the pool.
const AT_ONCE: usize = 8;

/// One way to go away and come back.
struct Failure {
    name: &'static str,
    /// Whether it is the wire's. The others are there without one, too.
    is_of_wire: bool,
    /// Whether the instances can tell: where everything is back at once, there is nothing to refuse.
    is_seen: bool,
    begin: fn(&Site),
    end: fn(&Site),
}

const FAILURES: &[Failure] = &[
    Failure {
        name: "connections cut once",
        is_of_wire: true,
        is_seen: false,
        begin: |site| site.wires(Wire::cut),
        end: |_| {},
    },
    Failure {
        name: "wire refuses",
        is_of_wire: true,
        is_seen: true,
        begin: |site| site.wires(Wire::refuse),
        end: |site| site.wires(Wire::pass),
    },
    Failure {
        name: "half-open: wire swallows everything",
        is_of_wire: true,
        is_seen: true,
        begin: |site| site.wires(Wire::freeze),
        end: |site| site.wires(Wire::pass),
    },
    Failure {
        name: "stopped (fast)",
        is_of_wire: false,
        is_seen: true,
        begin: |site| site.cluster.stop("fast").unwrap(),
        end: |site| site.cluster.start_server().unwrap(),
    },
    Failure {
        name: "stopped (immediate)",
        is_of_wire: false,
        is_seen: true,
        begin: |site| site.cluster.stop("immediate").unwrap(),
        end: |site| site.cluster.start_server().unwrap(),
    },
    Failure {
        name: "restarted",
        is_of_wire: false,
        is_seen: false,
        begin: |site| {
            site.cluster.stop("fast").unwrap();
            site.cluster.start_server().unwrap();
        },
        end: |_| {},
    },
    Failure {
        name: "out of connections",
        is_of_wire: false,
        is_seen: true,
        begin: |site| {
            site.psql("ALTER ROLE cloakroom CONNECTION LIMIT 0");
            site.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cloakroom'");
        },
        end: |site| drop(site.psql("ALTER ROLE cloakroom CONNECTION LIMIT -1")),
    },
];

#[test]
fn an_outage_is_503_with_the_cookie_kept_and_over_within_two_seconds() {
    survives(&Site::alone(), FAILURES.iter());
}

/// Where nothing listens, the kernel refuses; through a wire, the connection is made and lost again.
#[test]
fn the_same_without_a_wire_in_between() {
    survives(&Site::alone_without_wires(), FAILURES.iter().filter(|failure| !failure.is_of_wire));
}

/// Goes through the failures one after the other and prints how long recovery took.
fn survives(site: &Site, failures: impl Iterator<Item = &'static Failure>) {
    let mut living: Vec<_> = (0..3).map(|_| site.logged_in()).collect();
    let mut ended = vec![site.logged_in()];
    assert_eq!(ended[0].clone().post("/api/v1/logout").status, 204);
    let mut table = vec![format!("{:<40} {:>8} {:>8}", "failure", "refused", "recovery")];
    for failure in failures {
        let before = warm(site, &living);
        (failure.begin)(site);
        let refused = if failure.is_seen { refused_everywhere(site, &living[0], failure.name) } else { Duration::ZERO };
        (failure.end)(site);
        let since = now();
        let recovery = recovered_everywhere(site, &living[0], since, failure.name);
        table.push(format!("{:<40} {:>6}ms {:>6}ms", failure.name, refused.as_millis(), recovery.as_millis()));
        println!("{}", table.last().unwrap());
        assert!(recovery <= RECOVERY_MAX, "{}: {recovery:?}; {}", failure.name, site.logs());
        assert!(refused <= REFUSAL_MAX, "{}: {refused:?}", failure.name);
        assert_eq!(warm(site, &living), before, "{}: nobody is logged out", failure.name);
        for client in &ended {
            assert_eq!(site.statuses(client), [401; 6], "{}: and nobody comes back", failure.name);
        }
        // The next outage finds one more who must not come back, and who must not be lost.
        ended.push(living.remove(1));
        assert_eq!(ended.last().unwrap().clone().post("/api/v1/logout").status, 204);
        living.push(site.logged_in());
    }
    println!("\n{}", table.join("\n"));
}

#[test]
fn who_was_deleted_during_an_outage_does_not_come_back_with_the_database() {
    let site = Site::new();
    for lose in [Wire::refuse as fn(&Wire), Wire::freeze] {
        let (living, deleted) = (site.logged_in(), site.logged_in());
        warm(&site, &[living.clone(), deleted.clone()]);
        let id = deleted.clone().get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned();
        site.wires(lose);
        site.psql(&format!("DELETE FROM sessions WHERE id = '{id}'"));
        assert_eq!(site.statuses(&deleted), [503; 6], "it cannot be known yet");
        site.wires(Wire::pass);
        recovered_everywhere(&site, &living, now(), "wire");
        assert_eq!(site.statuses(&deleted), [401; 6]);
    }
}

#[test]
fn a_database_that_only_reads_is_never_a_logout() {
    let site = Site::new();
    let (living, leaving) = (site.logged_in(), site.logged_in());
    site.psql("ALTER SYSTEM SET default_transaction_read_only = on");
    site.psql("SELECT pg_reload_conf()");
    site.wires(Wire::cut); // new connections have the new setting for certain
    for (mut place, mut leaving) in site.everywhere(&living).into_iter().zip(site.everywhere(&leaving)) {
        let read = place.get("/api/v1/session");
        assert!(read.status == 200 || is_kept(&read), "{read:?}");
        let written = leaving.post("/api/v1/logout");
        assert!(is_kept(&written), "what could not be written was not done: {written:?}");
        let login = site.browser().log_in("ada", PASSWORD);
        assert!(is_kept(&login), "{login:?}");
    }
    site.cluster.psql("postgres", "ALTER SYSTEM RESET default_transaction_read_only").unwrap();
    site.psql("SELECT pg_reload_conf()");
    site.wires(Wire::cut);
    recovered_everywhere(&site, &living, now(), "only reads");
    assert_eq!(site.statuses(&leaving), [200; 6]);
    assert_eq!((leaving.clone().post("/api/v1/logout").status, site.statuses(&leaving)), (204, vec![401; 6]));
}

/// Goes through every lane of every instance, so that all have connections to lose; what the browsers are told.
fn warm(site: &Site, clients: &[Client]) -> Vec<Vec<u16>> {
    for instance in &site.instances {
        at_once(instance, &clients[0], Client::status);
    }
    clients.iter().map(|client| site.statuses(client)).collect()
}

fn at_once<T: Send>(instance: &Instance, client: &Client, ask: impl Fn(&mut Client) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let asking: Vec<_> =
            (0..AT_ONCE).map(|_| scope.spawn(|| ask(&mut client.at(instance.server.address())))).collect();
        asking.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

/// 503, when to come again, and the cookie is left alone.
fn is_kept(answer: &Answer) -> bool {
    answer.status == 503 && answer.set_cookies().is_empty() && answer.header("retry-after").is_some()
}

/// Every kind of request is refused, everywhere; returns how long the slowest waited.
fn refused_everywhere(site: &Site, client: &Client, failure: &str) -> Duration {
    let requests: [Ask; 7] = [
        ("session", |client| client.get("/api/v1/session")),
        ("page", |client| client.get("/account")),
        ("list", |client| client.get("/api/v1/sessions")),
        ("logout", |client| client.post("/api/v1/logout")),
        ("logout on a page", |client| client.post("/logout")),
        ("logout with a form token", |client| client.form("/logout", &[("form_token", "x")])),
        ("login", |client| client.log_in("ada", PASSWORD)),
    ];
    let slowest = thread::scope(|scope| {
        let mut asking = Vec::new();
        for place in site.everywhere(client) {
            for (what, ask) in requests {
                let mut place = place.clone();
                asking.push(scope.spawn(move || {
                    let since = now();
                    let answer = ask(&mut place);
                    assert!(is_kept(&answer), "{failure}: {what}: {answer:?}");
                    since.elapsed()
                }));
            }
        }
        asking.into_iter().map(|asked| asked.join().unwrap()).max().unwrap()
    });
    for instance in &site.instances {
        let mut watcher = instance.server.client();
        let answer = watcher.get("/readyz");
        assert!(is_kept(&answer), "{failure}: readyz: {answer:?}");
        assert_eq!(watcher.get("/healthz").status, 200, "{failure}");
    }
    slowest
}

/// How long until every lane of every instance serves again, it says that it is ready, and logs in.
fn recovered_everywhere(site: &Site, client: &Client, since: Instant, failure: &str) -> Duration {
    let wanted = |answer: Answer| if answer.status == 200 { Ok(()) } else { Err(answer) };
    thread::scope(|scope| {
        let mut asking = Vec::new();
        for instance in &site.instances {
            for _ in 0..AT_ONCE {
                let mut client = client.at(instance.server.address());
                asking.push(scope.spawn(move || until_served(since, failure, &mut client)));
            }
            let mut watcher = instance.server.client();
            asking.push(scope.spawn(move || until(since, failure, || wanted(watcher.get("/readyz")))));
            let mut guest = instance.server.client();
            asking.push(scope.spawn(move || until(since, failure, || wanted(guest.log_in("ada", PASSWORD)))));
        }
        asking.into_iter().map(|asked| asked.join().unwrap()).max().unwrap()
    })
}
