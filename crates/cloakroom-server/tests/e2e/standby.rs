//! A standby is behind by what it has not heard yet, perhaps a logout: nothing is served from it. Once it is promoted it is
//! the database.

use std::thread;

use testbed::postgres::Cluster;

use crate::client::Client;
use crate::process::PASSWORD;
use crate::site::{Ask, INSTANCES, Site, now, until_served};

/// How often each instance is asked while it is led to the standby.
const ROUNDS: usize = 3;

#[test]
fn nothing_is_served_from_a_standby_until_it_is_promoted() {
    let site = Site::new();
    let (living, ended, late) = (site.logged_in(), site.logged_in(), site.logged_in());
    assert_eq!(ended.clone().post("/api/v1/logout").status, 204);
    let standby = site.cluster.standby().unwrap();

    site.wires(|wire| wire.lead_to(standby.port()));
    let requests: [Ask; 5] = [
        ("session", |client| client.get("/api/v1/session")),
        ("page", |client| client.get("/account")),
        ("logout", |client| client.post("/api/v1/logout")),
        ("login", |client| client.log_in("ada", PASSWORD)),
        ("readiness", |client| client.get("/readyz")),
    ];
    let places = site.everywhere(&living);
    thread::scope(|scope| {
        for (place, (what, ask)) in places.iter().flat_map(|place| requests.map(|ask| (place, ask))) {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let answer = ask(&mut place.clone());
                    assert_eq!((answer.status, answer.set_cookies().len()), (503, 0), "{what} {round}: {answer:?}");
                }
            });
        }
    });
    // And a server that starts now says what is wrong.
    let refused = site.instances[0].place.run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains("standby") && said.contains("primary"), "{said}");

    site.wires(|wire| wire.lead_to(site.cluster.port()));
    serves_again(&site, &living, "the primary");
    assert_eq!(late.clone().post("/api/v1/logout").status, 204);
    has_heard_all(&site.cluster, &standby);
    site.cluster.stop("fast").unwrap();
    standby.promote().unwrap();
    site.wires(|wire| wire.lead_to(standby.port()));
    serves_again(&site, &living, "the promoted standby");
    for client in [&ended, &late] {
        assert_eq!(site.statuses(client), [401; 2 * INSTANCES]);
    }
    let mut new = site.logged_in();
    assert_eq!((new.status(), new.post("/api/v1/logout").status), (200, 204), "and it can be written");
}

fn serves_again(site: &Site, living: &Client, what: &str) {
    let since = now();
    for mut place in site.everywhere(living) {
        let taken = until_served(since, what, &mut place);
        println!("{what}: serves after {taken:?}");
        assert!(taken.as_secs() < 2, "{what}: {taken:?}");
    }
}

/// Waits until the standby has replayed what the primary has committed.
fn has_heard_all(primary: &Cluster, standby: &Cluster) {
    let written = primary.psql("postgres", "SELECT pg_current_wal_lsn()").unwrap();
    let heard = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
    while standby.psql("postgres", &heard).unwrap() != "t" {}
}
