//! One session, three instances: what is ended anywhere, in whatever way, is refused everywhere by the next request. And an
//! instance that is killed takes nothing with it.

use std::collections::BTreeSet;
use std::net::TcpStream;

use testbed::balancer::SERVED_BY;

use crate::client::Client;
use crate::process::{OTHER_PASSWORD, PASSWORD};
use crate::site::{INSTANCES, Site};

/// Ends the session of the browser it is given.
type End<'s> = &'s dyn Fn(&mut Client);

#[test]
fn a_session_is_valid_everywhere_and_refused_everywhere_after_its_end() {
    let site = Site::new();
    let run = |args: &[&str]| {
        let output = site.outside.run(args);
        assert!(output.status.success(), "{output:?}");
    };
    let ends: [(&str, &str, End<'_>); 10] = [
        ("logout through the balancer", "session_revoked", &|client| {
            assert_eq!(client.post("/api/v1/logout").status, 204);
        }),
        ("logout at one instance", "session_revoked", &|client| {
            let mut there = client.at(site.instances[2].server.address());
            assert_eq!(there.post("/logout").status, 303);
        }),
        ("DELETE", "session_revoked", &|_| drop(site.psql("DELETE FROM sessions"))),
        ("UPDATE of the timeout", "session_absolute", &|_| {
            drop(site.psql("UPDATE sessions SET absolute_expires_at = now()"));
        }),
        ("TRUNCATE", "login_required", &|_| drop(site.psql("TRUNCATE sessions"))),
        ("session end ID", "session_revoked", &|client| run(&["session", "end", &id_of(client)])),
        ("session end --subject", "session_revoked", &|_| run(&["session", "end", "--subject", "ada"])),
        ("session end --everyone", "session_revoked", &|_| run(&["session", "end", "--everyone", "--yes"])),
        ("another device's button", "session_revoked", &|client| {
            let answer = site.logged_in().submit(&format!("/account/sessions/{}/end", id_of(client)), &[]);
            assert_eq!(answer.status, 303, "{answer:?}");
        }),
        ("a change of the password on another device", "session_revoked", &|_| {
            let new = [("new_password", OTHER_PASSWORD), ("new_password_again", OTHER_PASSWORD)];
            let answer =
                site.logged_in().submit("/account/password", &[&[("current_password", PASSWORD)][..], &new].concat());
            assert_eq!(answer.status, 303, "{answer:?}");
        }),
    ];
    for (way, code, end) in ends {
        let mut client = site.logged_in();
        assert_eq!(site.statuses(&client), [200; 2 * INSTANCES], "{way}");
        end(&mut client.clone());
        for mut place in site.everywhere(&client) {
            let answer = place.get("/api/v1/session");
            assert_eq!((answer.status, answer.code().as_str()), (401, code), "{way}: {answer:?}");
        }
        assert_eq!(client.get("/account").status, 303, "{way}");
    }
}

#[test]
fn the_balancer_shares_the_work_and_an_instance_that_is_killed_takes_nothing_with_it() {
    let site = Site::new();
    let killed = &site.instances[0];
    let mut of_killed = Client::new(killed.server.address());
    assert_eq!(of_killed.log_in("ada", PASSWORD).status, 200);
    let mut clients = [site.logged_in(), site.logged_in(), of_killed.at(&site.balancer.address())];
    let served = |client: &mut Client| {
        let answer = client.get("/api/v1/session");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.header(SERVED_BY).unwrap().to_owned()
    };
    let by: BTreeSet<_> = (0..2 * INSTANCES).map(|_| served(&mut clients[0])).collect();
    assert_eq!(by.len(), INSTANCES, "{by:?}");

    killed.server.signal("-KILL");
    while TcpStream::connect(killed.server.address()).is_ok() {
        served(&mut clients[0]); // those that come while it dies, too
    }
    let by: BTreeSet<_> = (0..10 * INSTANCES).map(|number| served(&mut clients[number % 3])).collect();
    assert_eq!(by.len(), INSTANCES - 1, "{by:?}");
    assert_eq!(site.logged_in().status(), 200, "logins go on");
    assert_eq!(clients[2].post("/api/v1/logout").status, 204, "its sessions can be ended elsewhere");
    assert_eq!(clients[2].at(&site.balancer.address()).status(), 401);
    assert_eq!(site.psql("SELECT count(*) FROM sessions"), "3");
}

fn id_of(client: &mut Client) -> String {
    client.get("/api/v1/session").json()["session"]["id"].as_str().unwrap().to_owned()
}
