//! Two versions at work on one database: the next one's migration is applied under a running instance, which goes on, can be
//! restarted, and shares its sessions.

use crate::client::Client;
use crate::process::PASSWORD;
use crate::site::{Instance, Site};

/// What a next version might do. Within its hundred a migration only adds.
const NEXT: &str = "ALTER TABLE sessions ADD COLUMN device text; \
     CREATE TABLE session_devices (name text PRIMARY KEY); \
     INSERT INTO cloakroom_migrations (version, description, success, checksum, execution_time) \
     VALUES (2, 'devices', true, '\\x00', 0)";

#[test]
fn an_instance_works_on_beside_the_next_version_and_can_be_restarted() {
    let site = Site::new();
    let earlier = site.logged_in();
    assert_eq!(site.statuses(&earlier), [200; 6]);
    site.psql(NEXT);
    assert_eq!(site.statuses(&earlier), [200; 6], "running instances go on");
    let later = site.logged_in();
    // What the next version issues has more in its row than this one knows.
    site.psql("UPDATE sessions SET device = 'tablet'");

    let restarted = Instance::start(&site.cluster);
    let mut here = Client::new(restarted.server.address());
    assert_eq!(here.log_in("ada", PASSWORD).status, 200);
    assert_eq!(here.get("/readyz").status, 200);
    for client in [&earlier, &later, &here] {
        assert_eq!(client.at(restarted.server.address()).status(), 200);
        assert_eq!(site.statuses(client), [200; 6], "and on those that were not restarted");
    }
    assert_eq!(here.clone().post("/api/v1/logout").status, 204);
    assert_eq!(site.statuses(&here), [401; 6]);
    let status = site.outside.run(&["migrate", "status"]);
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn a_database_of_the_next_hundred_is_refused() {
    let site = Site::new();
    site.psql(&NEXT.replace("(2,", "(101,"));
    let refused = site.outside.run(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("newer version of Cloakroom"), "{said}");
}
