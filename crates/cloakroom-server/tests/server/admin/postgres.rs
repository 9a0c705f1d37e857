//! The administrators' pages on PostgreSQL, once through.

use testbed::postgres::Cluster;

use super::{add_administrator, id_of, ids_on, link, subject_of, text};
use crate::process::{PASSWORD, Place};

#[test]
fn once_through_the_pages_on_postgresql() {
    let schema = Cluster::shared().fresh_schema().unwrap();
    let place = Place::new().with("DATABASE__URL", &schema.url()).with("DATABASE__MIGRATE", "true");
    assert!(place.run(&["migrate", "up"]).status.success());
    let place = place.with_account("ada").with_account("bob");
    add_administrator(&place, "root");
    let server = place.serve();
    let (mut root, mut ada, mut bob) = (server.logged_in("root"), server.logged_in("ada"), server.logged_in("bob"));
    let mut curl = server.client().with_header("user-agent: curl/8");
    assert_eq!(curl.log_in("bob", PASSWORD).status, 200);
    assert!(text(&root.get("/admin")).contains("Its clock and this server's agree"));
    assert_eq!(ids_on(&root.get("/admin/sessions")), [id_of(&mut curl), id_of(&mut bob), id_of(&mut ada)]);
    assert_eq!(ids_on(&root.get("/admin/sessions?who=bob&network=127.0.0.0/8&auth_method=password")).len(), 2);
    let found = root.get("/admin/sessions?browser=CURL&older_than=0s");
    let preview = root.get(&link(&found, "End all that match…").unwrap());
    assert!(text(&preview).contains("1 of 4 living sessions match"), "{}", text(&preview));
    let done = root.submit_from(&preview, "/admin/sessions/end", &[]);
    assert!(text(&root.get(done.header("location").unwrap())).contains("One session was ended"), "{done:?}");
    assert_eq!((curl.status(), bob.status()), (401, 200));

    let path = format!("/admin/accounts/{}", subject_of(&mut bob).replace('-', "%2D"));
    assert!(text(&root.get("/admin/accounts?name=b")).contains("bob Person"));
    let question = root.get(&format!("{path}/disable"));
    assert!(text(&question).contains("living now: 1"));
    assert_eq!(root.submit_from(&question, &format!("{path}/disable"), &[]).status, 303);
    assert_eq!((bob.status(), server.client().log_in("bob", PASSWORD).status), (401, 401));
    let page = root.get(&path);
    assert_eq!(root.submit_from(&page, &format!("{path}/enable"), &[]).status, 303);
    assert_eq!(root.submit_from(&page, &format!("{path}/unlock"), &[]).status, 303);
    let mut bob = server.logged_in("bob");
    let question = root.get(&format!("{path}/end-all"));
    assert_eq!(root.submit_from(&question, &format!("{path}/end-all"), &[]).status, 303);
    assert_eq!((bob.status(), ada.status(), root.status()), (401, 200, 200));
}
