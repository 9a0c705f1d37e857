//! pgbouncer between an instance and its database: in session mode it is as if it were not there; in transaction mode, where
//! what is set on a connection may be set on another one's, the instance says so and does not start.

use testbed::pooler::Pooler;
use testbed::postgres::Cluster;

use crate::process::Place;

/// A migrated database of its own with an account.
fn database(name: &str) -> &'static Cluster {
    let cluster = Cluster::shared();
    cluster.psql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
    let place = Place::new().with("DATABASE__URL", &cluster.url(name));
    assert!(place.run(&["migrate", "up"]).status.success());
    drop(place.with_account("ada"));
    cluster
}

#[test]
fn in_session_mode_it_is_as_if_it_were_not_there() {
    let cluster = database("behind_sessions");
    let pooler = Pooler::before(cluster, "session").unwrap();
    let place = Place::new().with("DATABASE__URL", &pooler.url("behind_sessions"));
    let server = place.serve();
    let mut client = server.logged_in("ada");
    assert_eq!((client.status(), client.get("/readyz").status), (200, 200));
    assert_eq!((client.post("/api/v1/logout").status, client.status()), (204, 401));
}

#[test]
fn in_transaction_mode_an_instance_says_what_to_do_and_does_not_start() {
    let cluster = database("behind_transactions");
    for mode in ["transaction", "statement"] {
        let pooler = Pooler::before(cluster, mode).unwrap();
        let place = Place::new().with("DATABASE__URL", &pooler.url("behind_transactions"));
        let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{mode}: {said}");
        let lines: Vec<_> = said.lines().filter(|line| line.starts_with("cloakroom: ")).collect();
        assert_eq!(lines.len(), 1, "{mode}: {said}");
        assert!(lines[0].contains("pooler") && lines[0].contains("pool_mode = session"), "{mode}: {said}");
    }
}
