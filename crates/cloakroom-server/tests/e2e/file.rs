//! Two leased servers on one SQLite file: what is ended at one, in the shell, or by putting another file in its place, is refused
//! at both within the lease.

use std::time::Duration;

use crate::client::Client;
use crate::leased::{LEASE, leasing, ready};
use crate::process::{Place, Server};
use crate::site::now;

/// Asks until it is refused; how long after the end the last request began that was served.
fn refused(server: &Server, client: &Client, what: &str) -> Duration {
    let (ended, mut last, mut client) = (now(), Duration::ZERO, client.at(server.address()));
    loop {
        let began = ended.elapsed();
        match client.status() {
            200 => last = began,
            status => {
                assert_eq!(status, 401, "{what}");
                return last;
            }
        }
        assert!(last <= LEASE, "{what}: served by a request that began {last:?} after the end");
    }
}

#[test]
fn what_ends_in_a_shared_file_is_refused_by_both_within_the_lease() {
    let place = leasing(Place::new()).with("DATABASE__URL", "sqlite:cloakroom.db").with_account("ada");
    let mut servers = [place.serve(), place.serve()];
    servers.iter_mut().for_each(ready);
    let held = || {
        let client = servers[0].logged_in("ada");
        for server in &servers {
            let mut here = client.at(server.address());
            assert_eq!((here.status(), here.status()), (200, 200));
        }
        client
    };
    let both = |client: &Client, what: &str| {
        println!("{what}: {:?}", [&servers[0], &servers[1]].map(|server| refused(server, client, what)));
    };

    for round in 0..10 {
        let leaving = held();
        assert_eq!(leaving.at(servers[round % 2].address()).post("/api/v1/logout").status, 204);
        both(&leaving, "logout at one");
    }
    for _ in 0..5 {
        let deleted = held();
        place.sqlite("DELETE FROM sessions");
        both(&deleted, "DELETE in the shell");
    }

    let earlier = held();
    place.sqlite(&format!("VACUUM INTO '{}'", place.file("earlier").display()));
    let later = held();
    for log in ["cloakroom.db-wal", "cloakroom.db-shm"] {
        std::fs::remove_file(place.file(log)).unwrap();
    }
    std::fs::rename(place.file("earlier"), place.file("cloakroom.db")).unwrap();
    both(&later, "another file in its place");
    for server in &servers {
        assert_eq!(earlier.at(server.address()).status(), 200, "who was in it is logged in");
    }
}
